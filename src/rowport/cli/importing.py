"""`rowport import` and `rowport cancel`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from rowport.bootstrap import open_rowport
from rowport.cli.crew import Crew
from rowport.cli.exits import Exit, exit_of_import
from rowport.cli.files import check_file, reading_options
from rowport.cli.following import Follower
from rowport.cli.interrupts import Interrupts
from rowport.cli.progress import new_progress
from rowport.cli.settings import Command, Settings
from rowport.cli.speech import complain, emit, note, say
from rowport.cli.summary import summary_lines, worst, worst_lines
from rowport.cli.unnamed import propose
from rowport.model.errors import MappingIncomplete
from rowport.model.imports import Mode, OnMatch
from rowport.wire.ids import import_id as read_id
from rowport.wire.import_options import OptionWords
from rowport.wire.reading_options import WORDS, ReadingWords
from rowport.wire.resources import import_resource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rowport.bootstrap import Rowport
    from rowport.model.imports import Import, ImportOptions

PART_BYTES: Final = 1024 * 1024


@click.command("import", cls=Command)
@click.argument("file", type=click.Path(path_type=Path, readable=False))
@click.option(
    "--type",
    "type_name",
    metavar="NAME",
    help="The record type; without it one is proposed from the file.",
)
@click.option("--yes", is_flag=True, help="Take the record type as proposed; do not ask.")
@click.option("--key", metavar="FIELD[,FIELD]", help="Fields that identify a record.")
@click.option(
    "--on-match",
    type=click.Choice([str(word) for word in OnMatch]),
    help="What to do with a row whose record exists.  [default: update]",
)
@click.option(
    "--mode",
    type=click.Choice([str(word) for word in Mode]),
    help="Which records may be touched; validate touches none.  [default: upsert]",
)
@click.option("--map", "mapping", multiple=True, metavar="HEADER=FIELD", help="May be repeated.")
@click.option(
    "--policy",
    metavar="valid_rows|all_or_nothing|max_errors=N",
    help="How many failed rows are borne.  [default: valid_rows]",
)
@reading_options
@click.option("--detach", is_flag=True, help="Print the id and leave; the import goes on.")
@click.pass_obj
def import_file(
    settings: Settings,
    /,
    *,
    file: Path,
    type_name: str | None,
    yes: bool,
    detach: bool,
    **words: Any,  # noqa: ANN401  what click makes of the options
) -> Exit:
    r"""Import FILE and follow it to its end.

    \b
    Exit status: 0 all rows are fine, 3 some rows failed, 4 the import failed,
    5 it was canceled (Ctrl-C), 2 the command cannot be.
    """
    reading = ReadingWords(**{name: words.pop(name) for name in WORDS})
    options = OptionWords(**words, reading=reading).read()
    check_file(file)
    proposed = propose(file, options.format, yes=yes) if type_name is None else None
    with (
        Interrupts() as interrupts,
        open_rowport(home=settings.home, database_url=settings.database_url) as rowport,
    ):
        if proposed is not None:
            options = proposed.make(rowport, options)
        type_name = proposed.name if proposed else str(type_name)
        imported = _create(rowport, file, type_name, options, interrupts)
        crew = Crew(rowport)
        if detach:
            crew.ensure()
            return _say_detached(settings, imported)
        return _follow(settings, rowport, imported, crew, interrupts)


def _create(
    rowport: Rowport, file: Path, type_name: str, options: ImportOptions, interrupts: Interrupts
) -> Import:
    with file.open("rb") as stream:

        def parts() -> Iterator[bytes]:
            while part := stream.read(PART_BYTES):
                if interrupts.was_asked:
                    raise KeyboardInterrupt
                yield part

        return rowport.services.imports.create(
            rowport.organization.id,
            type_name,
            file_name=os.fsencode(file.name).decode("utf-8", "replace"),
            parts=parts(),
            options=options,
        )


def _say_detached(settings: Settings, imported: Import) -> Exit:
    if settings.json:
        emit(import_resource(imported))
    else:
        say(str(imported.id))
        note(
            f"rowport: it goes on; `rowport status{settings.repeat()} {imported.id}` tells how far"
        )
    return Exit.FINE


def _follow(
    settings: Settings, rowport: Rowport, imported: Import, crew: Crew, interrupts: Interrupts
) -> Exit:
    follower = Follower(rowport, crew=crew, progress=new_progress(), interrupts=interrupts)
    try:
        imported = follower.until_final(imported)
    except MappingIncomplete as error:
        complain(error.message)
        if settings.json:
            fault = {"code": error.code, "message": error.message, "retryable": False}
            ended = rowport.services.imports.get(imported.organization_id, imported.id)
            emit(import_resource(ended) | {"error": fault})
        return Exit.FAILED
    if settings.json:
        emit(import_resource(imported))
    else:
        say_end(settings, rowport, imported)
    return exit_of_import(imported)


def say_end(settings: Settings, rowport: Rowport, imported: Import) -> None:
    """Tell people how an import went and what they can do about its failed rows."""
    for line in summary_lines(imported):
        say(line)
    if not imported.counts.failed:
        return
    faults = worst(rowport.services.rows.failed(imported.organization_id, imported.id).rows)
    for line in ["", *worst_lines(faults, failed=imported.counts.failed)]:
        say(line)
    say()
    say("The failed rows, with their reasons:")
    say(f"  rowport failed-rows{settings.repeat()} {imported.id} --out failed.csv")


@click.command("cancel", cls=Command)
@click.argument("import_id", metavar="ID")
@click.pass_obj
def cancel(settings: Settings, *, import_id: str) -> Exit:
    """End the import ID; what is loaded stays."""
    identity = read_id(import_id)
    with (
        Interrupts() as interrupts,
        open_rowport(home=settings.home, database_url=settings.database_url) as rowport,
    ):
        imports = rowport.services.imports
        imported = imports.cancel(rowport.organization.id, identity)
        interrupts.was_asked = True  # it is canceled already: Ctrl-C leaves at once
        follower = Follower(
            rowport,
            crew=Crew(rowport),
            progress=new_progress(),
            interrupts=interrupts,
            is_canceling=True,
        )
        imported = follower.until_final(imported)
    if settings.json:
        emit(import_resource(imported))
    else:
        for line in summary_lines(imported):
            say(line)
    return Exit.FINE
