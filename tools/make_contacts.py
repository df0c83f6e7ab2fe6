"""Make examples/contacts.csv, a realistic messy file, and the truth about it.

Always the same bytes: everything is drawn from one seeded generator.  The truth
(examples/contacts.truth.json) says for each bad row its number, line, kind, field and error codes.

Usage: make_contacts.py [FOLDER]
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

SEED: Final = 20261122
ROWS: Final = 4000
HEADER: Final = (
    "E-mail address",
    "First name",
    "Surname",
    "Phone number",
    "Company",
    "Job title",
    "Country code",
    "Date of birth",
    "Signed up",
    "Credit limit",
    "Newsletter?",
    "Comments",
)
FIELDS: Final = (
    "email",
    "first_name",
    "last_name",
    "phone",
    "company",
    "job_title",
    "country",
    "birthday",
    "signed_up_at",
    "credit_limit",
    "newsletter",
    "notes",
)

# Each person: first name, last name, how the e-mail address spells them, country, dialling code.
PEOPLE: Final = (
    ("Anna", "Müller-Lüdenscheidt", "anna.mueller", "DE", "49"),
    ("Zoë", "O'Brien", "zoe.obrien", "IE", "353"),
    ("José María", "Núñez", "jose.nunez", "ES", "34"),
    ("Łukasz", "Wiśniewski", "lukasz.w", "PL", "48"),
    ("Þóra", "Guðmundsdóttir", "thora.g", "IS", "354"),
    ("İpek", "Çağlayan", "ipek.c", "TR", "90"),
    ("Nguyễn", "Thị Hồng", "hong.nguyen", "VN", "84"),
    ("Ελένη", "Παπαδοπούλου", "eleni.p", "GR", "30"),
    ("Дмитрий", "Соловьёв", "d.solovyov", "BG", "359"),
    ("Олена", "Ковальчук", "olena.k", "UA", "380"),
    ("محمد", "الأحمدي", "m.alahmadi", "EG", "20"),
    ("فاطمة", "بن علي", "f.benali", "TN", "216"),
    ("נועה", "כהן", "noa.cohen", "IL", "972"),
    ("प्रिया", "शर्मा", "priya.sharma", "IN", "91"),
    ("小明", "王", "xm.wang", "CN", "86"),
    ("さくら", "佐藤", "sakura.sato", "JP", "81"),
    ("민준", "김", "mj.kim", "KR", "82"),
    ("สมชาย", "ใจดี", "somchai.j", "TH", "66"),
    ("ნინო", "ბერიძე", "nino.b", "GE", "995"),
    ("Amélie", "d'Arc, née Dupont", "amelie.darc", "FR", "33"),
    ("Giovanni", "Dell'Acqua", "g.dellacqua", "IT", "39"),
    ("Søren", "Ångström", "soren.a", "DK", "45"),
    ("Aroha", "Te Whānau", "aroha.tw", "NZ", "64"),
    ("Kwame", "Nkrumah-Boateng", "kwame.nb", "GH", "233"),
)
COMPANIES: Final = (
    "",
    "",
    "Smith, Jones & Partners",
    "Bäckerei Krümel GmbH & Co. KG",
    'The "Good Enough" Company',
    "株式会社さくら",
    "شركة النور",
    "L'Atelier",
    "ACME; Inc.",
    "Tab\there Ltd",
)
TITLES: Final = (
    "Accountant",
    "Analyst",
    "Assistant",
    "Buyer",
    "Consultant",
    "Director",
    "Engineer",
    "Manager",
    "Owner",
    "Researcher",
    "Teacher",
    "Technician",
    "",
)
DOMAINS: Final = ("example.org", "example.com", "mail.example.net", "post.example.org")
NOTES: Final = (
    "",
    "",
    "",
    "Prefers e-mail, never phones",
    'Said: "call me, maybe"',
    "First line\nSecond line",
    "Delivery:\r\n  ring twice\r\n  leave at no. 7",
    "=1+1 is what she wrote",
    "+ wants the catalogue",
    "Größe: ½ m² 🙂",
    "ملاحظة: يفضل البريد",
    "注意：不要打电话",  # noqa: RUF001  the punctuation of its script
    " spaces kept ",
    '""',
    "null",
    "007",
)
TRUE_WORDS: Final = ("yes", "Yes", "YES", "y", "Y", "true", "TRUE", "1", "on")
FALSE_WORDS: Final = ("no", "No", "NO", "n", "N", "false", "FALSE", "0", "off")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One record as it will be written, and what must become of it."""

    cells: tuple[str, ...]
    kind: str = "good"
    faults: tuple[tuple[str | None, tuple[str, ...]], ...] = ()
    """Field (None: the row as a whole) and the error codes that may say it."""
    raw: str | None = None
    """The text to write instead of the cells' RFC 4180 form."""

    def with_cells(self, **changes: str) -> Line:
        """Give the same record with other cells."""
        cells = list(self.cells)
        for name, cell in changes.items():
            cells[FIELDS.index(name)] = cell
        return replace(self, cells=tuple(cells))


def person(dice: random.Random, number: int) -> Line:
    """Make a good record; `number` makes its address unique."""
    first, last, address, country, dial = dice.choice(PEOPLE)
    born = date(1940, 1, 1) + timedelta(days=dice.randrange(24_000))
    signed = datetime(2015, 1, 1, tzinfo=UTC) + timedelta(seconds=dice.randrange(330_000_000))
    cells = (
        f"{address}.{number}@{dice.choice(DOMAINS)}",
        first,
        last,
        phone(dice, dial),
        dice.choice(COMPANIES),
        dice.choice(TITLES),
        country,
        dice.choice((born.strftime("%d/%m/%Y"), born.strftime("%d/%m/%Y"), "", "-")),
        signed.strftime("%Y-%m-%dT%H:%M:%SZ"),
        amount(dice),
        dice.choice((*TRUE_WORDS, *FALSE_WORDS, "")),
        dice.choice(NOTES),
    )
    return Line(cells=cells)


def phone(dice: random.Random, dial: str) -> str:
    """Write a number in one of the ways people do."""
    tail = f"{dice.randrange(10**7):07d}"
    return dice.choice(
        (f"+{dial} {tail[:3]} {tail[3:]}", f"00{dial}{tail}", f"0{tail[:2]}/{tail[2:]}", "NA", "")
    )


def amount(dice: random.Random) -> str:
    """Write an amount with or without thousands separators."""
    value = dice.choice((0, 250, 500, 1250, 12_000.5, 99_999.99, 1_000_000))
    return dice.choice((f"{value:,.2f}", f"{value:.2f}", f"{value:g}" if value < 1e5 else ""))  # noqa: PLR2004  beyond it :g writes 1e+06


CONSTRAINT: Final = ("constraint-error",)
TYPE: Final = ("type-error",)


def spoil(field: str, cells: Sequence[str], codes: tuple[str, ...]) -> Callable[..., Line]:
    """Give a spoiler that puts one of `cells` in `field`."""

    def spoiled(line: Line, dice: random.Random) -> Line:
        return replace(line.with_cells(**{field: dice.choice(cells)}), faults=((field, codes),))

    return spoiled


def short(line: Line, dice: random.Random) -> Line:
    """Cut the last cells off."""
    keep = dice.randrange(4, len(FIELDS))
    return replace(line, cells=line.cells[:keep], faults=((None, ("missing-cell",)),))


def long(line: Line, dice: random.Random) -> Line:
    """Put a cell too many at the end."""
    extra = dice.choice(("", "more", "x,y"))
    return replace(line, cells=(*line.cells, extra or "?"), faults=((None, ("extra-cell",)),))


def twice_wrong(line: Line, dice: random.Random) -> Line:
    """Spoil two cells: both must be told."""
    spoiled = line.with_cells(birthday="31/02/1990", phone=dice.choice(("n/a", "ask Bob")))
    return replace(spoiled, faults=(("phone", CONSTRAINT), ("birthday", TYPE)))


EMPTY_KEY: Final = ("primary-key", "constraint-error")
SPOILERS: Final[Mapping[str, tuple[int, Callable[..., Line]]]] = {
    "e-mail malformed": (
        10,
        spoil("email", ("no-at-sign.example.org", "two@@example.org", "name@", "a b@c"), TYPE),
    ),
    "e-mail missing": (10, spoil("email", ("",), EMPTY_KEY)),
    "first name missing": (10, spoil("first_name", ("", "NA"), CONSTRAINT)),
    "phone malformed": (10, spoil("phone", ("call the office", "12", "+"), CONSTRAINT)),
    "job title unknown": (10, spoil("job_title", ("Ninja", "manager", "CEO"), CONSTRAINT)),
    "country not a code": (10, spoil("country", ("Germany", "de", "D"), CONSTRAINT)),
    "birthday impossible": (
        10,
        spoil("birthday", ("31/02/1990", "1990-05-13", "29/02/23", "12/31/1980"), TYPE),
    ),
    "birthday too early": (4, spoil("birthday", ("01/01/1800",), CONSTRAINT)),
    "time of sign-up malformed": (
        10,
        spoil("signed_up_at", ("yesterday", "2023-13-01T00:00:00Z", "05.03.2024 14:22"), TYPE),
    ),
    "credit limit negative": (8, spoil("credit_limit", ("-50.00", "-1"), CONSTRAINT)),
    "credit limit not a number": (8, spoil("credit_limit", ("about 500", "1.2.3"), TYPE)),
    "newsletter unclear": (8, spoil("newsletter", ("maybe", "ja", "2"), TYPE)),
    "company too long": (4, spoil("company", ("Very " * 13 + "Long Ltd",), CONSTRAINT)),
    "row too short": (8, short),
    "row too long": (8, long),
    "two faults": (6, twice_wrong),
}
DUPLICATES: Final = 40
CORRECTED: Final = 5
STRAY_QUOTES: Final = 12


def records(dice: random.Random) -> list[Line]:
    """Make all records, in the order of the file."""
    lines = [person(dice, number) for number in range(1, ROWS + 1)]
    places = iter(dice.sample(range(100, ROWS), 400))
    for kind, (count, spoiler) in SPOILERS.items():
        for _ in range(count):
            place = next(places)
            lines[place] = replace(spoiler(lines[place], dice), kind=kind)
    # A key that stood in an earlier good row: refused, whatever else the row says.
    for _ in range(DUPLICATES):
        place = next(places)
        earlier = dice.choice([line for line in lines[:place] if line.kind == "good"])
        again = lines[place].with_cells(email=earlier.cells[0])
        lines[place] = replace(again, kind="duplicate", faults=(("email", ("unique-error",)),))
    # A key that stood in an earlier *bad* row: the first valid row wins, so this one is fine.
    spoiled = [line for line in lines[: ROWS // 2] if line.kind == "phone malformed"]
    for bad in spoiled[:CORRECTED]:
        lines.append(person(dice, 0).with_cells(email=bad.cells[0]))
        lines[-1] = replace(lines[-1], kind="corrected")
    for _ in range(STRAY_QUOTES):
        place = next(places)
        lines[place] = with_stray_quote(lines[place])
    return lines


def with_stray_quote(line: Line) -> Line:
    """Write a quote inside an unquoted cell, as hand-made exports do."""
    stray = line.with_cells(notes='wants the 5" model')
    raw = ",".join(quoted(cell) for cell in stray.cells[:-1]) + "," + stray.cells[-1]
    return replace(stray, kind="stray quote", raw=raw)


def quoted(cell: str) -> str:
    """Write a cell by RFC 4180, with quotes only where they are needed."""
    if any(mark in cell for mark in ',"\r\n'):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def text_of(line: Line) -> str:
    """Write a record, without its line end."""
    return line.raw or ",".join(quoted(cell) for cell in line.cells)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A record with its place in the file."""

    line: Line
    row: int
    at_line: int


def lay_out(lines: Sequence[Line], dice: random.Random) -> tuple[str, list[Placed], int]:
    """Write the file; give its text, where each record lies and how many lines are blank."""
    parts = [",".join(quoted(cell) for cell in HEADER) + "\r\n"]
    placed: list[Placed] = []
    blanks, at_line = 0, 2
    for row, line in enumerate(lines, start=1):
        if dice.random() < 0.004:  # noqa: PLR2004  about 16 in the file
            parts.append("\r\n")
            blanks, at_line = blanks + 1, at_line + 1
        text = text_of(line)
        placed.append(Placed(line=line, row=row, at_line=at_line))
        parts.append(text + "\r\n")
        at_line += text.count("\n") + 1
    return "\ufeff" + "".join(parts), placed, blanks


def truth(placed: Sequence[Placed], blanks: int) -> dict[str, object]:
    """Say what must become of the file."""
    bad = [item for item in placed if item.line.faults]
    return {
        "seed": SEED,
        "total": len(placed),
        "created": len(placed) - len(bad),
        "failed": len(bad),
        "blank_lines": blanks,
        "kinds": dict(sorted(Counter(item.line.kind for item in placed).items())),
        "bad_rows": [
            {
                "row": item.row,
                "line": item.at_line,
                "kind": item.line.kind,
                "errors": [{"field": field, "codes": codes} for field, codes in item.line.faults],
            }
            for item in bad
        ],
        "samples": [
            {
                "row": item.row,
                "line": item.at_line,
                "kind": item.line.kind,
                "cells": dict(zip(FIELDS, item.line.cells, strict=True)),
            }
            for item in samples(placed)
        ],
    }


def samples(placed: Sequence[Placed]) -> Iterator[Placed]:
    """Pick good rows worth a second look: one for each note, and those of a special kind."""
    seen = set()
    for item in placed:
        if item.line.faults:
            continue
        if item.line.kind != "good" or item.line.cells[-1] not in seen:
            seen.add(item.line.cells[-1])
            yield item


def main(arguments: Sequence[str]) -> None:
    """Write both files into the folder (default: examples/)."""
    folder = Path(arguments[0]) if arguments else Path(__file__).parents[1] / "examples"
    dice = random.Random(SEED)  # noqa: S311  test data, no secret
    text, placed, blanks = lay_out(records(dice), dice)
    (folder / "contacts.csv").write_bytes(text.encode())
    document = json.dumps(truth(placed, blanks), ensure_ascii=False, indent=1)
    (folder / "contacts.truth.json").write_text(document + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
