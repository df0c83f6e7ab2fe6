"""What texts mean beyond their type: what is one, its normal form, and what is said of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from rowport.engine import schema_document
from rowport.engine.validation import Validated, Validator

if TYPE_CHECKING:
    from collections.abc import Mapping


def run(field: Mapping[str, object], *cells: str | None, **others: list[str | None]) -> Validated:
    listed: list[object] = [
        {"name": "a", "type": "string", **field},
        *({"name": name} for name in others),
    ]
    schema = schema_document.parse({"fields": listed, "missingValues": ["", "NA"]})
    columns = {"a": pa.array(cells, pa.string())} | {
        name: pa.array(column, pa.string()) for name, column in others.items()
    }
    numbers = pa.array(range(1, len(cells) + 1), pa.int64())
    return Validator(schema, list(columns)).run(pa.table(columns), numbers)


GOOD: list[tuple[object, str, str]] = [
    # semantic, as typed, normal form
    ("email", "Ann.Doe+x@Example.COM", "Ann.Doe+x@example.com"),
    ("email", "用户@例え.jp", "用户@例え.jp"),
    ("email", "u\u0308@a.example", "\u00fc@a.example"),
    ("phone", "+49 (0)30 901820", "+4930901820"),
    ("phone", "+1 212-555-2368", "+12125552368"),
    ("phone", "+39 06 6982", "+39066982"),
    ({"phone": {"region": "DE"}}, "030/901820", "+4930901820"),
    ({"phone": {"region": "DE"}}, "0049 30 901820", "+4930901820"),
    ({"phone": {"region": "DE"}}, "+33 1 42 68 53 00", "+33142685300"),
    ({"phone": {"region": "US"}}, "(212) 555-2368", "+12125552368"),
    ({"phone": {"region": "RU"}}, "8 800 555-35-35", "+78005553535"),
    ("country", "de", "DE"),
    ("country", "DEU", "DE"),
    ("country", "276", "DE"),
    ("country", "UK", "GB"),
    ("country", "USA", "US"),
    ("country", "Allemagne", "DE"),
    ("country", "日本", "JP"),
    ("country", "the Netherlands", "NL"),
    ("country", "COTE D'IVOIRE", "CI"),
    ("country", "Iran, Islamic Republic of", "IR"),
    ("country", "Kosovo", "XK"),
    ("currency", "usd", "USD"),
    ("currency", "€", "EUR"),
    ("currency", "US$", "USD"),
    ("currency", "Schweizer Franken", "CHF"),
    ("currency", "euro", "EUR"),
    ({"currency": {"region": "US"}}, "$", "USD"),
    ({"currency": {"region": "GB"}}, "£", "GBP"),
    ("iban", "gb82 west 1234 5698 7654 32", "GB82WEST12345698765432"),
    ("iban", "DE89-3704-0044-0532-0130-00", "DE89370400440532013000"),
    ("uuid", "95ECC380-afe9-11e4-9b6c-751b66dd541e", "95ecc380-afe9-11e4-9b6c-751b66dd541e"),
    ("uuid", "{95ecc380-afe9-11e4-9b6c-751b66dd541e}", "95ecc380-afe9-11e4-9b6c-751b66dd541e"),
    ("uuid", "95ecc380afe911e49b6c751b66dd541e", "95ecc380-afe9-11e4-9b6c-751b66dd541e"),
    ("percentage", "12.5 %", "0.125"),
    ("percentage", "-3%", "-0.03"),
    ("percentage", "1200%", "12.00"),
    ("percentage", "5‰", "0.005"),
    ({"percentage": {"bare": "percent"}}, "15", "0.15"),
    ({"percentage": {"bare": "share"}}, "0.15", "0.15"),
]


@pytest.mark.parametrize(("semantic", "cell", "normal"), GOOD)
def test_a_semantic_accepts_and_changes_nothing(semantic: object, cell: str, normal: str) -> None:
    del normal
    found = run({"semantic": semantic}, cell, None, "NA")
    assert found.errors.to_pylist() == []
    assert found.rows["a"].to_pylist() == [cell, None, None]


@pytest.mark.parametrize(("semantic", "cell", "normal"), GOOD)
def test_the_transform_of_the_same_name_writes_the_normal_form(
    semantic: object, cell: str, normal: str
) -> None:
    found = run({"transforms": [semantic]}, f" {cell}\t", None, " NA ")
    assert found.errors.to_pylist() == []
    assert found.rows["a"].to_pylist() == [normal, None, None]


BAD: list[tuple[object, str, str]] = [
    ("email", "ann@localhost", "is not an e-mail address: "),
    ("email", "ann@x@y.org", "is not an e-mail address: "),
    ("email", "ann@intranet.local", "is not an e-mail address: "),
    ("email", " ann@a.example", "is not an e-mail address: "),
    ("phone", "030 901820", "it begins with no country code such as +49"),
    ("phone", "+49 30 901820 ext. 5", "it holds more than digits"),
    ("phone", "call +49 30 901820", "it holds more than digits"),
    ("phone", "+49 1", "is not a phone number: it is"),
    ("phone", "+999 123 456 789", "its country code does not exist"),
    ("phone", "+1 123 555 2368", "no number of +1 begins or is as long as this"),
    ("country", "Congo", "may be several countries: CD (Congo - Kinshasa), CG (Congo - Bra"),
    ("country", "Korea", "may be several countries: KP (North Korea), KR (South Korea)"),
    ("country", "SU", "may be several countries: AM (Armenia), "),
    ("country", "Atlantis", "is not a country, neither a code of ISO 3166 nor a name"),
    ({"country": {"form": "alpha-2"}}, "DEU", "is not written as alpha-2: write DE"),
    ({"country": {"form": "alpha-3"}}, "Deutschland", "is not written as alpha-3: write DEU"),
    ({"country": {"form": "alpha-3"}}, "XK", "XK has no alpha-3 code in ISO 3166"),
    ("currency", "$", "may be several currencies: ARS, AUD, "),
    ("currency", "kr", "may be several currencies: DKK, NOK, SEK; write the code"),
    ("currency", "dollar", "may be several currencies: "),
    ("currency", "DEM", "is not a currency"),
    ("iban", "GB82WEST12345698765433", "its check digits are wrong"),
    ("iban", "ZZ82WEST12345698765432", "is not an IBAN: "),
    ("iban", "Konto 17", "is not an IBAN: "),
    ("uuid", "95ecc380-afe9-11e4-9b6c-751b66dd541", "it has 32 hexadecimal digits"),
    ("url", "www.example.com", "it begins with http:// or https://"),
    ("url", "ftp://example.com/", "it begins with http:// or https://"),
    ("url", "https://exa mple.com", "it holds a blank"),
    ("url", "https://example.com/%zz", "or a bare %"),
    ("url", "https://-example.com", "-example.com is no name of a host"),
    ("url", "https://", "nothing is no name of a host"),
    ("url", "https://256.1.1.1/", "256.1.1.1 is no name of a host"),
    ("url", "https://example.com:99999/", "is not a URL: "),
    ("geopoint", "52.5", "is not a point of the form lon,lat"),
    ("geopoint", "13.4, 95", "latitude 95 lies outside -90 to 90"),
    ({"geopoint": {"order": "lat,lon"}}, "95, 13.4", "latitude 95 lies outside -90 to 90"),
    ({"postal_code": {"country": "DE"}}, "1234", "is not a postal code of DE, such as 26133"),
    ({"postal_code": {"country": "GB"}}, "12345", "is not a postal code of GB, such as EC1Y 8SY"),
    ("percentage", "15", "has no %: the option `bare` says"),
    ("percentage", "fifteen %", "is not a percentage such as 12.5%"),
]


@pytest.mark.parametrize(("semantic", "cell", "words"), BAD)
def test_what_is_none_is_a_constraint_error_that_says_why(
    semantic: object, cell: str, words: str
) -> None:
    found = run({"semantic": semantic}, cell, None)
    (error,) = found.errors.to_pylist()
    assert (error["row"], error["field"], error["code"]) == (1, "a", "constraint-error")
    assert error["value"] == cell
    assert words in error["message"]
    assert found.rows["a"].to_pylist() == [None]


@pytest.mark.parametrize(
    ("semantic", "cell"),
    [
        ("url", "https://Example.com:443/A?b=%20#c"),
        ("url", "http://münchen.example/straße"),
        ("url", "http://[::1]:8080/"),
        ("url", "http://10.0.0.1/"),
        ({"url": {"schemes": ["ftp"]}}, "ftp://user@example.com/x"),
        ("geopoint", "13.4050, 52.5200"),
        ({"geopoint": {"order": "lat,lon"}}, "-33.9,151.2"),
        ({"postal_code": {"country": "DE"}}, "01067"),
        ({"postal_code": {"country": "GB"}}, "sw1a 1aa"),
        ({"postal_code": {"country": "CA"}}, "H3Z 2Y7"),
        ({"postal_code": {"country": "AE"}}, "anything"),
        ({"country": {"form": "name"}}, "Germany"),
    ],
)
def test_these_are_fine_as_well(semantic: object, cell: str) -> None:
    assert run({"semantic": semantic}, cell).errors.to_pylist() == []


@pytest.mark.parametrize(
    ("cell", "normal"),
    [
        ("HTTP://Example.COM:80/Path", "http://example.com/Path"),
        ("Example.com", "https://example.com"),
        ("http://Example.com#", "http://example.com#"),
        ("http://Example.com:80?", "http://example.com?"),
        ("https://ÄPFEL.example/", "https://äpfel.example/"),
        ("https://u:p@Example.com:8443", "https://u:p@example.com:8443"),
        ("no url at all", "https://no url at all"),
    ],
)
def test_the_transform_url_writes_scheme_and_host_in_lower_case(cell: str, normal: str) -> None:
    assert run({"transforms": ["url"]}, cell).rows["a"].to_pylist() == [normal]


@pytest.mark.parametrize(
    ("step", "cell", "normal"),
    [
        ({"country": {"to": "alpha-3"}}, "Deutschland", "DEU"),
        ({"country": {"to": "numeric"}}, "de", "276"),
        ({"country": {"to": "name"}}, "DE", "Germany"),
    ],
)
def test_a_country_is_written_as_asked(step: object, cell: str, normal: str) -> None:
    assert run({"transforms": [step]}, cell).rows["a"].to_pylist() == [normal]


def test_a_step_that_cannot_be_done_is_a_type_error() -> None:
    found = run({"transforms": [{"country": {}}]}, " Congo ", "DE")
    (error,) = found.errors.to_pylist()
    assert (error["code"], error["value"]) == ("type-error", " Congo ")
    assert error["message"].startswith('"Congo" may be several countries')
    assert found.rows["a"].to_pylist() == ["DE"]


def test_with_the_semantic_of_the_same_name_it_is_one_constraint_error() -> None:
    field: dict[str, object] = {"transforms": [{"phone": {"region": "DE"}}], "semantic": "phone"}
    found = run(field, "030 901820", "nobody")
    (error,) = found.errors.to_pylist()
    assert (error["row"], error["code"], error["value"]) == (2, "constraint-error", "nobody")
    assert found.rows["a"].to_pylist() == ["+4930901820"]


def test_a_percentage_becomes_an_exact_number_in_the_signs_of_its_field() -> None:
    field: dict[str, object] = {
        "type": "number",
        "semantic": "percentage",
        "transforms": [{"number": {"decimalChar": ",", "groupChar": "."}}, "percentage"],
    }
    found = run(field, "12,5 %", "1.250%", "15")
    assert [str(value) for value in found.rows["a"].to_pylist()] == ["0.125", "12.500"]
    assert found.errors["row"].to_pylist() == [3]


def test_points_may_be_of_the_standard_s_type() -> None:
    found = run({"type": "geopoint", "semantic": "geopoint"}, "13.4, 52.5", "north")
    assert found.errors["code"].to_pylist() == ["type-error"]
    assert found.rows["a"].to_pylist() == ["13.4,52.5"]


def test_another_field_tells_the_country_of_a_postal_code() -> None:
    field = {"semantic": {"postal_code": {"countryField": "land"}}}
    lands: list[str | None] = ["DE", "Germany", "NL", "GBR", None, "Atlantis", "DE"]
    found = run(field, "01067", "1234", "1234 AB", "1234", "1234", "1234", None, land=lands)
    assert found.errors["row"].to_pylist() == [2, 4]
    assert "is not a postal code of GB" in found.errors["message"].to_pylist()[1]


def test_another_field_tells_the_region_of_a_phone_number() -> None:
    step = {"phone": {"regionField": "land"}}
    lands: list[str | None] = ["Deutschland", "US", None, "FR"]
    cells = ("030 901820", "212 555 2368", "+44 20 7946 0000", "030 901820")
    found = run({"transforms": [step]}, *cells, land=lands)
    assert found.rows["a"].to_pylist() == ["+4930901820", "+12125552368", "+442079460000"]
    assert found.errors["row"].to_pylist() == [4]
    judged = run({"semantic": step}, *cells, land=lands)
    assert judged.errors["row"].to_pylist() == [4]


def test_without_the_other_column_a_semantic_judges_what_it_can() -> None:
    schema = schema_document.parse(
        {
            "fields": [
                {"name": "a", "type": "string", "semantic": {"phone": {"regionField": "land"}}},
                {"name": "land"},
            ]
        }
    )
    cells = pa.table({"a": pa.array(["+4930901820", "030 901820"])})
    found = Validator(schema, ["a"]).run(cells, pa.array([1, 2], pa.int64()))
    assert found.errors["row"].to_pylist() == [2]


def test_a_semantic_is_told_after_the_constraints_and_beside_them() -> None:
    field: dict[str, object] = {"semantic": "uuid", "constraints": {"maxLength": 3}}
    assert run(field, "wrong").errors["message"].to_pylist() == [
        '"wrong" must have at most 3 characters',
        '"wrong" is not a UUID: it has 32 hexadecimal digits (8-4-4-4-12)',
    ]


@pytest.mark.parametrize(
    "semantic", ["email", "phone", "country", "currency", "iban", "url", "uuid"]
)
def test_a_huge_cell_is_none_in_no_time(semantic: str) -> None:
    for cell in (
        "1" * 1_000_000,
        "a@" + "a." * 500_000,
        "+" + "1" * 9_999,
        "https://" + "ü" * 9_000,
    ):
        (message,) = run({"semantic": semantic}, cell).errors["message"].to_pylist()
        assert len(message) < 400
