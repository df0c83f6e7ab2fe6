"""What each cell means, one by one: the traps of every type.

Every case runs through the whole validator, so that fast path and exact reader are both judged.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pyarrow as pa
import pytest

from rowport.engine import schema_document
from rowport.engine.validation import Validator

BAD = object()
AS_IT_STANDS = object()


def read(cell: str, **field: object) -> object:
    """Read one cell; BAD if the row has a type error."""
    schema = schema_document.parse({"fields": [{"name": "a", **field}]})
    cells = pa.table({"a": pa.array([cell], pa.string())})
    found = Validator(schema, ["a"]).run(cells, pa.array([1], pa.int64()))
    if found.rows.num_rows:
        assert found.errors.num_rows == 0
        return found.rows["a"][0].as_py()
    assert found.errors["code"].to_pylist() == ["type-error"]
    assert found.errors["value"].to_pylist() == [cell]
    return BAD


INTEGERS = [
    ("0", 0),
    ("-12", -12),
    ("+7", 7),
    ("000835", 835),
    (" 01 ", 1),
    ("9223372036854775807", 2**63 - 1),
    ("-9223372036854775808", -(2**63)),
    ("000000000000000000000000000000000000000000001", 1),
    ("9223372036854775808", BAD),
    ("1" * 5000, BAD),
    ("5.0", BAD),
    ("1e3", BAD),
    ("1_000", BAD),
    ("٣", BAD),
    ("\uff13", BAD),
    ("12\u00a0", BAD),
    ("--4", BAD),
    ("+", BAD),
    ("ten", BAD),
]


@pytest.mark.parametrize(("cell", "value"), INTEGERS)
def test_integers(cell: str, value: object) -> None:
    assert read(cell, type="integer") == value


NUMBERS = [
    ("1.50", "1.50"),
    ("-0.07", "-0.07"),
    ("+100000.00", "100000.00"),
    (".5", "0.5"),
    ("5.", "5"),
    (" 5\n", "5"),
    ("1e3", "1000"),
    ("1.5E-3", "0.0015"),
    ("0e999999", "0"),
    ("123456789012345678901234567890.12345678", "123456789012345678901234567890.12345678"),
    ("0." + "0" * 60, "0"),
    ("1." + "0" * 60, "1"),
    ("1e37", "1" + "0" * 37),
    ("1e38", BAD),
    ("1e-38", "0." + "0" * 37 + "1"),
    ("1e-39", BAD),
    ("1e999999999", BAD),
    ("1234567890123456789012345678901234567890", BAD),
    ("NaN", BAD),
    ("INF", BAD),
    ("-inf", BAD),
    ("1_000", BAD),
    ("\u0663.\u0665", BAD),
    ("1,5", BAD),
    ("1.2.3", BAD),
    ("€12", BAD),
    ("0x1A", BAD),
    (".", BAD),
    ("e5", BAD),
]


@pytest.mark.parametrize(("cell", "value"), NUMBERS)
def test_numbers_are_exact(cell: str, value: object) -> None:
    expected = Decimal(value) if isinstance(value, str) else value
    assert read(cell, type="number") == expected


EUROPEAN = [
    ("1.234.567,89", "1234567.89"),
    ("1234,5", "1234.5"),
    ("12,34,56", BAD),
    ("1.2.3,4,5", BAD),
    ("1..000", BAD),
    (".123", BAD),
    ("123.", BAD),
    ("1,234.5", BAD),
    ("-1.000", "-1000"),
]


@pytest.mark.parametrize(("cell", "value"), EUROPEAN)
def test_group_and_decimal_signs_stand_where_they_belong(cell: str, value: object) -> None:
    expected = Decimal(value) if isinstance(value, str) else value
    assert read(cell, type="number", decimalChar=",", groupChar=".") == expected


def test_a_point_is_no_decimal_sign_where_the_field_has_another() -> None:
    assert read("1.234", type="number", decimalChar=",") is BAD


def test_indian_groups_are_numbers() -> None:
    assert read("12,34,567.5", type="number", groupChar=",") == Decimal("1234567.5")
    assert read("12,34,567", type="integer", groupChar=",") == 1234567


NOT_BARE = [
    ("95%", "95"),
    ("€95", "95"),
    ("EUR 95", "95"),
    ("  10,000.00 €", "10000.00"),
    ("€-12.3", "-12.3"),
    ("-12.3 €", "-12.3"),
    ("€.50", "0.50"),
    ("Rs.500", "500"),
    ("95 ٪", "95"),
    ("(12)", BAD),
    ("12-", BAD),
    ("-€12", BAD),
    ("\u221212", BAD),
    ("5 m2", BAD),
    ("٣5", BAD),
    ("€", BAD),
]


@pytest.mark.parametrize(("cell", "value"), NOT_BARE)
def test_what_surrounds_a_number_falls_away_unless_it_could_change_it(
    cell: str, value: object
) -> None:
    expected = Decimal(value) if isinstance(value, str) else value
    assert read(cell, type="number", groupChar=",", bareNumber=False) == expected


def test_booleans_are_the_words_given_and_no_others() -> None:
    assert [read(cell, type="boolean") for cell in ("true", "1", "FALSE", "0")] == [
        True,
        True,
        False,
        False,
    ]
    words = {"trueValues": ["ja"], "falseValues": ["nein"]}
    assert read("ja", type="boolean", **words) is True
    for cell in ("true", "Ja", " ja", "1"):
        assert read(cell, type="boolean", **words) is BAD


DATES = [
    ("default", "2024-02-29", date(2024, 2, 29)),
    ("default", "2023-02-29", BAD),
    ("default", "2024-2-9", BAD),
    ("default", " 2024-02-09", BAD),
    ("default", "0000-01-01", BAD),
    ("default", "0001-01-01", date(1, 1, 1)),
    ("default", "٢٠٢٣-01-01", BAD),
    ("%d/%m/%Y", "29/02/24", BAD),
    ("%d/%m/%Y", " 29/02/2024", BAD),
    ("%d/%m/%Y", "29/02/2024 ", BAD),
    ("%d/%m/%Y", "1/2/2024", date(2024, 2, 1)),
    ("%d/%m/%Y", "31/02/2023", BAD),
    ("%d/%m/%Y", "00/00/0000", BAD),
    ("%d/%m/%Y", "01/01/0999", date(999, 1, 1)),
    ("%d/%m/%y", "01/02/68", date(2068, 2, 1)),
    ("%d/%m/%y", "01/02/69", date(1969, 2, 1)),
    ("%d/%m/%y", "01/02/2069", BAD),
    ("%Y%m%d", "20240229", date(2024, 2, 29)),
    ("%Y%m%d", "2024229", date(2024, 2, 29)),
    ("%d %b %Y", "05 Mar 2024", date(2024, 3, 5)),
    ("%d %b %Y", "05 mar 2024", date(2024, 3, 5)),
    ("%d %b %Y", "05  Mar 2024", date(2024, 3, 5)),
    ("%d %b %Y", "05 Mär 2024", BAD),
    ("%B %d, %Y", "March 5, 2024", date(2024, 3, 5)),
    ("%A %d %B %Y", "Tuesday 05 March 2024", date(2024, 3, 5)),
    ("%Y-%j", "2024-060", date(2024, 2, 29)),
    ("%Y年%m月%d日", "2024年02月29日", date(2024, 2, 29)),
    ("%d.%m.%Y%%", "01.02.2024%", date(2024, 2, 1)),
]


@pytest.mark.parametrize(("form", "cell", "value"), DATES)
def test_dates(form: str, cell: str, value: object) -> None:
    assert read(cell, type="date", format=form) == value


MOMENTS = [
    ("default", "2024-01-26T15:00:00", datetime(2024, 1, 26, 15, tzinfo=UTC)),
    ("default", "2024-01-26T15:00:00Z", datetime(2024, 1, 26, 15, tzinfo=UTC)),
    ("default", "2024-01-26T15:00:00.3-05:00", datetime(2024, 1, 26, 20, 0, 0, 300000, UTC)),
    ("default", "2024-01-26T24:00:00", datetime(2024, 1, 27, tzinfo=UTC)),
    ("default", "2024-01-26T15:00:00.123456000", datetime(2024, 1, 26, 15, 0, 0, 123456, UTC)),
    ("default", "2024-01-26T15:00:00.1234567", BAD),
    ("default", "2024-01-26T15:00:60", BAD),
    ("default", "2024-01-26T15:00:00z", BAD),
    ("default", "2024-01-26 15:00:00", BAD),
    ("default", "2024-01-26T15:00", BAD),
    ("default", "2024-01-26T15:00:00+1:00", BAD),
    ("default", "2020-02-30T00:00:00Z", BAD),
    ("default", "9999-12-31T24:00:00", BAD),
    ("default", "0001-01-01T00:00:00+14:00", BAD),
    ("%Y-%m-%dT%H:%M:%SZ", "2024-01-26T15:00:00Z", datetime(2024, 1, 26, 15, tzinfo=UTC)),
    ("%d/%m/%Y %H:%M", "1/2/2024 9:05", datetime(2024, 2, 1, 9, 5, tzinfo=UTC)),
    ("%d/%m/%Y %I:%M %p", "01/02/2024 12:05 am", datetime(2024, 2, 1, 0, 5, tzinfo=UTC)),
    ("%Y-%m-%d %H:%M:%S.%f", "2024-02-01 09:05:07.25", datetime(2024, 2, 1, 9, 5, 7, 250000, UTC)),
    ("%Y-%m-%d %H:%M%z", "2024-02-01 09:05+0200", datetime(2024, 2, 1, 7, 5, tzinfo=UTC)),
    ("%Y-%m-%d %H:%M:%S", "2024-02-01 23:59:60", BAD),
    ("%Y-%m-%d %H:%M:%S", "2020-01-01 25:00", BAD),
]


@pytest.mark.parametrize(("form", "cell", "value"), MOMENTS)
def test_moments_are_in_utc(form: str, cell: str, value: object) -> None:
    assert read(cell, type="datetime", format=form) == value


TIMES = [
    ("default", "15:00:00", time(15)),
    ("default", "15:00", BAD),
    ("default", "15:00:00Z", BAD),
    ("default", "24:00:00", BAD),
    ("default", "23:59:60", BAD),
    ("%H:%M", "06:50", time(6, 50)),
    ("%M:%H", "06:50", BAD),
    ("%I:%M %p", "03:00 pm", time(15)),
]


@pytest.mark.parametrize(("form", "cell", "value"), TIMES)
def test_times(form: str, cell: str, value: object) -> None:
    assert read(cell, type="time", format=form) == value


OTHERS = [
    ("year", "2000", 2000),
    ("year", "0099", 99),
    ("year", "-0044", -44),
    ("year", "12000", 12000),
    ("year", "99", BAD),
    ("year", " 2000\n", 2000),
    ("year", "+2000", BAD),
    ("yearmonth", "2000-10", "2000-10"),
    ("yearmonth", "2000-13", BAD),
    ("yearmonth", " 2000-12", "2000-12"),
    ("yearmonth", "2000-1", BAD),
    ("duration", "P1Y10M3DT5H11M7.25S", "P1Y10M3DT5H11M7.25S"),
    ("duration", "-P1D", "-P1D"),
    ("duration", " P1D\n", "P1D"),
    ("duration", "P1M1Y", BAD),
    ("duration", "P", BAD),
    ("duration", "PT", BAD),
    ("duration", "P1W", BAD),
    ("any", " x ", " x "),
    ("string", " x ", " x "),
    ("geopoint", "90.50, 45.5", "90.50,45.5"),
    ("geopoint", "181,90", BAD),
    ("geopoint", "1,2,3", BAD),
    ("geopoint", "nan,1", BAD),
    ("object", '{"b": 1.10, "a": [1e400, null]}', '{"b":1.10,"a":[1e400,null]}'),
    ("object", "[]", BAD),
    ("object", '{"a":1,"a":2}', BAD),
    ("object", '{"a":NaN}', BAD),
    ("object", '{"a":"\\u0000"}', BAD),
    ("object", '{"a":"\\ud800"}', BAD),
    ("object", '{"a":' * 50_000, BAD),
    ("object", '{"a":' * 150 + "1" + "}" * 150, BAD),
    ("array", '["a", "ü"]', '["a","ü"]'),
    ("array", "{}", BAD),
    ("list", "a,b", '["a","b"]'),
    ("geojson", '{"type": "Point", "coordinates": [1, 2]}', '{"type":"Point","coordinates":[1,2]}'),
    ("geojson", '{"type": "Point", "coordinates": "1,2"}', BAD),
    ("geojson", "{}", BAD),
    ("geojson", '{"type": ["Point"], "coordinates": [1, 2]}', BAD),
    ("geojson", '{"type": {}, "coordinates": []}', BAD),
    ("geojson", '{"type":"LineString","coordinates":[[0,0]]}', BAD),
    ("geojson", '{"type":"LineString","coordinates":[[0,0],[1,1]]}', AS_IT_STANDS),
    ("geojson", '{"type":"MultiPoint","coordinates":[[0,0]]}', AS_IT_STANDS),
    ("geojson", '{"type":"MultiLineString","coordinates":[[[0,0],[1,1]],[[0,0]]]}', BAD),
    ("geojson", '{"type":"Polygon","coordinates":[[[0,0],[1,1],[0,0]]]}', BAD),
    ("geojson", '{"type":"Polygon","coordinates":[[[0,0],[1,1],[1,0],[2,0]]]}', BAD),
    ("geojson", '{"type":"Polygon","coordinates":[[[0,0],[1,1],[1,0],[0.0,0]]]}', AS_IT_STANDS),
    ("geojson", '{"type":"MultiPolygon","coordinates":[[[[0,0],[1,1],[1,0]]]]}', BAD),
    ("geojson", '{"type":"Polygon","coordinates":[]}', AS_IT_STANDS),
]


@pytest.mark.parametrize(("kind", "cell", "value"), OTHERS)
def test_other_types(kind: str, cell: str, value: object) -> None:
    assert read(cell, type=kind) == (cell if value is AS_IT_STANDS else value)


def test_a_topology_is_named_by_a_text() -> None:
    assert read('{"type":["Topology"]}', type="geojson", format="topojson") is BAD
    assert read('{"type":"Topology"}', type="geojson", format="topojson") == '{"type":"Topology"}'


FORMATS = [
    ("email", "name@example.com", True),
    ("email", "Jürgen@büro.example", True),
    ("email", "user+tag@example.co.uk", True),
    ("email", "a b@c.com", False),
    ("email", "a@", False),
    ("email", "@b.com", False),
    ("email", "name@example.com\n", False),
    ("uri", "https://example.com/a?b=1#c", True),
    ("uri", "urn:isbn:0451450523", True),
    ("uri", "://no-scheme.test", False),
    ("uri", "string", False),
    ("uri", "http://a b", False),
    ("binary", "dGVzdA==", True),
    ("binary", "dGVzdA", False),
    ("uuid", "95ecc380-afe9-11e4-9b6c-751b66dd541e", True),
    ("uuid", "95ecc380afe911e49b6c751b66dd541e", False),
]


@pytest.mark.parametrize(("form", "cell", "good"), FORMATS)
def test_formats_of_strings(form: str, cell: str, *, good: bool) -> None:
    assert read(cell, type="string", format=form) == (cell if good else BAD)


def test_items_of_a_list_are_read_as_their_type() -> None:
    assert read("1, 2", type="list", itemType="integer") == "[1,2]"
    assert read("1;x", type="list", itemType="integer", delimiter=";") is BAD
    assert read("1.50;2", type="list", itemType="number", delimiter=";") == "[1.50,2]"
    assert read("2024-02-29", type="list", itemType="date") == '["2024-02-29"]'


def test_the_formats_of_the_date_transform_are_tried_in_order() -> None:
    steps = [{"date": {"formats": ["%d/%m/%Y", "%m/%d/%Y", "%d %b %Y"]}}]
    assert read("03/02/2024", type="date", transforms=steps) == date(2024, 2, 3)
    assert read("03/22/2024", type="date", transforms=steps) == date(2024, 3, 22)
    assert read("22 Mar 2024", type="date", transforms=steps) == date(2024, 3, 22)
    assert read("2024-03-22", type="date", transforms=steps) is BAD
    slow_first = [{"date": {"formats": ["%Y-%j", "%Y-%m"]}}]
    assert read("2024-03", type="date", transforms=slow_first) == date(2024, 1, 3)
