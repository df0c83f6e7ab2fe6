"""`rowport retention set|show|run`."""

from __future__ import annotations

import click

from rowport.bootstrap import open_rowport
from rowport.cli.exits import Exit
from rowport.cli.settings import Command, Settings
from rowport.cli.speech import emit, say
from rowport.model.errors import InvalidOptions
from rowport.model.retention import RetentionKind, RetentionRule

KINDS = [str(kind) for kind in RetentionKind]
FOREVER = "forever"
LONGEST = len("36500")


@click.command("set", cls=Command)
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("days", metavar="DAYS|forever")
@click.pass_obj
def set_rule(settings: Settings, *, kind: str, days: str) -> Exit:
    """Keep KIND for so many DAYS after an import's end."""
    wanted = read_days(days)
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        retention, organization_id = rowport.services.retention, rowport.organization.id
        retention.set(organization_id, RetentionKind(kind), wanted)
        rules = retention.rules(organization_id)
    for rule in rules:
        if rule.kind == kind:
            _tell(settings, rule)
    return Exit.FINE


@click.command("show", cls=Command)
@click.pass_obj
def show(settings: Settings) -> Exit:
    """Show how long each kind is kept; with --json one document a line."""
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        rules = rowport.services.retention.rules(rowport.organization.id)
    for rule in rules:
        _tell(settings, rule)
    return Exit.FINE


@click.command("run", cls=Command)
@click.pass_obj
def run(settings: Settings) -> Exit:
    """Let go now of what is kept no more; with --json one document a line."""
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        went = rowport.services.retention.run(rowport.organization.id)
    for due in went:
        if settings.json:
            emit({"import_id": str(due.import_id), "kind": str(due.kind), "days": due.days})
        else:
            say(f"{due.import_id}  {due.kind}  kept for {due.days} days")
    if not went and not settings.json:
        say("nothing is due")
    return Exit.FINE


def read_days(text: str) -> int | None:
    """Read a number of days; None: for ever.

    Raises:
        InvalidOptions: it is neither.
    """
    if text == FOREVER:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST):
        raise InvalidOptions(f"{text[:40]!r} is neither a number of days nor `{FOREVER}`")
    return int(text)


def _tell(settings: Settings, rule: RetentionRule) -> None:
    if settings.json:
        emit({"kind": str(rule.kind), "days": rule.days})
        return
    kept = "for ever" if rule.days is None else f"{rule.days} days after the import's end"
    say(f"{rule.kind:<8}  {kept}")
