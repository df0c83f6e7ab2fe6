"""Checks: what they refuse of rows, what their errors say, and what is refused of them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowport.engine import schema_document
from rowport.engine.validation import Validated, Validator
from rowport.engine.validation.checks import check as checks
from rowport.engine.validation.checks import texts, vectors
from rowport.engine.validation.columns import Reading, read_columns
from rowport.engine.validation.readers import reader_of
from rowport.model.errors import InvalidSchema, RuleTooSlow

FIELDS = [
    {"name": "kind", "type": "string"},
    {"name": "code", "type": "string"},
    {"name": "price", "type": "number"},
    {"name": "total", "type": "number"},
    {"name": "count", "type": "integer"},
    {"name": "start", "type": "date"},
    {"name": "end", "type": "date"},
    {"name": "seen", "type": "datetime"},
    {"name": "opens", "type": "time"},
    {"name": "active", "type": "boolean"},
    {"name": "place", "type": "geopoint"},
    {"name": "Full name", "type": "string"},
    {"name": "Case", "type": "string"},
    {"name": "CASE2", "type": "string"},
    {"name": "Case2", "type": "string"},
]
TODAY = date(2024, 2, 29)


def run(check: object, *rows: dict[str, str], columns: list[str] | None = None) -> Validated:
    rule = check if isinstance(check, dict) else {"check": check}
    schema = schema_document.parse({"fields": FIELDS, "rules": [rule]})
    names = columns or [field.name for field in schema.fields]
    cells = pa.table(
        {name: pa.array([row.get(name, "") for row in rows], pa.string()) for name in names}
    )
    numbers = pa.array(range(1, len(rows) + 1), pa.int64())
    return Validator(schema, names, today=TODAY).run(cells, numbers)


def refused(check: object, *rows: dict[str, str]) -> list[int]:
    found = run(check, *rows).errors
    assert set(found["code"].to_pylist()) <= {"row-constraint"}
    return list(found["row"].to_pylist())


# ------------------------------------------------------------------------------- what is refused


def test_the_error_names_the_check_and_the_values_it_read() -> None:
    found = run(
        "total = price * count",
        {"total": "5.00", "price": "2.5", "count": "2"},
        {"total": "5.01", "price": "2.5", "count": "2"},
    )
    assert found.errors.to_pylist() == [
        {
            "row": 2,
            "field": None,
            "code": "row-constraint",
            "value": None,
            "message": "the row breaks the check total = price * count"
            " (total = 5.01, price = 2.5, count = 2)",
        }
    ]


def test_a_message_and_a_name_stand_in_the_error() -> None:
    rule = {"check": "length(kind) > 1 OR code IS NOT NULL", "name": "kind_or_code"}
    row = {"kind": "a"}
    assert run(rule, row).errors["message"].to_pylist() == [
        (
            "the row breaks the check kind_or_code: length(kind) > 1 OR code IS NOT NULL"
            ' (kind = "a", code is missing)'
        )
    ]
    rule["message"] = "write the kind out"
    assert run(rule, row).errors["message"].to_pylist() == [
        'write the kind out (kind = "a", code is missing)'
    ]


def test_an_error_of_a_check_of_one_field_has_its_cell() -> None:
    [error] = run("count % 2 = 0", {"count": "+3"}).errors.to_pylist()
    assert (error["field"], error["value"]) == ("count", "+3")


def test_unknown_passes() -> None:
    assert refused("count > 5", {"count": ""}, {"count": "5"}, {"count": "6"}) == [2]
    assert refused("count > 5 OR price > 1", {"price": "0"}, {"count": "5", "price": "0"}) == [2]
    assert refused("count > 5 AND price > 1", {"price": "0"}) == [1]


@pytest.mark.parametrize(
    "check", ["count IS NULL", "COALESCE(count, 9) < 5", "price > 5 AND count > 5"]
)
def test_a_cell_that_could_not_be_read_gives_no_second_error(check: str) -> None:
    found = run(check, {"count": "many", "price": "1"})
    assert found.errors["code"].to_pylist() == ["type-error"]


def test_a_check_says_nothing_without_all_its_columns() -> None:
    row = {"count": "1", "price": "9"}
    assert run("count > price", row, columns=["count"]).errors.num_rows == 0
    assert run("count > price", row, columns=["count", "price"]).errors.num_rows == 1


@pytest.mark.parametrize(
    ("check", "row", "why"),
    [
        ("count / 0 > 1", {"count": "4"}, "division by zero"),
        ("price / total > 1", {"price": "4", "total": "0.00"}, "division by zero"),
        ("count + 1 > 0", {"count": "9223372036854775807"}, "a whole number is out of range"),
        ("abs(count) > 0", {"count": "-9223372036854775808"}, "a whole number is out of range"),
        ("start + 1 > start", {"start": "9999-12-31"}, "a day is beyond the years 1 to 9999"),
        ("kind::bigint > 1", {"kind": "x"}, "a text cannot be read as the type of the cast"),
        ("substring(kind, 1, -1) = ''", {"kind": "x"}, "a length is negative"),
    ],
)
def test_what_cannot_be_worked_out_fails_its_own_row_only(
    check: str, row: dict[str, str], why: str
) -> None:
    fine = {"count": "4", "price": "1", "total": "1", "start": "2024-01-01", "kind": "7"}
    found = run(check, fine, row, {}).errors.to_pylist()
    mine = [error for error in found if error["row"] == 2]
    assert [error["row"] for error in found if "cannot be worked out" in error["message"]] in (
        [2],
        [1, 2],
    )
    assert f"it cannot be worked out: {why} (" in mine[0]["message"]


def test_what_is_not_looked_at_cannot_fail() -> None:
    row = {"count": "0", "price": "5"}
    assert refused("count <> 0 AND price / count > 1", row) == [1]
    assert (
        "worked out"
        not in run("count <> 0 AND price / count > 1", row).errors["message"][0].as_py()
    )
    assert refused("CASE WHEN count = 0 THEN true ELSE price / count > 1 END", row) == []
    assert refused("COALESCE(price, price / count) = 5", row) == []


def test_money_is_exact() -> None:
    rows = [{"price": "0.1", "total": "0.2"}, {"price": "1e-20", "total": "12345678901234567890"}]
    assert refused("price + total = 0.3", *rows) == [2]
    assert refused("price + total = 12345678901234567890.00000000000000000001", *rows) == [1]
    wide = [{"price": "9e30", "total": "1e-30"}, {"price": "1", "total": "1"}]
    assert refused("price * total = 9 OR price = 1", *wide) == []
    assert refused("price + total - price = total", *wide) == []


def test_a_text_is_searched_for_what_another_field_has() -> None:
    rows = [{"kind": kind} for kind in ("2", "12", "x", "", "é")]
    assert refused("position(kind IN '12') = 2", *rows) == [2, 3, 5]
    assert refused("strpos('aé', kind) = 2", *rows) == [1, 2, 3]
    assert refused("starts_with('12', kind)", *rows) == [1, 3, 5]
    assert refused("position(('1' || kind) IN '12') = 1", *rows) == [2, 3, 5]
    assert refused("substring('abc', length(kind), 1) = 'a'", *rows) == [2]
    assert refused("'<' || kind = '<2'", *rows) == [2, 3, 5]


def test_whole_numbers_divide_towards_zero() -> None:
    assert refused("count / 2 = -3 AND count % 2 = -1", {"count": "-7"}) == []


def test_the_current_date_is_the_day_of_the_import() -> None:
    rows = [{"start": "2024-02-29"}, {"start": "2024-03-01"}]
    assert refused("start <= current_date", *rows) == [2]


def test_names_are_found_as_in_sql() -> None:
    row = {"Full name": "x", "end": "2024-01-01", "Case": "x", "CASE2": "y", "count": "1"}
    assert refused("\"Full name\" = 'y' OR \"end\" < '2024-01-01'", row) == [1]
    assert refused("COUNT = 2", row) == [1]
    assert refused("\"CASE2\" = 'x'", row) == [1]
    for wrong in ('"COUNT" = 2', "case2 = 'x'", "nothing = 1"):
        with pytest.raises(InvalidSchema):
            run(wrong, row)


def test_like_has_its_own_characters() -> None:
    rows = [{"code": text} for text in ("50%", "500", "5\n%", "a.c", "Ab")]
    assert refused(r"code LIKE '5_\%'", *rows) == [2, 4, 5]
    assert refused("code LIKE '5_!%' ESCAPE '!'", *rows) == [2, 4, 5]
    assert refused("code LIKE 'a.c'", *rows) == [1, 2, 3, 5]
    assert refused("code NOT ILIKE 'aB'", *rows) == [5]
    assert refused("code LIKE '5%'", *rows) == [4, 5]


def test_a_text_that_grows_too_long_fails_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "MAX_TEXT", 10)
    rows = [{"kind": "abcde", "code": "é2345"}, {"kind": "abcde", "code": "12345"}]
    found = run("kind || code <> ''", *rows).errors
    assert found["row"].to_pylist() == [1]
    assert "a text has more than" in found["message"][0].as_py()


def test_rows_with_much_text_are_worked_on_a_few_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes: list[int] = []
    rows = [{"kind": "x" * 100, "code": str(number)} for number in range(50)]

    class Seen(vectors.Rows):
        def keep_time(self) -> None:
            sizes.append(self.count)

    monkeypatch.setattr(checks, "Rows", Seen)
    monkeypatch.setattr(checks, "_SLICE_BYTES", 2000)
    assert refused("kind || code <> kind || '7'", *rows) == [8]
    assert max(sizes) < 10
    assert sizes


def test_a_check_has_a_budget_of_time() -> None:
    schema = schema_document.parse({"fields": FIELDS})
    field = schema.field("count")
    reading = Reading(name="count", reader=reader_of(field), missing=("",), steps=())
    columns = {"count": read_columns([reading], pa.table({"count": ["1", "2"]}))[0]}
    check = checks.compile_check(schema, "count > 1")
    assert check.judge(columns, today=TODAY).is_false.tolist() == [True, False]
    with pytest.raises(RuleTooSlow):
        check.judge(columns, today=TODAY, budget_s=-1)


def test_no_rows_are_no_errors() -> None:
    assert run("count > 1 AND kind LIKE 'a%'").errors.num_rows == 0


def test_a_text_beside_a_date_is_a_date() -> None:
    row = {"start": "2024-01-31", "seen": "2024-01-31T10:00:00Z", "opens": "09:30:00"}
    for check in (
        "start - '2024-01-01' = 30",
        "'2024-02-01' - start = 1",
        "seen = '2024-01-31 10:00:00Z'",
        "seen - '2024-01-31' = INTERVAL '10 hours'",
        "opens BETWEEN '09:00:00' AND '10:00:00'",
        "COALESCE(start, '2000-01-01') > '2001-01-01'",
    ):
        assert refused(check, row) == []
        assert refused(f"NOT ({check})", row) == [1]


# ----------------------------------------------------------------------- what is refused at save

HOSTILE = [
    # statements, queries and what reads elsewhere
    "",
    "   ",
    "1",
    "true",
    "1 = 1",
    "count",
    "SELECT true",
    "(SELECT true)",
    "count IN (SELECT 1)",
    "EXISTS (SELECT 1)",
    "count > 1; DROP TABLE people",
    "count > ALL (VALUES (1))",
    "count = ANY (ARRAY[1])",
    "count > 1 UNION SELECT 2",
    "WITH x AS (SELECT 1) SELECT 1",
    "DROP TABLE people",
    "count > 1 -- comment",
    "count /* comment */ > 1",
    "/*+ hint */ count > 1",
    "count > $1",
    "count > ?",
    "count > :name",
    "count > %s",
    "count > @x",
    "count > {x}",
    "people.count > 1",
    "pg_catalog.count > 1",
    "* = 1",
    "count(*) > 1",
    "count.* IS NULL",
    # functions
    "pg_sleep(10) IS NULL",
    "pg_read_file('/etc/passwd') = ''",
    "now() > seen",
    "random() > 0.5",
    "repeat(kind, 1000000000) = ''",
    "rpad(kind, 1000000000) = ''",
    "sum(price) > 1",
    "lower(DISTINCT kind) = 'a'",
    "length(kind) FILTER (WHERE true) > 1",
    "row_number() OVER () = 1",
    "lower(kind) OVER () = 'a'",
    "current_setting('x') = ''",
    "current_user = kind",
    "version() = ''",
    "power(price, 100000) > 1",
    "price ^ 2 > 1",
    "exp(price) > 1",
    "md5(kind) = ''",
    "count ! > 1",
    "count << 2 > 1",
    "count & 1 = 1",
    "count::regclass IS NULL",
    "kind::xml IS NULL",
    "kind COLLATE \"C\" > 'a'",
    "seen AT TIME ZONE 'UTC' > seen",
    "(kind, code) = ('a', 'b')",
    "\"lower\"(kind) = 'a'",
    "ROW(1) IS NULL",
    "ARRAY[count] IS NULL",
    "kind -> 'a' = 'b'",
    "count BETWEEN SYMMETRIC 5 AND 1",
    "kind SIMILAR TO 'a'",
    "ceil(price TO DAY) > 1",
    "substring(kind, 1, 2, 3) = ''",
    "round(price, 2, 3) = 1",
    "strpos(kind, 'a', 2) = 1",
    # texts that are not what they seem
    "kind = E'a\\'b'",
    "kind = U&'a'",
    "kind = B'1'",
    "kind = X'1F'",
    "kind = N'a'",
    "kind = $$a$$",
    "kind = 'a' 'b'",
    "kind = 'a",
    'kind = "a',
    "kind = 'a\0b'",
    "kind = `a`",
    # too much
    "count > " + "1 + " * 700 + "1",
    "(" * 30 + "count > 1" + ")" * 30,
    "NOT " * 400 + "active",
    "- " * 400 + "count > 1",
    " AND ".join(["count > 1"] * 120),
    "price > " + "9" * 1500,
    "*".join(["price"] * 30) + " > 1",
    "price > 1e1000",
    "round(price, 1000) > 1",
    "CASE WHEN active THEN " * 25 + "true" + " END" * 25,
    "count > 1" + " " * 3000,
    # patterns
    "kind ~ '('",
    "kind ~ '(?=a)'",
    "kind ~ '(a)\\1'",
    "kind ~ 'a{1000}{1000}{1000}'",
    "kind ~ code",
    "kind LIKE code",
    "kind LIKE 'a\\'",
    "kind LIKE 'a' ESCAPE 'ab'",
    # types
    "kind > 5",
    "kind < count",
    "count AND active",
    "start > 5",
    "start = kind",
    "active > 1",
    "price || kind = ''",
    "length(count) > 1",
    "lower(price) = ''",
    "NOT count",
    "count = NULL",
    "count + NULL > 1",
    "kind + 1 > 1",
    "start + start > start",
    "opens + 1 > opens",
    "place = place",
    "opens - opens > INTERVAL '1 hour'",
    "start > '01/02/2024'",
    "start > 'tomorrow'",
    "start > '2024-02-30'",
    "seen > '2024-01-01T25:00:00'",
    "CASE WHEN active THEN 1 ELSE 'a' END = 1",
    "COALESCE(kind, count) = 'a'",
    "count IN ('a')",
    "count IN (count + 1)",
    "round(price, count) = 1",
    "start + INTERVAL '1 fortnight' > start",
    "start + INTERVAL '1 day 2 hours' > start",
    "start + INTERVAL '1.5 days' > start",
    "INTERVAL '1 month' = INTERVAL '30 days'",
    "extract(hour FROM start) = 1",
    "extract(year FROM opens) = 1",
    "extract(epoch FROM seen) > 1",
    "kind::numeric(5, 2) > 1",
    "price::text = '1'",
    "price::double precision > 1",
    "count IS 5",
    # what PostgreSQL would group otherwise, or not at all
    "count < count < count",
    "active = NOT active",
    "count = count = active",
    "kind ~ 'a' || 'b'",
    "end > start",
    "if count > 1",
    "user = kind",
    "count IN start",
    "count > 1 foo",
    "count > 1 AS foo",
    "count >",
    "(count > 1",
    "count > 1)",
]


@pytest.mark.parametrize("check", HOSTILE, ids=lambda check: check[:40])
def test_what_is_no_check_is_refused_with_its_place(check: str) -> None:
    with pytest.raises(InvalidSchema, match=r"^/rules/0(/check)?: .*cannot be used") as caught:
        schema_document.parse({"fields": FIELDS, "rules": [{"check": check}]})
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("check", "says"),
    [
        ("kind < count", "kind < count: text < integer has no meaning"),
        ("count > 1 AND repeat(kind, 9) = ''", "repeat is no function"),
        ("count > 1 -- x", "'-- x' (character 11) is no part of the language of checks"),
        ("nothing = 1", "there is no field 'nothing'; the fields are kind, code"),
        ("count = NULL", "ask with IS NULL"),
        ("count < 1 < 2", "write parentheses around count < 1"),
        ("start > '01/02/2024'", '"01/02/2024" is not a date of the form yyyy-mm-dd'),
        ("count + price", "it gives number; a check is true or false"),
        ("CASE2 = 'x'", "case2"),
        ("end > start", 'end is a word of SQL; write "end" in quotes'),
        ("if > 1", 'write "if" in quotes'),
        ("count IN start", "in start"),
    ],
)
def test_the_refusal_says_what_and_where(check: str, says: str) -> None:
    with pytest.raises(InvalidSchema) as caught:
        schema_document.parse({"fields": FIELDS, "rules": [{"check": check}]})
    assert says.lower() in str(caught.value).lower()


@pytest.mark.parametrize(
    "rule",
    [
        {"check": 5},
        {"check": ["x"]},
        {"check": "count > 1", "name": 5},
        {"check": "count > 1", "message": 5},
    ],
)
def test_a_check_is_a_string_and_so_are_its_words(rule: dict[str, Any]) -> None:
    with pytest.raises(InvalidSchema, match=r"^/rules/0: "):
        schema_document.parse({"fields": FIELDS, "rules": [rule]})


WORDS = [
    *(
        "count",
        "kind",
        "price",
        "start",
        "active",
        '"end"',
        "nothing",
        "(",
        "(",
        ")",
        ")",
        ",",
        ";",
    ),
    *("+", "-", "*", "/", "%", "||", "=", "<", "~", "::", "and", "or", "not", "in", "is", "null"),
    *("between", "like", "escape", "case", "when", "then", "else", "end", "interval", "date"),
    *("extract", "from", "substring", "trim", "coalesce", "cast", "as", "bigint", "numeric", "if"),
    *(
        "select",
        "set",
        "exists",
        "array",
        "unnest",
        "over",
        "distinct",
        "1",
        "2.5",
        "'a'",
        "'1 day'",
    ),
]


@given(words=st.lists(st.sampled_from(WORDS), max_size=30))
def test_whatever_is_written_is_a_check_or_refused(words: list[str]) -> None:
    rules = [{"check": " ".join(words)}]
    try:
        schema_document.parse({"fields": FIELDS, "rules": rules})
    except InvalidSchema as error:
        assert str(error).startswith("/rules/0")  # noqa: PT017  most are refused, some are not
