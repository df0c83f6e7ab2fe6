"""`rowport worker`."""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING

import click

from rowport.bootstrap import open_rowport
from rowport.cli.exits import Exit
from rowport.cli.logs import start_log
from rowport.cli.processes import stop_with_parent
from rowport.cli.settings import Command, Settings
from rowport.config import settings as chosen_settings
from rowport.model.errors import RowportError
from rowport.runtime.trial import Trial
from rowport.runtime.worker import Worker, run_trial

if TYPE_CHECKING:
    from rowport.bootstrap import Rowport

log = logging.getLogger(__name__)


@click.command("worker", cls=Command)
@click.option("--until-idle", is_flag=True, hidden=True, help="End when nothing is left to do.")
@click.option("--with-parent", is_flag=True, hidden=True, help="End when stdin does.")
@click.option("--trial", "words", hidden=True, help="Do this and nothing else.")
@click.option("--session", hidden=True, help="What the database calls this worker.")
@click.option(
    "--slots",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Chunks that are loaded at the same time.",
)
@click.pass_obj
def worker(
    settings: Settings,
    *,
    until_idle: bool,
    with_parent: bool,
    words: str | None,
    session: str | None,
    slots: int,
) -> Exit:
    """Run one more worker, until SIGTERM or Ctrl-C."""
    start_log(chosen_settings().log_level)
    if with_parent:
        stop_with_parent()
    session = session or f"rowport worker {secrets.token_hex(4)}"
    with open_rowport(
        home=settings.home, database_url=settings.database_url, session=session
    ) as rowport:
        if words is not None:
            return try_alone(rowport, Trial.read(words))
        Worker(rowport.surroundings(), slots=slots).run(until_idle=until_idle)
    return Exit.FINE


def try_alone(rowport: Rowport, trial: Trial) -> Exit:
    """Do what this process was started for; `runtime.trial` reads the exit status."""
    try:
        run_trial(rowport.new_works(), trial)
    except RowportError as error:
        log.warning("%s", error.message)
        return Exit.FAILED if error.transient else Exit.BUG
    return Exit.FINE
