"""Templates: an empty file of a record type for people to fill in."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import xlsxwriter

from rowport.engine.formula_guard import guard
from rowport.model.table_schema import Field, FieldType
from rowport.service.workbooks import MOST_ROWS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rowport.model.record_types import RecordType

EXAMPLES: Final[dict[FieldType, str]] = {
    FieldType.STRING: "text",
    FieldType.NUMBER: "1.5",
    FieldType.INTEGER: "1",
    FieldType.OBJECT: '{"key": "value"}',
    FieldType.ARRAY: '["value"]',
    FieldType.LIST: "value",
    FieldType.DATETIME: "2026-01-31T12:30:00Z",
    FieldType.DATE: "2026-01-31",
    FieldType.TIME: "12:30:00",
    FieldType.YEAR: "2026",
    FieldType.YEARMONTH: "2026-01",
    FieldType.DURATION: "P1D",
    FieldType.GEOPOINT: "4.9, 52.4",
    FieldType.GEOJSON: '{"type": "Point", "coordinates": [4.9, 52.4]}',
    FieldType.ANY: "text",
}
FORMATTED_EXAMPLES: Final[dict[tuple[FieldType, str], str]] = {
    (FieldType.STRING, "email"): "name@example.org",
    (FieldType.STRING, "uri"): "https://example.org/",
    (FieldType.STRING, "uuid"): "01890a5d-ac96-774b-bcce-b302099a8057",
    (FieldType.STRING, "binary"): "dGV4dA==",
    (FieldType.GEOPOINT, "array"): "[4.9, 52.4]",
    (FieldType.GEOPOINT, "object"): '{"lon": 4.9, "lat": 52.4}',
}
MEANING_EXAMPLES: Final[dict[str, str]] = {
    "email": "name@example.org",
    "phone": "+49 30 901820",
    "country": "NL",
    "currency": "EUR",
    "iban": "NL91 ABNA 0417 1643 00",
    "uuid": "01890a5d-ac96-774b-bcce-b302099a8057",
    "url": "https://example.org/",
    "geopoint": "4.9,52.4",
    "percentage": "12.5%",
}
MOMENTS: Final = frozenset({FieldType.DATETIME, FieldType.DATE, FieldType.TIME})
MOMENT: Final = datetime(2026, 1, 31, 12, 30, tzinfo=UTC)
LONGEST_LIST: Final = 255
"""Characters of a dropdown written into the sheet itself; longer ones stand in a sheet of lists."""
LISTS: Final = "_lists"
WIDEST: Final = 40
LAST_ROW: Final = MOST_ROWS - 1


def headers(record_type: RecordType) -> tuple[str, ...]:
    """Give a header for each field: its title, unless another field has the same one."""
    fields = record_type.schema.fields
    uses = Counter(field.title for field in fields)
    names = {field.name for field in fields}
    return tuple(
        field.title
        if field.title and uses[field.title] == 1 and field.title not in names - {field.name}
        else field.name
        for field in fields
    )


def example(field: Field) -> str:
    """Give a cell that the field takes, as far as type, format, meaning and choices tell."""
    if field.example is not None:
        return str(field.example)
    if choices := dropdown(field):
        return choices[0]
    if field.type in MOMENTS and "%" in field.format:
        return MOMENT.strftime(field.format)
    if field.type in {FieldType.INTEGER, FieldType.NUMBER}:
        return _number(field).replace(".", field.decimal_char)
    for name in field.semantic or ():
        if field.type in {FieldType.STRING, FieldType.ANY} and name in MEANING_EXAMPLES:
            return MEANING_EXAMPLES[name]
    return FORMATTED_EXAMPLES.get((field.type, field.format), EXAMPLES.get(field.type, ""))


def _number(field: Field) -> str:
    """Give a number that the field takes, with a point."""
    if any("percentage" in step for step in field.transforms):
        return MEANING_EXAMPLES["percentage"]
    minimum = field.constraints.minimum
    return EXAMPLES[field.type] if minimum is None else str(minimum)


def dropdown(field: Field) -> tuple[str, ...]:
    """Give the only cells that the field takes, if they are few and known."""
    if field.constraints.enum is not None:
        return tuple(str(value) for value in field.constraints.enum)
    if field.type is FieldType.BOOLEAN:
        return (*field.true_values[:1], *field.false_values[:1])
    return ()


def template_csv(record_type: RecordType) -> bytes:
    """Give the template as CSV: the header and one example row.

    The cells come from whoever made the record type; a live formula among them is guarded.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([guard(header) for header in headers(record_type)])
    writer.writerow([example(field) for field in record_type.schema.fields])
    return text.getvalue().encode()


def write_template_workbook(path: Path, record_type: RecordType) -> None:
    """Write the template as a spreadsheet: required columns bold, notes, dropdowns, text cells.

    Raises:
        OSError: the file cannot be written.
    """
    try:
        with path.open("wb") as out, xlsxwriter.Workbook(out) as book:
            _Sheet(book, record_type).write()
    except xlsxwriter.exceptions.FileCreateError as error:
        raise OSError(*error.args[0].args) from error


class _Sheet:
    """The one sheet of a template, and the hidden one with its longer lists."""

    def __init__(self, book: xlsxwriter.Workbook, record_type: RecordType) -> None:
        self._record_type = record_type
        self._book = book
        self._page = book.add_worksheet(record_type.name.replace(".", "_")[:31])
        self._lists: xlsxwriter.worksheet.Worksheet | None = None
        self._text = book.add_format({"num_format": "@"})
        self._optional = book.add_format({"num_format": "@", "bottom": 1})
        self._required = book.add_format({"num_format": "@", "bottom": 1, "bold": True})

    def write(self) -> None:
        self._page.freeze_panes(1, 0)
        fields = self._record_type.schema.fields
        for column, (header, field) in enumerate(
            zip(headers(self._record_type), fields, strict=True)
        ):
            is_required = self._is_required(field)
            # Text columns: a spreadsheet would turn 007 into 7 and 1/2 into a date.
            width = min(WIDEST, max(len(header), len(example(field))) + 2)
            self._page.set_column(column, column, width, self._text)
            self._page.write_string(
                0, column, header, self._required if is_required else self._optional
            )
            self._page.write_comment(0, column, note(field, is_required=is_required))
            self._page.write_string(1, column, example(field), self._text)
            if choices := dropdown(field):
                self._offer(column, header, choices)

    def _is_required(self, field: Field) -> bool:
        return field.constraints.required or field.name in self._record_type.key

    def _offer(self, column: int, header: str, choices: Sequence[str]) -> None:
        is_short = len(",".join(choices)) <= LONGEST_LIST and not any("," in c for c in choices)
        self._page.data_validation(
            1,
            column,
            LAST_ROW,
            column,
            {
                "validate": "list",
                "source": list(choices) if is_short else self._listed(column, choices),
                "error_title": "Not in the list"[:32],
                "error_message": f"{header[:100]} takes one of the values in its list.",
            },
        )

    def _listed(self, column: int, choices: Sequence[str]) -> str:
        if self._lists is None:
            self._lists = self._book.add_worksheet(LISTS)
            self._lists.hide()
        for row, choice in enumerate(choices):
            self._lists.write_string(row, column, choice)
        name = xlsxwriter.utility.xl_col_to_name(column, col_abs=True)
        return f"={LISTS}!{name}$1:{name}${len(choices)}"


def note(field: Field, *, is_required: bool) -> str:
    """Say in a few words what the field takes."""
    words = ["Required." if is_required else "Optional."]
    if field.description:
        words.append(field.description)
    words.append(f"Type: {field.type}")
    if field.format != "default":
        words[-1] += f" ({field.format})"
    words[-1] += "."
    words += [f"Means: {name.replace('_', ' ')}." for name in field.semantic or ()]
    if field.constraints.unique:
        words.append("No value may stand twice.")
    return " ".join(words)
