"""Semantics of a schema are refused before they are saved, and cost nothing where none is asked."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rowport.engine import schema_document
from rowport.engine.schema_reading import read
from rowport.model.errors import InvalidSchema

REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "unknown": (
        {"semantic": "emial"},
        "/fields/0/semantic: \"emial\" cannot be used: there is no semantic 'emial'; the semantics",
    ),
    "all": (
        {"semantic": ""},
        "email, phone, country, currency, iban, uuid, url, geopoint, postal_code, percentage",
    ),
    "no name": ({"semantic": 5}, "/fields/0/semantic: 5 cannot be used; allowed is a name"),
    "two names": (
        {"semantic": {"email": {}, "url": {}}},
        "an object with one name and its options",
    ),
    "options": ({"semantic": {"email": 5}}, "the options of email are an object"),
    "option": (
        {"semantic": {"email": {"dns": True}}},
        "email has no option 'dns'; its options are",
    ),
    "value": (
        {"semantic": {"phone": {"region": "Germany"}}},
        'phone: region cannot be "Germany"; allowed is a country code of two letters, such as DE',
    ),
    "scheme": ({"semantic": {"url": {"schemes": ["HTTP"]}}}, "allowed is an array of schemes"),
    "form": (
        {"semantic": {"country": {"form": "iso"}}},
        "allowed is alpha-2 or alpha-3 or numeric",
    ),
    "order": ({"semantic": {"geopoint": {"order": "xy"}}}, "allowed is lon,lat or lat,lon"),
    "bare": ({"semantic": {"percentage": {"bare": 1}}}, "allowed is error or percent or share"),
    "needed": ({"semantic": "postal_code"}, "postal_code needs the option country or countryField"),
    "both": (
        {"semantic": {"postal_code": {"country": "DE", "countryField": "b"}}},
        "postal_code takes its country from an option or from a field, not both",
    ),
    "itself": (
        {"semantic": {"phone": {"regionField": "a"}}},
        "phone cannot take its country from its own field",
    ),
    "other": (
        {"semantic": {"postal_code": {"countryField": "land"}}},
        '/fields/0/semantic/postal_code/countryField: "land" cannot be used; allowed is one of the',
    ),
    "type": (
        {"type": "integer", "semantic": "email"},
        "email is not for integer, only for any, string",
    ),
    "step option": (
        {"transforms": [{"country": {"to": "x"}}]},
        '/transforms/0: {"country": {"to": "x"}} cannot be used: country: to cannot be "x"',
    ),
    "step region": ({"transforms": [{"phone": {"region": 1}}]}, "phone: region cannot be 1"),
    "step field": (
        {"transforms": [{"phone": {"regionField": "land"}}]},
        '/fields/0/transforms/0/phone/regionField: "land" cannot be used',
    ),
    "step both": (
        {"transforms": [{"phone": {"regionField": "b", "region": "DE"}}]},
        "phone takes its country from an option or from a field, not both",
    ),
}


def document(**field: object) -> dict[str, object]:
    return {"fields": [{"name": "a", "type": "string", **field}, {"name": "b"}]}


@pytest.mark.parametrize(("field", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_kept_is_refused_with_its_place(
    field: dict[str, object], words: str
) -> None:
    with pytest.raises(InvalidSchema) as refused:
        schema_document.parse(document(**field))
    assert words in str(refused.value)
    assert "/fields/0/" in str(refused.value)


def test_a_semantic_is_kept_as_one_name_and_its_options() -> None:
    assert schema_document.parse(document(semantic="email")).fields[0].semantic == {"email": {}}
    told = {"phone": {"regionField": "b"}}
    assert read(document(semantic=told)).fields[0].semantic == told
    assert read(document()).fields[0].semantic is None


LIBRARIES = {"babel", "email_validator", "phonenumbers", "pycountry", "stdnum"}
JUDGING = """
import pyarrow
from rowport.engine.schema_document import parse
from rowport.engine.validation import Validator
cells = pyarrow.table({{"a": ["DE89370400440532013000", "x"]}})
Validator(parse({document}), ["a"]).run(cells, pyarrow.array([1, 2]))
"""


@pytest.mark.parametrize(
    ("doing", "loaded"),
    [
        ("import rowport.cli.app", set()),
        (
            f"from rowport.engine.schema_reading import read; read({document(semantic='phone')})",
            set(),
        ),
        (JUDGING.format(document=document(transforms=["trim"])), set()),
        (JUDGING.format(document=document(semantic="uuid", transforms=["uuid"])), set()),
        (JUDGING.format(document=document(semantic="iban")), {"stdnum"}),
        (JUDGING.format(document=document(semantic="country")), {"babel", "pycountry"}),
    ],
    ids=["command", "following", "plain", "uuid", "iban", "country"],
)
def test_libraries_come_in_only_where_a_schema_asks_for_them(doing: str, loaded: set[str]) -> None:
    code = f"{doing}\nimport sys\nprint(*({LIBRARIES!r} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(ran.stdout.split()) == loaded


def test_the_table_of_postal_codes_is_that_of_the_address_data() -> None:
    import postal_codes  # noqa: PLC0415  a tool

    assert postal_codes.TABLE.read_text("utf-8") == postal_codes.table()
