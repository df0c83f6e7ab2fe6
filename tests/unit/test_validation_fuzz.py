"""Mutated cells mean the same to us as to frictionless-py and CPython's strptime.

frictionless-py reads dates with a format by `datetime.strptime`, so one comparison covers both.
Where a verdict or a value differs, one of DIFFERENCES must say why; the same words stand in
docs/validation.md with their reason in the standard.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import frictionless
import pyarrow as pa
import pytest

from rowport.engine import schema_document
from rowport.engine.validation import Validator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CELLS_OF_EACH: Final = 560
BAD: Final = "refused"
ALPHABET: Final = (
    "0123456789" * 4 + "+-.,:/ TZzeEaAmMpP_%€$()[]{}\"'\\\t\n\u00a0\u0663\uff13\u2212é@#;69"
)
DATE_FORMS: Final = (
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%d/%m/%y",
    "%m-%d-%y",
    "%Y%m%d",
    "%y%m%d",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%Y-%j",
    "%a %d %b %Y",
)
MOMENT_FORMS: Final = (
    "%d/%m/%Y %H:%M",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%SZ",
    "%m/%d/%Y %I:%M:%S %p",
    "%Y-%m-%dT%H:%M:%S%z",
    "%d %b %Y %H:%M",
    "%Y%m%d%H%M%S",
    "%Y-%m-%d %H:%M:%S.%f",
    "%A, %d %B %Y %H:%M",
)
TIME_FORMS: Final = ("%H:%M", "%H:%M:%S", "%I:%M %p", "%H.%M", "%H%M%S", "%H:%M:%S.%f")
FIELDS: Final[list[tuple[dict[str, Any], list[str]]]] = [
    ({"type": "integer"}, ["0", "-12", "+7", "000835", " 01 ", "9223372036854775807", "1_000"]),
    ({"type": "integer", "groupChar": ","}, ["1,000", "12,34,567", "-1,000,000", "1000"]),
    ({"type": "integer", "bareNumber": False}, ["95%", "€95", "EUR 95", "-12 €", "ab1$"]),
    ({"type": "number"}, ["1.50", "-0.07", "+1.00", ".5", "5.", "1.5E-3", "NaN", "-inf", "1e37"]),
    ({"type": "number", "decimalChar": ",", "groupChar": "."}, ["1.234.567,89", "-1.000", "0,5"]),
    ({"type": "number", "groupChar": ","}, ["1,234,567.89", "1234.5", "-1,000"]),
    ({"type": "number", "groupChar": " ", "decimalChar": ","}, ["10 000,00", "1 234 567", "-5,5"]),
    ({"type": "number", "bareNumber": False}, ["95%", "€95", "EUR 95.50", "-12.3 €", "€ -12.3"]),
    ({"type": "boolean"}, ["true", "True", "TRUE", "1", "false", "0"]),
    ({"type": "boolean", "trueValues": ["yes"], "falseValues": ["no"]}, ["yes", "no", "true"]),
    ({"type": "date"}, ["2024-02-29", "1999-12-31", "0001-01-01", "9999-12-31"]),
    (
        {"type": "datetime"},
        [
            "2024-01-26T15:00:00",
            "2024-01-26T15:00:00Z",
            "2024-01-26T15:00:00.3-05:00",
            "2024-01-26T24:00:00",
            "1969-12-31T23:59:59.999999+14:00",
            "2024-01-26T15:00:00+15:00",
        ],
    ),
    ({"type": "time"}, ["15:00:00", "00:00:00", "23:59:59"]),
    ({"type": "year"}, ["2000", "0099", "-0044", "12000"]),
    ({"type": "yearmonth"}, ["2000-10", "0099-01"]),
    ({"type": "duration"}, ["P1Y10M3DT5H11M7S", "PT1S", "P1M", "-P1D", "PT0.5S", "P2W"]),
    ({"type": "geopoint"}, ["90.50, 45.50", "180,90", "-180,-90", "1e2,3"]),
    ({"type": "geopoint", "format": "array"}, ["[90.50, 45.50]", '["180", "9"]']),
    ({"type": "geopoint", "format": "object"}, ['{"lon": 90.50, "lat": 45.50}']),
    ({"type": "object"}, ['{"a": 1.10, "b": [1, null, true]}', "{}", '{"a":{"b":"c"}}']),
    ({"type": "array"}, ['[1, 2.5, "x"]', "[]", '[{"a":null}]']),
    ({"type": "string", "format": "email"}, ["name@example.com", "a.b+c@x-y.co.uk", "J@büro.de"]),
    ({"type": "string", "format": "uri"}, ["https://example.com/a?b=1#c", "mailto:a@b.c"]),
    ({"type": "string", "format": "uuid"}, ["95ecc380-afe9-11e4-9b6c-751b66dd541e"]),
    ({"type": "string", "format": "binary"}, ["dGVzdA==", "AAAA", "Zm9vYmE="]),
    ({"type": "integer", "constraints": {"minimum": 0}}, ["0", "-5", "10"]),
    ({"type": "integer", "constraints": {"enum": [5, "10"]}}, ["5", "10", "007"]),
    ({"type": "number", "constraints": {"minimum": -5, "maximum": "5.5"}}, ["-5", "5.50", "1e1"]),
    ({"type": "string", "constraints": {"minLength": 3, "maxLength": 5}}, ["äöü", "abcd", "ab"]),
    ({"type": "string", "constraints": {"pattern": "^a.*$"}}, ["abc", "a\nb", "bc"]),
    ({"type": "string", "constraints": {"pattern": r"\S+\s|[A-Z]*"}}, ["AB", "a b", "é\u00a0"]),
    ({"type": "string", "constraints": {"enum": ["abc", "12"]}}, ["abc", "12"]),
    ({"type": "date", "constraints": {"minimum": "2000-01-01"}}, ["1999-12-31", "2000-01-01"]),
    ({"type": "array", "constraints": {"minLength": 2}}, ["[1]", "[1,2]"]),
    ({"type": "string"}, ["abc", " x "]),
    ({"type": "any"}, ["abc", "1"]),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    field: dict[str, Any]
    cell: str
    ours: Any
    theirs: Any

    @property
    def kind(self) -> str:
        return str(self.field["type"])

    @property
    def form(self) -> str:
        return str(self.field.get("format", "default"))

    @property
    def stricter(self) -> bool:
        """We refuse what they take."""
        return bool(self.ours == BAD)

    @property
    def is_number(self) -> bool:
        return (self.kind, self.form) in {
            ("integer", "default"),
            ("number", "default"),
            ("geopoint", "default"),
        }

    @property
    def affixes(self) -> str:
        """What stands around the digits."""
        before = re.match(r"\D*", self.cell)
        after = re.search(r"\D*$", self.cell)
        return (before[0] if before else "") + (after[0] if after else "")

    @property
    def pattern(self) -> str | None:
        rules: dict[str, str] = self.field.get("constraints", {})
        return rules.get("pattern")

    @property
    def group(self) -> str:
        return re.escape(str(self.field.get("groupChar", "")))

    def theirs_is(self, test: Callable[[Decimal], bool]) -> bool:
        return isinstance(self.theirs, int | Decimal) and test(Decimal(self.theirs))


CLOCK: Final = re.compile(r"\d\d:\d\d:\d\d", re.ASCII)
DIFFERENCES: Final[dict[str, Callable[[Case], object]]] = {
    "digits are 0 to 9": lambda c: (
        c.stricter and any(char.isdigit() and not char.isascii() for char in c.cell)
    ),
    "no NaN and no infinity": lambda c: c.theirs_is(lambda value: not value.is_finite()),
    "no underscores in numbers": lambda c: c.stricter and c.is_number and "_" in c.cell,
    "whole numbers have 64 bits": lambda c: (
        c.kind == "integer" and c.theirs_is(lambda value: not -(2**63) <= value < 2**63)
    ),
    "numbers have 38 digits": lambda c: (
        c.stricter and c.kind == "number" and c.theirs_is(lambda value: _digits(value) > 38)
    ),
    "only blanks of XML Schema surround a number": lambda c: (
        c.stricter and c.is_number and c.cell.strip() != c.cell.strip(" \t\r\n")
    ),
    "groups stand between digits of the whole part": lambda c: (
        c.stricter
        and c.kind == "number"
        and c.group
        and re.search(rf"(^|[^0-9]){c.group}|{c.group}([^0-9]|$)|[eE.,].*{c.group}", c.cell.strip())
    ),
    "integers may have groups": lambda c: c.kind == "integer" and c.group and c.theirs == BAD,
    "a sign apart from its number is not stripped": lambda c: (
        c.stricter and c.is_number and re.search("[-+()\u2212]", c.affixes)
    ),
    "a decimal point before the digits is kept": lambda c: (
        c.is_number and c.field.get("bareNumber") is False and re.search(r"\.[0-9]", c.cell)
    ),
    "a date has two digits of month and day": lambda c: (
        c.stricter
        and (c.kind, c.form) == ("date", "default")
        and not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", c.cell)
    ),
    "a datetime has T, whole parts and six digits of a second": lambda c: (
        c.stricter
        and (c.kind, c.form) == ("datetime", "default")
        and not re.fullmatch(
            r"[0-9-]{10}T[0-9:]{8}(\.[0-9]{1,6})?(Z|[-+][0-9]{2}:[0-9]{2})?", c.cell
        )
    ),
    "offsets go to 14 hours": lambda c: (
        c.stricter and c.kind == "datetime" and re.search(r"[+-](1[5-9]|2[0-9]):?[0-9]{2}$", c.cell)
    ),
    "a time has no offset and no fraction": lambda c: (
        c.stricter and (c.kind, c.form) == ("time", "default") and not CLOCK.fullmatch(c.cell)
    ),
    "years are XML Schema's": lambda c: (
        c.kind == "year"
        and bool(re.fullmatch(r"[ \t\r\n]*-?([1-9][0-9]{3,8}|0[0-9]{3})[ \t\r\n]*", c.cell))
        != c.stricter
    ),
    "months are XML Schema's": lambda c: (
        c.kind == "yearmonth"
        and bool(
            re.fullmatch(r"[ \t\r\n]*-?([1-9][0-9]{3,8}|0[0-9]{3})-[0-9]{2}[ \t\r\n]*", c.cell)
        )
        != c.stricter
    ),
    "durations are XML Schema's": lambda c: (
        c.kind == "duration"
        and (
            re.search(r"W|T$|P$|[.][0-9]*[^0-9S]|^[+]|,|[-:]", c.cell)
            if c.stricter
            else c.cell != c.cell.strip()
        )
    ),
    "coordinates keep their digits": lambda c: c.kind == "geopoint" and not c.stricter,
    "patterns match the full cell": lambda c: (
        c.stricter and c.pattern is not None and not re.fullmatch(c.pattern, c.cell)
    ),
    "a JSON number is no text": lambda c: c.kind == "geopoint" and c.stricter and '"' in c.cell,
    "members stand once": lambda c: (
        c.stricter and {c.kind, c.form} & {"array", "object"} and _twice(c.cell)
    ),
    "e-mail addresses are RFC 5321's": lambda c: (
        c.form == "email"
        and (
            not re.fullmatch("[!-~é]+@([A-Za-z0-9é-]+[.])+[A-Za-z]{2,}", c.cell)
            if c.stricter
            else not re.fullmatch("[!#-~]+@.+", c.cell)
        )
    ),
    "URIs are RFC 3986's": lambda c: (
        c.form == "uri"
        and c.stricter
        and re.search(
            r"[\s<>\"\\^`{|}]|%(?![0-9A-Fa-f]{2})|^[^A-Za-z]|^[^:]*[^A-Za-z0-9+.:-]", c.cell
        )
    ),
    "UUIDs have their five groups": lambda c: (
        c.form == "uuid"
        and c.stricter
        and not re.fullmatch("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", c.cell)
    ),
    "base64 has its alphabet and padding only": lambda c: (
        c.form == "binary"
        and c.stricter
        and (not re.fullmatch("[A-Za-z0-9+/]+={0,2}", c.cell) or len(c.cell) % 4)
    ),
}


def _digits(value: Decimal) -> int:
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        return 0
    return max(len(digits) + max(exponent, 0), -exponent)


def _twice(cell: str) -> bool:
    found: list[bool] = []

    def members(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found.append(len(dict(pairs)) < len(pairs))
        return dict(pairs)

    json.loads(cell, object_pairs_hook=members)
    return any(found)


def temporal_fields() -> Iterator[tuple[dict[str, Any], list[str]]]:
    """Give every format with cells that `strftime` wrote in it."""
    chance = random.Random(5)  # noqa: S311  the same cells each time
    moments = [
        datetime.fromtimestamp(chance.randrange(-(10**9), 3 * 10**9), UTC) for _ in range(12)
    ]
    moments += [datetime(2024, 2, 29, 23, 59, 59, 5, UTC), datetime(1969, 12, 31, tzinfo=UTC)]
    for kind, forms in (("date", DATE_FORMS), ("datetime", MOMENT_FORMS), ("time", TIME_FORMS)):
        for form in forms:
            yield {"type": kind, "format": form}, [moment.strftime(form) for moment in moments]


def mutated(chance: random.Random, seed: str) -> str:
    """Change a cell a little: insert, drop, replace, swap, pad, repeat."""
    cell = list(seed)
    for _ in range(chance.choice((0, 1, 1, 1, 2, 2, 3))):
        at = chance.randrange(len(cell) + 1)
        match chance.randrange(6):
            case 0:
                cell.insert(at, chance.choice(ALPHABET))
            case 1:
                del cell[at : at + 1]
            case 2:
                cell[at : at + 1] = chance.choice(ALPHABET)
            case 3:
                cell[at : at + 2] = reversed(cell[at : at + 2])
            case 4:
                cell = [chance.choice(("", " ", "  ", "\t")), *cell, chance.choice(("", " ", "\n"))]
            case _:
                cell[at:at] = cell[at : at + chance.randrange(1, 4)]
    return "".join(cell)


def read_ours(field: dict[str, Any], cells: list[str]) -> list[Any]:
    schema = schema_document.parse({"fields": [{"name": "a", **field}]})
    table = pa.table({"a": pa.array(cells, pa.string())})
    found = Validator(schema, ["a"]).run(table, pa.array(range(len(cells)), pa.int64()))
    values = dict(zip(found.row.to_pylist(), found.rows["a"].to_pylist(), strict=True))
    return [values.get(number, BAD) for number in range(len(cells))]


def read_theirs(field: dict[str, Any], cells: list[str]) -> list[Any]:
    read = frictionless.Field.from_descriptor({"name": "a", **field}).create_cell_reader()
    return [BAD if notes else value for value, notes in map(read, cells)]


def compared(kind: str, value: Any) -> Any:  # noqa: ANN401  any value
    """Write a value of either side in one form."""
    if value is None or value == BAD:
        return value
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    write = COMPARED.get(kind)
    return value if write is None else write(value)


COMPARED: Final[dict[str, Callable[[Any], Any]]] = {
    "yearmonth": lambda v: v if isinstance(v, str) else f"{v[0]:04}-{v[1]:02}",
    "geopoint": lambda v: [Decimal(part) for part in (v.split(",") if isinstance(v, str) else v)],
    "object": lambda v: json.loads(v) if isinstance(v, str) else v,
    "array": lambda v: json.loads(v) if isinstance(v, str) else v,
    "duration": lambda _: "taken",
}


def differences(number: int) -> Iterator[Case]:
    for field, seeds in [*FIELDS, *temporal_fields()]:
        chance = random.Random(f"{field}{number}")  # noqa: S311  the same cells each time
        cells = [mutated(chance, chance.choice(seeds)) for _ in range(CELLS_OF_EACH)]
        pairs = zip(cells, read_ours(field, cells), read_theirs(field, cells), strict=True)
        for cell, ours, theirs in pairs:
            if compared(field["type"], ours) != compared(field["type"], theirs):
                yield Case(field=field, cell=cell, ours=ours, theirs=theirs)


def test_thirty_thousand_mutated_cells_differ_only_for_reasons_that_are_written_down() -> None:
    assert CELLS_OF_EACH * (len(FIELDS) + len(list(temporal_fields()))) > 30_000
    used: set[str] = set()
    for case in differences(1):
        reasons = {reason for reason, explains in DIFFERENCES.items() if explains(case)}
        assert reasons, case
        used |= reasons
    assert used == set(DIFFERENCES)


@pytest.mark.parametrize("reason", DIFFERENCES)
def test_each_reason_is_documented(reason: str) -> None:
    document = Path(__file__).parents[2] / "docs/validation.md"
    assert reason in document.read_text()
