"""`rowport validate`."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from rowport.bootstrap import open_table
from rowport.cli.exits import Exit
from rowport.cli.files import check_file, read_words, reading_options
from rowport.cli.schemas import read_schema
from rowport.cli.settings import Command, Settings
from rowport.cli.speech import note, printable, say
from rowport.cli.summary import Fault, worst_lines
from rowport.wire.import_options import read_key, read_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rowport.service.checking import Check, Tally

SHOWN: Final = 20
"""Errors that people are shown one by one; --json tells all."""


@click.command("validate", cls=Command)
@click.argument("file", type=click.Path(path_type=Path, readable=False))
@click.option(
    "--schema",
    type=click.Path(path_type=Path, readable=False),
    required=True,
    metavar="SCHEMA.json",
    help="The Table Schema that says what a good row is.",
)
@click.option("--key", metavar="FIELD[,FIELD]", help="Fields that identify a record.")
@click.option("--map", "mapping", multiple=True, metavar="HEADER=FIELD", help="May be repeated.")
@reading_options
@click.pass_obj
def validate(
    settings: Settings,
    /,
    *,
    file: Path,
    schema: Path,
    key: str | None,
    mapping: tuple[str, ...],
    **words: str | None,
) -> Exit:
    r"""Tell every error of FILE by a Table Schema; no database is touched.

    \b
    Exit status: 0 all rows are fine, 3 some rows have errors, 4 the file cannot be read,
    2 the command cannot be.
    """
    from rowport.engine.schema_document import parse  # noqa: PLC0415  heavy libraries come with it
    from rowport.service.checking import Check, Tally  # noqa: PLC0415  likewise

    given, fields = read_mapping(mapping), read_key(key) if key is not None else ()
    reading = read_words(words)
    parsed = parse(read_schema(schema))
    check_file(file)
    check = Check(open_table(file, reading), parsed, given=given, key=fields)
    tally = Tally()
    if settings.json:
        _print_errors(check, tally)
    else:
        _say_errors(check, tally)
    return Exit.ROWS_FAILED if tally.failed else Exit.FINE


def _errors(check: Check, tally: Tally) -> Iterator[list[dict[str, Any]]]:
    for checked in check.run():
        tally.add(checked)
        yield checked.errors.to_pylist()


def _print_errors(check: Check, tally: Tally) -> None:
    """Print one JSON line an error, and the summary."""
    for errors in _errors(check, tally):
        if errors:
            names = ("row", "line", "field", "code", "value", "message")
            told = ({name: error[name] for name in names} for error in errors)
            click.echo("\n".join(json.dumps(error, ensure_ascii=False) for error in told))
    click.echo(json.dumps({"summary": _summary(check, tally)}, ensure_ascii=False))


def _summary(check: Check, tally: Tally) -> dict[str, object]:
    return {
        "rows": tally.rows,
        "valid": tally.rows - tally.failed,
        "failed": tally.failed,
        "errors": tally.errors,
        "groups": [
            {
                "code": group.code,
                "field": group.field,
                "count": group.count,
                "examples": [dict(example) for example in group.examples],
            }
            for group in tally.groups
        ],
        "mapping": check.mapping.by_header,
        "unmapped": list(check.mapping.unmapped),
        "unchecked": list(check.unchecked),
    }


def _say_errors(check: Check, tally: Tally) -> None:
    left = SHOWN
    for errors in _errors(check, tally):
        for error in islice(errors, left):
            where = f"row {error['row']} line {error['line']}"
            what = f"{error['field'] or '(row)'}: {error['message']} [{error['code']}]"
            say(f"{where}  {printable(what)}")
            left -= 1
    if tally.errors > SHOWN:
        say(f"and {tally.errors - SHOWN:,} more errors; --json tells all")
    if tally.errors:
        say()
        faults = [
            Fault(
                field=group.field or "(row)",
                code=group.code,
                count=group.count,
                message=group.examples[0]["message"],
            )
            for group in tally.groups
        ]
        for line in worst_lines(faults, failed=0):
            say(line)
        say()
    say(f"{tally.rows:,} rows, {tally.rows - tally.failed:,} fine, {tally.failed:,} with errors")
    if check.mapping.unmapped:
        columns = ", ".join(printable(header) or '""' for header in check.mapping.unmapped)
        note(f"rowport: no field takes the columns: {columns}")
    for name in check.unchecked:
        note(f"rowport: {name} were not checked: only a database could")
