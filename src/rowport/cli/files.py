"""Files of this machine: the options that say how one is read, and what was understood of it."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from rowport.cli.speech import printable
from rowport.model.errors import Invalid
from rowport.wire.reading_options import WORDS, ReadingWords

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rowport.service.reading import FileTable

SAMPLE_ROWS: Final = 10
SHOWN_COLUMNS: Final = 40
SHOWN_CELL: Final = 40
NAMED: Final = {"\t": "tab", " ": "space", "": "none"}
Decorated = TypeVar("Decorated", bound="Callable[..., Any]")

_OPTIONS: Final = (
    click.option("--format", metavar="NAME", help="csv, xlsx, spreadsheet, json, jsonl, parquet."),
    click.option("--encoding", metavar="NAME", help="For example utf-8, cp1252, shift_jis."),
    click.option("--delimiter", metavar="TEXT", help="What parts cells; tab and space have names."),
    click.option("--quote", metavar="CHAR", help="What surrounds cells; '' for nothing."),
    click.option("--escape", metavar="CHAR", help="What escapes a character; '' for nothing."),
    click.option("--header-row", metavar="N", help="The line or sheet row of the header."),
    click.option(
        "--no-header", "has_header", flag_value="false", help="The first row is a data row."
    ),
    click.option("--sheet", metavar="NAME|N", help="The sheet of a spreadsheet."),
    click.option("--member", metavar="NAME", help="The file in an archive that holds several."),
)


def reading_options(command: Decorated) -> Decorated:
    """Let a command take the options that say how a file is read."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def read_words(words: Mapping[str, Any]) -> dict[str, object]:
    """Give the options of the format that a command's words hold; other words do not matter."""
    return ReadingWords(**{name: words[name] for name in WORDS}).read()


def check_file(path: Path) -> None:
    """See whether the file can be read, before anything is started.

    Raises:
        Invalid: it cannot, and why.
    """
    try:
        if path.is_dir():
            raise Invalid(f"{path} is a folder, not a file: name one file")
        if not path.exists():
            raise Invalid(f"there is no file {path} (looked in {Path.cwd()})")
        if path.is_file():
            path.open("rb").close()
    except PermissionError as error:
        raise Invalid(
            f"{path} cannot be read: permission denied; make it readable for the user "
            f"{_user_name()} (`chmod u+r`, or run as its owner)"
        ) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise Invalid(f"{path} cannot be read: {reason}") from error


def _user_name() -> str:
    import getpass  # noqa: PLC0415  only needed for a hint

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())


def sample(table: FileTable) -> list[tuple[str | None, ...]]:
    """Give the cells of the first rows."""
    from rowport.engine.plain_csv import records  # noqa: PLC0415  heavy libraries come with it

    found = (row for chunk in table.chunks() for row in records(chunk, limit=SAMPLE_ROWS))
    return list(islice(found, SAMPLE_ROWS))


def understood(table: FileTable, rows: list[tuple[str | None, ...]]) -> dict[str, object]:
    """Say as JSON how a file is read and why, with sample rows; null does not apply to it."""
    options = table.options
    return {
        "file": table.name,
        "format": table.layout.format,
        "inside": table.layout.options.get("inner_format"),
        "member": table.layout.options.get("member"),
        **{name: options.get(name) for name in ("encoding", "delimiter", "quote", "escape")},
        "has_header": table.has_header,
        "header_row": options.get("header_row"),
        "sheet": options.get("sheet"),
        "columns": list(table.layout.header),
        "sample_rows": [list(row) for row in rows],
        "confidence": table.layout.confidence,
        "evidence": dict(table.layout.evidence),
        "options": dict(options),
    }


def understood_lines(table: FileTable) -> Iterator[str]:
    """Say to people how a file is read."""
    options, inside = table.options, table.layout.options.get("inner_format")
    form = f"{inside} inside {table.layout.format}" if inside else table.layout.format
    yield f"{printable(table.name)}: {form}, {table.layout.confidence:.0%} sure"
    for name in ("member", "encoding", "delimiter", "quote", "escape", "sheet"):
        value = table.layout.options.get(name) if name == "member" else options.get(name)
        if isinstance(value, str):
            yield f"  {name:<10} {NAMED.get(value) or printable(value)}"
    if not table.has_header:
        yield "  header     none; the names of the columns are made up"
    elif isinstance(options.get("header_row"), int):
        yield f"  header     line {options['header_row']}"
    names = [shown(cell) for cell in table.layout.header]
    more = f" and {len(names) - SHOWN_COLUMNS} more" if len(names) > SHOWN_COLUMNS else ""
    yield f"  columns    {len(names)}: {', '.join(names[:SHOWN_COLUMNS])}{more}"


def shown(cell: str | None) -> str:
    """Give a cell on a bit of a line."""
    text = "-" if cell is None else printable(cell) or '""'
    return text if len(text) <= SHOWN_CELL else f"{text[: SHOWN_CELL - 1]}…"
