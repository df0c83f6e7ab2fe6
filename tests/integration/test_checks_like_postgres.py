"""A check says of each row what PostgreSQL's CHECK would say: true, false, unknown, or an error.

Expressions of the whole grammar are made up, with rows of typed values; every verdict is compared
with that of `SELECT (expression)` for the row.  What we know to differ (docs/validation.md) is
written for PostgreSQL in our meaning: whole numbers are bigint, numbers have no zeros at their
end, floor, ceil and round of a whole number are exact.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from rowport.engine import schema_document
from rowport.engine.validation.checks.check import compile_check
from rowport.engine.validation.checks.lexing import RESERVED, BadCheck
from rowport.engine.validation.checks.vectors import Fault
from rowport.engine.validation.columns import Reading, read_columns
from rowport.engine.validation.readers import reader_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COLUMNS = {  # name: (type of the field, type of the column)
    "i": ("integer", "bigint"),
    "j": ("integer", "bigint"),
    "n": ("number", "numeric"),
    "m": ("number", "numeric"),
    "s": ("string", "text"),
    "t": ("string", "text"),
    "d": ("date", "date"),
    "e": ("date", "date"),
    "w": ("datetime", "timestamptz"),
    "v": ("datetime", "timestamptz"),
    "c": ("time", "time"),
    "b": ("boolean", "boolean"),
}
OF_KIND = {
    "integer": ["i", "j"],
    "number": ["n", "m"],
    "text": ["s", "t"],
    "date": ["d", "e"],
    "datetime": ["w", "v"],
    "time": ["c"],
    "boolean": ["b"],
}
SCHEMA = schema_document.parse(
    {"fields": [{"name": name, "type": kind} for name, (kind, _) in COLUMNS.items()]}
)
TODAY = date(2024, 2, 29)
FAULTS = {
    "22012": {Fault.ZERO},
    "22003": {Fault.INTEGER},
    "22008": {Fault.DAY, Fault.UNREADABLE},
    "22007": {Fault.UNREADABLE},
    "22P02": {Fault.UNREADABLE},
    "22011": {Fault.NEGATIVE},
}
SETUP = """
CREATE FUNCTION keep(value anyelement) RETURNS anyelement LANGUAGE plpgsql VOLATILE
    AS $$ BEGIN RETURN value; END $$;  -- a constant that the planner does not work out beforehand
CREATE FUNCTION verdict(expression text, cells jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE found boolean;
BEGIN
    EXECUTE format('SELECT (%s) FROM jsonb_to_record($1) AS r({columns})', expression)
        INTO found USING cells;
    RETURN coalesce(found::text, 'null');
EXCEPTION WHEN data_exception THEN
    RETURN sqlstate;
END $$;
"""


@dataclass(frozen=True)
class Sql:
    """An expression as we read it, and as PostgreSQL is to read it."""

    ours: str
    theirs: str


def put(form: str, *parts: Sql, theirs: str | None = None) -> Sql:
    return Sql(
        form.format(*(part.ours for part in parts)),
        (theirs or form).format(*(part.theirs for part in parts)),
    )


@pytest.fixture(scope="module")
def postgres(database_server: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a database that knows `verdict`."""
    with psycopg.connect(database_server, autocommit=True) as root:
        root.execute("CREATE DATABASE checks")
        url = urlsplit(database_server)._replace(path="/checks").geturl()
        with psycopg.connect(url, autocommit=True) as connection:
            columns = ", ".join(f"{name} {kind}" for name, (_, kind) in COLUMNS.items())
            connection.execute(SETUP.replace("{columns}", columns).encode())
            connection.execute("SET TimeZone = 'UTC'")
            yield connection
        root.execute("DROP DATABASE checks WITH (FORCE)")


# ------------------------------------------------------------------------------------- the rows

CHARACTERS = "abAB zé日%_\\'1-"
TEXTS = st.text(CHARACTERS, max_size=5) | st.sampled_from(["12", "-7", " 5 ", "2.50", "x1"])
INTEGERS = st.integers(-20, 20) | st.sampled_from([2**63 - 1, -(2**63), 10**9, -(2**31)])
NUMBERS = st.decimals(-1000, 1000, places=2, allow_nan=False) | st.sampled_from(
    [
        *map(Decimal, range(-2, 3)),
        *map(Decimal, ["2.5", "99999999.9999", "12345678901234567890.123", "1e-20", "9e30"]),
    ]
)
DATES = st.dates(date(1990, 1, 1), date(2030, 12, 31)) | st.sampled_from([TODAY, date(2024, 1, 31)])
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1))  # noqa: DTZ001  UTC is added
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "integer": INTEGERS,
    "number": NUMBERS,
    "string": TEXTS.filter(bool),
    "date": DATES,
    "datetime": MOMENTS.map(lambda moment: moment.replace(tzinfo=UTC)),
    "time": st.times().map(lambda moment: moment.replace(microsecond=0)),
    "boolean": st.booleans(),
}
ROW = st.fixed_dictionaries({name: st.none() | VALUES[kind] for name, (kind, _) in COLUMNS.items()})


def cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date | time) else str(value)


def theirs(row: dict[str, Any]) -> Jsonb:
    cells = {}
    for name, value in row.items():
        text = None if value is None else cell(value)
        if isinstance(value, Decimal) and "." in str(text):
            text = str(text).rstrip("0").rstrip(".")
        cells[name] = text
    return Jsonb(cells)


# ------------------------------------------------------------------------------- the expressions


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def literal(kind: str) -> st.SearchStrategy[Sql]:
    if kind == "integer":
        numbers = st.integers(0, 30) | st.sampled_from([2**31, 2**63 - 1])
        return numbers.map(lambda n: Sql(str(n), f"keep({n}::bigint)"))
    if kind == "number":
        texts = st.sampled_from(["0.5", "1.50", "3.333", "1e3", "2.5e-3", "99999999999999999999"])
        return texts.map(lambda text: Sql(text, f"keep({text})"))
    if kind == "text":
        return TEXTS.map(lambda text: Sql(quoted(text), f"keep({quoted(text)}::text)"))
    if kind == "boolean":
        return st.sampled_from([Sql("true", "keep(true)"), Sql("FALSE", "keep(false)")])
    name = {"date": "DATE", "datetime": "TIMESTAMPTZ", "time": "TIME"}[kind]
    texts = VALUES[kind].map(cell).map(quoted)
    return texts.map(lambda text: Sql(f"{name} {text}", f"keep({name} {text})"))


def column(kind: str) -> st.SearchStrategy[Sql]:
    names = st.sampled_from(OF_KIND[kind])
    return names.map(lambda name: Sql(name, name)) | names.map(lambda n: Sql(f'"{n}"', n))


@cache
def made(kind: str, depth: int) -> st.SearchStrategy[Sql]:
    """Give expressions of a type."""
    leaf = column(kind) | literal(kind)
    if depth == 0:
        return leaf
    below = depth - 1
    choices = [*MAKERS.get(kind, nothing)(below), *anything(kind, below)]
    return leaf | st.one_of(choices)


def both(form: str, *kinds: str, depth: int, theirs: str | None = None) -> st.SearchStrategy[Sql]:
    parts = [made(kind, depth) for kind in kinds]
    return st.tuples(*parts).map(lambda got: put(form, *got, theirs=theirs))


def anything(kind: str, depth: int) -> list[st.SearchStrategy[Sql]]:
    return [
        both("COALESCE({}, {})", kind, kind, depth=depth),
        both("NULLIF({}, {})", kind, kind, depth=depth),
        both("CASE WHEN {} THEN {} ELSE {} END", "boolean", kind, kind, depth=depth),
        both("CASE WHEN {} THEN {} END", "boolean", kind, depth=depth),
        both("CASE {} WHEN {} THEN {} END", "integer", "number", kind, depth=depth),
    ]


def nothing(_: int) -> list[st.SearchStrategy[Sql]]:
    return []


def integers(depth: int) -> list[st.SearchStrategy[Sql]]:
    return [
        *(both(f"({{}} {sign} {{}})", "integer", "integer", depth=depth) for sign in "+-*/%"),
        both("(- {})", "integer", depth=depth),
        both("abs({})", "integer", depth=depth),
        both("length({})", "text", depth=depth, theirs="length({})::bigint"),
        both(
            "position({} IN {})", "text", "text", depth=depth, theirs="position({} IN {})::bigint"
        ),
        both("({} - {})", "date", "date", depth=depth, theirs="({} - {})::bigint"),
        both("({})::bigint", "number", depth=depth),
        both("CAST({} AS integer)", "integer", depth=depth, theirs="({})::integer::bigint"),
    ]


def numbers(depth: int) -> list[st.SearchStrategy[Sql]]:
    parts = ["year", "quarter", "month", "week", "day", "dow", "isodow", "doy", "isoyear"]
    return [
        *(both(f"({{}} {sign} {{}})", "number", "number", depth=depth) for sign in "+-*/%"),
        *(both(f"({{}} {sign} {{}})", "integer", "number", depth=depth) for sign in "+-*/%"),
        both("(- {})", "number", depth=depth),
        both("abs({})", "number", depth=depth),
        both("round({})", "number", depth=depth),
        both("round({}, 1)", "number", depth=depth),
        both("round({}, -1)", "number", depth=depth),
        both("floor({})", "number", depth=depth),
        both("ceil({})", "number", depth=depth),
        both("floor({})", "integer", depth=depth, theirs="floor({}::numeric)"),
        both("CAST({} AS numeric)", "integer", depth=depth),
        *(both(f"EXTRACT({part} FROM {{}})", "date", depth=depth) for part in parts),
        *(
            both(f"EXTRACT({part} FROM {{}})", "datetime", depth=depth)
            for part in ["year", "day", "hour", "minute", "second"]
        ),
        both("EXTRACT(hour FROM {})", "time", depth=depth),
    ]


NEAR = "(CASE WHEN abs({1} / 2) < 99 THEN {1} ELSE 99 * sign({1}) END)::int"
"""A place in a text: PostgreSQL takes no bigint there."""


def texts(depth: int) -> list[st.SearchStrategy[Sql]]:
    return [
        both("({} || {})", "text", "text", depth=depth),
        both("lower({})", "text", depth=depth),
        both("upper({})", "text", depth=depth),
        both("trim({})", "text", depth=depth),
        both("trim(LEADING 'a1' FROM {})", "text", depth=depth),
        both("rtrim({}, ' b')", "text", depth=depth),
        both("substring({} FROM 2)", "text", depth=depth),
        both(
            "substring({}, {}, 2)",
            "text",
            "integer",
            depth=depth,
            theirs=f"substring({{0}}, {NEAR}, 2)",
        ),
        both(
            "substring({} FROM {} FOR {} % 5)",
            "text",
            "integer",
            "integer",
            depth=0,
            theirs=f"substring({{0}} FROM {NEAR} FOR ({{2}} % 5)::int)",
        ),
        both("({})::text", "integer", depth=depth),
        both("({})::text", "boolean", depth=depth),
        both("({})::text", "date", depth=depth),
    ]


def dates(depth: int) -> list[st.SearchStrategy[Sql]]:
    return [
        both("({} + 1)", "date", depth=depth),
        both("({} - 40)", "date", depth=depth),
        both("(length({}) + {})", "text", "date", depth=depth),
        both("({})::date", "datetime", depth=depth),
    ]


def moments(depth: int) -> list[st.SearchStrategy[Sql]]:
    spans = ["1 month", "-3 months", "2 years", "5 days", "1 week", "36 hours", "90 minutes"]
    return [
        *(both(f"({{}} + INTERVAL '{span}')", "datetime", depth=depth) for span in spans),
        *(both(f"({{}} - INTERVAL '{span}')", "datetime", depth=depth) for span in spans),
        both(
            "({} + INTERVAL '1' month)",
            "date",
            depth=depth,
            theirs="({} + INTERVAL '1' month)::timestamptz",
        ),
        both("CAST({} AS timestamptz)", "date", depth=depth),
    ]


def truths(depth: int) -> list[st.SearchStrategy[Sql]]:
    pairs = [(kind, kind) for kind in OF_KIND]
    pairs += [("integer", "number"), ("number", "integer"), ("date", "datetime")]
    signs = ["=", "<>", "!=", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"]
    patterns = st.text("ab%_\\é", max_size=4).filter(lambda text: not text.endswith("\\"))
    likes = st.tuples(
        made("text", depth),
        patterns,
        st.sampled_from(["LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE"]),
    ).map(lambda got: put(f"({{}} {got[2]} {quoted(got[1])})", got[0]))
    return [
        *(both(f"({{}} {sign} {{}})", *pair, depth=depth) for pair in pairs for sign in signs),
        both("({} AND {})", "boolean", "boolean", depth=depth),
        both("({} OR {})", "boolean", "boolean", depth=depth),
        both("(NOT {})", "boolean", depth=depth),
        *(
            both(f"({{}} {form})", "boolean", depth=depth)
            for form in ("IS TRUE", "IS NOT FALSE", "IS UNKNOWN", "IS NOT NULL")
        ),
        *(
            both(f"({{}} {form})", kind, depth=depth)
            for kind in OF_KIND
            for form in ("IS NULL", "IS NOT NULL")
        ),
        both("({} BETWEEN {} AND {})", "number", "integer", "number", depth=depth),
        both("({} NOT BETWEEN {} AND {})", "date", "date", "date", depth=depth),
        both("({} IN (1, -2.5, NULL, i))", "integer", depth=depth),
        both("({} NOT IN ('a', 'b', t))", "text", depth=depth),
        both("({} IN ('2024-02-29', DATE '2024-01-31', e))", "date", depth=depth),
        both("({} > '2001-01-01')", "date", depth=depth),
        both("({} <= '2010-06-01 12:00:00Z')", "datetime", depth=depth),
        both("({} - {} > INTERVAL '30 days')", "datetime", "datetime", depth=depth),
        both("({} ~ '^[ab]+')", "text", depth=depth),
        both("({} !~* 'B.z?$')", "text", depth=depth),
        both("starts_with({}, {})", "text", "text", depth=depth),
        both("({} LIKE 'a!%%' ESCAPE '!')", "text", depth=depth),
        both("(CAST({} AS bigint) > 3)", "text", depth=0),
        likes,
    ]


MAKERS: dict[str, Callable[[int], list[st.SearchStrategy[Sql]]]] = {
    "integer": integers,
    "number": numbers,
    "text": texts,
    "date": dates,
    "datetime": moments,
    "boolean": truths,
}


# ----------------------------------------------------------------------------------- the verdicts


def ours(expression: str, rows: list[dict[str, Any]]) -> list[str | Fault]:
    """Give our verdict for each row."""
    check = compile_check(SCHEMA, expression)
    readings = [
        Reading(name=field.name, reader=reader_of(field), missing=("",), steps=())
        for field in SCHEMA.fields
    ]
    cells = {name: pa.array([cell(row[name]) for row in rows], pa.string()) for name in COLUMNS}
    columns = dict(zip(COLUMNS, read_columns(readings, pa.table(cells)), strict=True))
    judged = check.judge(columns, today=TODAY)
    words = zip(judged.is_false, judged.is_unknown, judged.fault, strict=True)
    return [
        Fault(fault) if fault else "false" if is_false else "null" if is_unknown else "true"
        for is_false, is_unknown, fault in words
    ]


def compare(
    postgres: psycopg.Connection[Any], sql: Sql, rows: list[dict[str, Any]]
) -> list[str | Fault]:
    mine = ours(sql.ours, rows)
    for row, verdict in zip(rows, mine, strict=True):
        found = postgres.execute("SELECT verdict(%s, %s)", (sql.theirs, theirs(row))).fetchone()
        assert found is not None
        allowed = FAULTS.get(found[0], {found[0]})
        assert verdict in allowed, (sql, json.dumps(row, default=str), verdict, found[0])
    return mine


def reads_a_field(sql: Sql) -> bool:
    try:
        compile_check(SCHEMA, sql.ours)
    except BadCheck as error:
        if "it reads no field" in str(error) or "digits" in str(error):
            return False
        raise
    return True


@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(
    sql=st.sampled_from([1, 2, 3])
    .flatmap(lambda depth: made("boolean", depth))
    .filter(reads_a_field),
    rows=st.lists(ROW, min_size=1, max_size=6),
)
def test_a_check_says_what_postgres_says(
    postgres: psycopg.Connection[Any], sql: Sql, rows: list[dict[str, Any]]
) -> None:
    compare(postgres, sql, rows)


SIGNS = ["||", "+", "-", "*", "/", "%", "=", "<>", "<", ">=", "AND", "OR", "~", "IS DISTINCT FROM"]
WORDS = [
    "IS NULL",
    "IS NOT TRUE",
    "BETWEEN 1 AND 3",
    "NOT IN (1, 2)",
    "LIKE 'a%'",
    "::text",
    "::bigint",
]
BARE = st.lists(
    st.tuples(
        st.sampled_from(["", "", "", "NOT ", "- "]),
        st.sampled_from(["i", "j", "n", "s", "b", "1", "2.5", "'a'", "true"]),
        st.sampled_from(["", "", "", *WORDS]),
        st.sampled_from(SIGNS),
    ),
    min_size=2,
    max_size=4,
)


@settings(max_examples=600, suppress_health_check=list(HealthCheck))
@given(parts=BARE, rows=st.lists(ROW, min_size=3, max_size=3))
def test_an_expression_without_parentheses_is_grouped_as_postgres_does(
    postgres: psycopg.Connection[Any],
    parts: list[tuple[str, str, str, str]],
    rows: list[dict[str, Any]],
) -> None:
    words = [f"{before}{value} {after} {sign}" for before, value, after, sign in parts]
    text = " ".join(words).removesuffix(parts[-1][3])
    try:
        mine = ours(text, rows)
    except BadCheck:
        return  # what we refuse is never grouped otherwise
    for row, verdict in zip(rows, mine, strict=True):
        found = postgres.execute("SELECT verdict(%s, %s)", (text, theirs(row))).fetchone()
        assert found is not None
        assert verdict in FAULTS.get(found[0], {found[0]}), (text, row, verdict, found[0])


def test_the_words_that_need_quotes_are_those_of_postgres(
    postgres: psycopg.Connection[Any],
) -> None:
    found = postgres.execute("SELECT word FROM pg_get_keywords() WHERE catcode IN ('R', 'T')")
    assert {word for (word,) in found} == RESERVED
