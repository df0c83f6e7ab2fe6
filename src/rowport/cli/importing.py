"""`rowport import`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from rowport.bootstrap import open_rowport
from rowport.cli.crew import Crew
from rowport.cli.files import check_file, reading_options
from rowport.cli.interrupts import Interrupts
from rowport.cli.outcome import follow, say_detached
from rowport.cli.settings import Command, Settings
from rowport.cli.unnamed import propose
from rowport.model.imports import Mode, OnMatch, Priority
from rowport.ports.ledger import Circumstances
from rowport.wire.import_options import OptionWords
from rowport.wire.reading_options import WORDS, ReadingWords

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rowport.bootstrap import Rowport
    from rowport.cli.exits import Exit
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
    metavar="valid_rows|all_or_nothing|max_errors=N|max_errors=P%",
    help="How many failed rows are borne.  [default: valid_rows]",
)
@click.option(
    "--priority",
    type=click.Choice([str(word) for word in Priority]),
    default=str(Priority.NORMAL),
    show_default=True,
    help="How often it has its turn beside other imports.",
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
    priority: str,
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
        around = Circumstances(priority=Priority(priority))
        imported = _create(rowport, file, type_name, options, around, interrupts)
        crew = Crew(rowport)
        if detach:
            crew.ensure()
            return say_detached(settings, imported)
        return follow(settings, rowport, imported, crew, interrupts)


def _create(
    rowport: Rowport,
    file: Path,
    type_name: str,
    options: ImportOptions,
    around: Circumstances,
    interrupts: Interrupts,
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
            around=around,
        )
