"""Follow an import to its end, and tell how it went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rowport.cli.exits import Exit, exit_of_import
from rowport.cli.following import Follower
from rowport.cli.progress import new_progress
from rowport.cli.speech import complain, emit, note, say
from rowport.cli.summary import summary_lines, worst, worst_lines
from rowport.model.errors import MappingIncomplete
from rowport.wire.resources import import_resource

if TYPE_CHECKING:
    from rowport.bootstrap import Rowport
    from rowport.cli.crew import Crew
    from rowport.cli.interrupts import Interrupts
    from rowport.cli.settings import Settings
    from rowport.model.imports import Import


def say_detached(settings: Settings, imported: Import) -> Exit:
    """Print the id of an import that goes on without us."""
    if settings.json:
        emit(import_resource(imported))
    else:
        say(str(imported.id))
        note(
            f"rowport: it goes on; `rowport status{settings.repeat()} {imported.id}` tells how far"
        )
    return Exit.FINE


def follow(
    settings: Settings, rowport: Rowport, imported: Import, crew: Crew, interrupts: Interrupts
) -> Exit:
    """Wait for the import's end, tell how it went, and give the exit status that says so."""
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
