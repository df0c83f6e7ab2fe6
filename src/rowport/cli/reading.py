"""`rowport read`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from rowport.bootstrap import open_table
from rowport.cli.exits import Exit
from rowport.cli.files import (
    check_file,
    read_words,
    reading_options,
    sample,
    shown,
    understood,
    understood_lines,
)
from rowport.cli.outputs import replaced
from rowport.cli.settings import Command, Settings
from rowport.cli.speech import emit, note, printable, say
from rowport.model.errors import EmptyFile

if TYPE_CHECKING:
    from rowport.ports import BrokenRow
    from rowport.service.reading import FileTable

TOLD: Final = 1_000
"""Broken rows that are told one by one; all are counted, and all are written."""
NOTED: Final = 20


@click.command("read", cls=Command)
@click.argument("file", type=click.Path(path_type=Path, readable=False))
@click.option(
    "--out",
    type=click.Path(path_type=Path, readable=False),
    metavar="OUT.csv",
    help="Write the file as it was understood: RFC 4180, UTF-8, CRLF.",
)
@reading_options
@click.pass_obj
def read(settings: Settings, /, *, file: Path, out: Path | None, **words: str | None) -> Exit:
    """Tell how FILE is read, and why; with --out write it as it was understood."""
    given = read_words(words)
    check_file(file)
    try:
        table = open_table(file, given)
    except EmptyFile as error:
        if out is None:
            raise
        return _write_nothing(settings, out, str(error))
    rows = sample(table)
    written = write(table, out) if out is not None else None
    if settings.json:
        emit({**understood(table, rows), **(written.document(out) if written else {})})
        return Exit.FINE
    for line in understood_lines(table):
        say(line)
    for row in rows:
        say("  | " + " | ".join(shown(cell) for cell in row))
    if written is not None:
        _say_written(written, out)
    return Exit.FINE


def _write_nothing(settings: Settings, out: Path, reason: str) -> Exit:
    """Write an empty file for an empty one: as it was understood."""
    with replaced(out) as beside:
        beside.touch()
    note(f"rowport: {reason}")
    if settings.json:
        emit({"format": None, "columns": [], "sample_rows": [], **Written().document(out)})
    return Exit.FINE


@dataclass(slots=True, kw_only=True)
class Written:
    """What was written."""

    rows: int = 0
    broken: int = 0
    told: list[BrokenRow] = field(default_factory=list)
    """The first of the broken rows."""

    def document(self, out: Path | None) -> dict[str, object]:
        """Say it as JSON."""
        return {
            "out": str(out),
            "rows": self.rows,
            "broken": self.broken,
            "broken_rows": [
                {"row": b.row, "line": b.line, "code": str(b.code), "message": b.note}
                for b in self.told
            ],
        }


def write(table: FileTable, out: Path) -> Written:
    """Write the table: its header, if it has one, and every record, broken ones as they are."""
    from rowport.engine.plain_csv import csv_line, csv_text  # noqa: PLC0415  heavy libraries

    written = Written()
    with replaced(out) as beside, beside.open("wb") as lines:
        if table.has_header:
            lines.write(csv_line(table.layout.header))
        for chunk in table.chunks():
            lines.writelines(csv_text(chunk))
            written.rows += chunk.rows
            written.broken += len(chunk.broken)
            written.told += chunk.broken[: TOLD - len(written.told)]
    return written


def _say_written(written: Written, out: Path | None) -> None:
    say(f"{written.rows:,} rows written to {out}")
    for broken in written.told[:NOTED]:
        note(f"rowport: row {broken.row} line {broken.line}: {printable(broken.note)}")
    if written.broken > NOTED:
        note(f"rowport: and {written.broken - NOTED:,} more rows that are not as the others")
