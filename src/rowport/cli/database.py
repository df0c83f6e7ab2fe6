"""`rowport db migrate|url`."""

from __future__ import annotations

import click

from rowport.bootstrap import open_rowport
from rowport.cli.exits import Exit
from rowport.cli.settings import Command, Settings
from rowport.cli.speech import emit, note, say


@click.command("migrate", cls=Command)
@click.pass_obj
def migrate(settings: Settings) -> Exit:
    """Bring the database to the schema of this version; a second time changes nothing."""
    with open_rowport(
        home=settings.home, database_url=settings.database_url, migrate=False
    ) as rowport:
        applied = rowport.migrate()
    if settings.json:
        emit({"applied": list(applied)})
        return Exit.FINE
    for name in applied:
        say(f"applied {name}")
    if not applied:
        say("nothing to do: the database has the schema of this version")
    return Exit.FINE


@click.command("url", cls=Command)
@click.pass_obj
def url(settings: Settings) -> Exit:
    """Print the address of the database, for psql and its like.

    The embedded database runs only while a rowport process uses it (`rowport serve` does).
    """
    with open_rowport(
        home=settings.home, database_url=settings.database_url, migrate=False
    ) as rowport:
        address = rowport.database_url
    if settings.json:
        emit({"database_url": address})
        return Exit.FINE
    say(address)
    if settings.database_url is None:
        note("rowport: the embedded database answers while a rowport process (serve) uses it")
    return Exit.FINE
