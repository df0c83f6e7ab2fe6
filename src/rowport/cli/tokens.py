"""`rowport token create|list|revoke`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import click

from rowport.bootstrap import open_rowport
from rowport.cli.exits import Exit
from rowport.cli.settings import Command, Settings
from rowport.cli.speech import emit, note, printable, say
from rowport.model.access import Scope
from rowport.model.organizations import DEFAULT_SLUG
from rowport.wire.access_resources import token_resource
from rowport.wire.ids import import_id as read_id

if TYPE_CHECKING:
    from rowport.model.access import Token

SCOPES: Final = [str(scope) for scope in Scope]
USUAL: Final = frozenset(Scope) - {Scope.ADMIN}
of_organization = click.option(
    "--org",
    "slug",
    default=DEFAULT_SLUG,
    show_default=True,
    metavar="SLUG",
    help="The organization.",
)


@click.command("create", cls=Command)
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    help="What it allows; may be repeated.  Default: everything but admin.",
)
@click.option(
    "--days", type=click.IntRange(1, 36500), help="End it after so many days.  Default: never."
)
@of_organization
@click.pass_obj
def create(
    settings: Settings, *, name: str, scopes: tuple[str, ...], days: int | None, slug: str
) -> Exit:
    """Make a token called NAME, and print its secret once."""
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        organization = rowport.named_organization(slug)
        issued = rowport.services.access.issue_in(
            organization,
            name=name,
            scopes=frozenset(Scope(scope) for scope in scopes) or USUAL,
            expires_at=expires_at,
        )
        token = rowport.services.access.token(organization.id, issued.id)
    if settings.json:
        emit({**token_resource(token), "secret": issued.secret})
        return Exit.FINE
    note(f"rowport: the token {token.id} of {slug}; its secret is shown now and never again")
    say(issued.secret)
    return Exit.FINE


@click.command("list", cls=Command)
@of_organization
@click.pass_obj
def list_tokens(settings: Settings, *, slug: str) -> Exit:
    """List the tokens, the newest first, without their secrets; with --json one a line."""
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        found = rowport.services.access.tokens(rowport.named_organization(slug).id)
    for token in found:
        if settings.json:
            emit(token_resource(token))
        else:
            say(line(token))
    if not found and not settings.json:
        note("rowport: there is no token yet; `rowport token create NAME` makes one")
    return Exit.FINE


@click.command("revoke", cls=Command)
@click.argument("token_id", metavar="TOKEN")
@of_organization
@click.pass_obj
def revoke(settings: Settings, *, token_id: str, slug: str) -> Exit:
    """End the TOKEN of this id, from the next request on."""
    identity = read_id(token_id, of="a token")
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        organization = rowport.named_organization(slug)
        rowport.services.access.revoke(organization.id, identity)
        token = rowport.services.access.token(organization.id, identity)
    if settings.json:
        emit(token_resource(token))
    else:
        say(line(token))
    return Exit.FINE


def line(token: Token) -> str:
    """Say a token on one line."""
    state = "never used"
    if token.last_used_at:
        state = f"last used {token.last_used_at:%Y-%m-%d %H:%M}"
    if token.expires_at:
        past = token.expires_at <= datetime.now(UTC)
        state += f", {'expired' if past else 'expires'} {token.expires_at:%Y-%m-%d %H:%M}"
    if token.revoked_at:
        state += f", revoked {token.revoked_at:%Y-%m-%d %H:%M}"
    return f"{token.id}  {printable(token.name)}  {' '.join(sorted(token.scopes))}  {state}"
