"""`rowport worker`."""

from __future__ import annotations

import click

from rowport.bootstrap import open_rowport
from rowport.cli.exits import Exit
from rowport.cli.logs import start_log
from rowport.cli.processes import stop_with_parent
from rowport.cli.settings import Command, Settings
from rowport.runtime.worker import Worker


@click.command("worker", cls=Command)
@click.option("--until-idle", is_flag=True, hidden=True, help="End when nothing is left to do.")
@click.option("--with-parent", is_flag=True, hidden=True, help="End when stdin does.")
@click.option(
    "--slots",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Chunks that are loaded at the same time.",
)
@click.pass_obj
def worker(settings: Settings, *, until_idle: bool, with_parent: bool, slots: int) -> Exit:
    """Run one more worker, until SIGTERM or Ctrl-C."""
    start_log()
    if with_parent:
        stop_with_parent()
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        Worker(rowport.surroundings(), slots=slots).run(until_idle=until_idle)
    return Exit.FINE
