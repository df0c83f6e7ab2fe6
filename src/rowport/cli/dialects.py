"""`rowport dialects setup --demo`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from rowport.bootstrap import open_rowport
from rowport.cli.exits import Exit
from rowport.cli.settings import Command, Settings
from rowport.cli.speech import emit, say
from rowport.model.access import Role, Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rowport.service import Services
    from rowport.wire.dialect import Dialect

ZONE: Final = "Asia/Calcutta"
CLIENTS: Final = {
    "fields": [
        {"name": "first_name", "type": "string", "title": "First name"},
        {"name": "last_name", "type": "string", "title": "Last name"},
        {
            "name": "email",
            "type": "string",
            "format": "email",
            "title": "E-mail",
            "constraints": {"required": True},
        },
    ],
    "primaryKey": "email",
}
ORGANIZATIONS: Final = {"demo": "Demo organization", "demo_other": "Other demo organization"}


@click.command("setup", cls=Command)
@click.option("--demo", is_flag=True, required=True, help="Make two demonstration organizations.")
@click.option(
    "--url",
    default="http://127.0.0.1:8484",
    show_default=True,
    metavar="URL",
    help="Where the server answers, for the curl lines.",
)
@click.pass_obj
def setup(settings: Settings, *, demo: bool, url: str) -> Exit:
    """Make an organization with all that the dialects need; print how to call each.

    Each call gives fresh credentials for the same things; earlier ones stay valid.
    """
    del demo  # the only kind there is
    from rowport.dialects import discover  # noqa: PLC0415  brings the HTTP stack in

    known = discover()
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        made = [
            _organization(rowport.services, known, slug=slug, name=name)
            for slug, name in ORGANIZATIONS.items()
        ]
    credentials: dict[str, object] = {**made[0], "other": made[1]}
    if settings.json:
        emit(credentials)
        return Exit.FINE
    for name, dialect in known.items():
        say(f"# {dialect.title}")
        say(dialect.curl(url, made[0][name]))
    return Exit.FINE


def _organization(
    services: Services, known: Mapping[str, Dialect], *, slug: str, name: str
) -> dict[str, Mapping[str, object]]:
    from rowport.wire.dialect import Stage  # noqa: PLC0415  brings the HTTP stack in

    organization = services.access.ensure_organization(slug, name, time_zone=ZONE)
    admin = services.access.ensure_user(
        organization,
        email=f"admin@{slug.replace('_', '-')}.example",
        first_name="Ada",
        last_name="Admin",
        role=Role.ADMIN,
    )
    reader = services.access.ensure_user(
        organization,
        email=f"reader@{slug.replace('_', '-')}.example",
        first_name="Rae",
        last_name="Reader",
    )
    services.record_types.put(organization, "clients", CLIENTS)
    stage = Stage(services=services, organization=organization, admin=admin, reader=reader)
    made: dict[str, Mapping[str, object]] = {
        "organization": {"id": str(organization.id), "oid": organization.oid, "slug": slug}
    }
    for dialect in known.values():
        made[dialect.name] = dialect.set_up(stage)
    scopes = frozenset(Scope) - {Scope.ADMIN}
    native = services.access.issue(admin, name="native demo", scopes=scopes)
    return {**made, "native": {"token": native.secret}}
