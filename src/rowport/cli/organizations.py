"""`rowport org create|list|show|set`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from rowport.bootstrap import open_rowport
from rowport.cli.exits import Exit
from rowport.cli.settings import Command, Settings
from rowport.cli.speech import emit, note, printable, say
from rowport.model.errors import InvalidOptions
from rowport.wire.access_resources import organization_resource

if TYPE_CHECKING:
    from rowport.model.organizations import Organization


DEFAULT: Final = "default"
MOST_DIGITS: Final = 9


@click.command("create", cls=Command)
@click.argument("slug")
@click.option("--name", help="What people call it.  Default: the slug.")
@click.option(
    "--time-zone", default="UTC", show_default=True, metavar="ZONE", help="An IANA time zone."
)
@click.pass_obj
def create(settings: Settings, *, slug: str, name: str | None, time_zone: str) -> Exit:
    """Make the organization SLUG; nobody sees another's data."""
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        made = rowport.services.access.create_organization(slug, name, time_zone=time_zone)
    _tell(settings, made)
    return Exit.FINE


@click.command("list", cls=Command)
@click.pass_obj
def list_organizations(settings: Settings) -> Exit:
    """List the organizations by slug; with --json one a line."""
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        found = rowport.services.access.organizations()
    for organization in found:
        _tell(settings, organization)
    if not found and not settings.json:
        note("rowport: there is no organization yet; the first command that needs one makes it")
    return Exit.FINE


@click.command("show", cls=Command)
@click.argument("slug")
@click.pass_obj
def show(settings: Settings, *, slug: str) -> Exit:
    """Show the organization of this SLUG or id."""
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        found = rowport.services.access.organization(slug)
    _tell(settings, found)
    return Exit.FINE


@click.command("set", cls=Command)
@click.argument("slug")
@click.option(
    "--running-imports",
    metavar="N|default",
    help="How many of its imports run at once; the others are queued.",
)
@click.option("--weight", type=click.IntRange(1, 100), help="Its share beside other organizations.")
@click.pass_obj
def set_shares(
    settings: Settings, *, slug: str, running_imports: str | None, weight: int | None
) -> Exit:
    """Say how much of the workers the organization SLUG may have."""
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        found = rowport.named_organization(slug)
        changed = rowport.services.access.set_shares(
            found.id,
            running_limit=found.running_limit
            if running_imports is None
            else read_running(running_imports),
            weight=found.weight if weight is None else weight,
        )
    _tell(settings, changed)
    return Exit.FINE


def read_running(text: str) -> int | None:
    """Read a limit of running imports; None: the installation's.

    Raises:
        InvalidOptions: it is neither.
    """
    if text == DEFAULT:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise InvalidOptions(f"{text[:40]!r} is neither a number of imports nor `{DEFAULT}`")
    return int(text)


def _tell(settings: Settings, organization: Organization) -> None:
    if settings.json:
        emit(organization_resource(organization))
    else:
        say(
            f"{organization.slug}  {printable(organization.name)}  {organization.id}  "
            f"{organization.time_zone}  {organization.running_limit or DEFAULT} running  "
            f"weight {organization.weight}"
        )
