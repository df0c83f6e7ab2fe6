"""`rowport retry` and `rowport fix`."""

from __future__ import annotations

import os
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from rowport.bootstrap import open_rowport
from rowport.cli.controlling import who
from rowport.cli.crew import Crew
from rowport.cli.files import check_file
from rowport.cli.interrupts import Interrupts
from rowport.cli.outcome import follow, say_detached
from rowport.cli.settings import Command, Settings
from rowport.wire.ids import import_id as read_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from rowport.bootstrap import Rowport
    from rowport.cli.exits import Exit
    from rowport.model.imports import Import

PART_BYTES: Final = 1024 * 1024


@click.command("retry", cls=Command)
@click.argument("import_id", metavar="ID")
@click.option("--detach", is_flag=True, help="Print the id and leave; the import goes on.")
@click.pass_obj
def retry(settings: Settings, *, import_id: str, detach: bool) -> Exit:
    """Try again what failed or was never processed in the import ID, and follow it."""
    identity = read_id(import_id)

    def begin(rowport: Rowport) -> Import:
        return rowport.services.rounds.retry(rowport.organization.id, identity, by=who())

    return _run(settings, begin, detach=detach)


@click.command("fix", cls=Command)
@click.argument("import_id", metavar="ID")
@click.option(
    "--file",
    type=click.Path(path_type=Path, readable=False),
    required=True,
    metavar="FILE.{csv,xlsx}",
    help="The failed-rows file of the import, mended.",
)
@click.option("--detach", is_flag=True, help="Print the id and leave; the import goes on.")
@click.pass_obj
def fix(settings: Settings, *, import_id: str, file: Path, detach: bool) -> Exit:
    """Try the failed rows of the import ID again as they stand in FILE, and follow it."""
    identity = read_id(import_id)
    check_file(file)

    def begin(rowport: Rowport) -> Import:
        with closing(file.open("rb")) as stream:
            return rowport.services.rounds.fix(
                rowport.organization.id,
                identity,
                file_name=os.fsencode(file.name).decode("utf-8", "replace"),
                parts=iter(partial(stream.read, PART_BYTES), b""),
                by=who(),
            )

    return _run(settings, begin, detach=detach)


def _run(settings: Settings, begin: Callable[[Rowport], Import], *, detach: bool) -> Exit:
    with (
        Interrupts() as interrupts,
        open_rowport(home=settings.home, database_url=settings.database_url) as rowport,
    ):
        imported = begin(rowport)
        crew = Crew(rowport)
        if detach:
            crew.ensure()
            return say_detached(settings, imported)
        return follow(settings, rowport, imported, crew, interrupts)
