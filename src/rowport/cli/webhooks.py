"""`rowport webhook put|list|show|delete|deliveries|replay|test`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rowport.bootstrap import open_rowport
from rowport.cli.exits import Exit
from rowport.cli.settings import Command, Settings
from rowport.cli.speech import emit, note, printable, say
from rowport.model.events import TERMINAL, EventKind
from rowport.model.webhooks import DeliveryState
from rowport.wire.ids import import_id as read_id
from rowport.wire.webhook_resources import delivery_resource, try_resource, webhook_resource

if TYPE_CHECKING:
    from rowport.model.webhooks import Delivery, DeliveryTry, Webhook

KINDS = [str(kind) for kind in EventKind if kind is not EventKind.TEST]
STATES = [str(state) for state in DeliveryState]
DEFAULT_LIMIT = 20


@click.command("put", cls=Command)
@click.argument("name")
@click.argument("url")
@click.option(
    "--event",
    "events",
    multiple=True,
    type=click.Choice([*KINDS, "all"]),
    help="What it is told of; may be repeated.  Default: how imports end.",
)
@click.option("--rotate", is_flag=True, help="Make a new secret; the old one signs for a day more.")
@click.pass_obj
def put(settings: Settings, *, name: str, url: str, events: tuple[str, ...], rotate: bool) -> Exit:
    """Make the webhook NAME, or change and enable it."""
    chosen = KINDS if "all" in events else events
    kinds = frozenset(EventKind(kind) for kind in chosen) or TERMINAL
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        webhook, secret = rowport.services.webhooks.put(
            rowport.organization.id, name, url, events=kinds, rotate=rotate
        )
    if settings.json:
        emit({**webhook_resource(webhook), "secret": secret})
        return Exit.FINE
    _show(webhook)
    if secret is not None:
        note("rowport: this is its secret; it is shown now and never again")
        say(secret)
    return Exit.FINE


@click.command("list", cls=Command)
@click.pass_obj
def list_webhooks(settings: Settings) -> Exit:
    """List the webhooks by name; with --json one document a line."""
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        found = rowport.services.webhooks.list(rowport.organization.id)
    for webhook in found:
        if settings.json:
            emit(webhook_resource(webhook))
        else:
            say(headline(webhook))
    if not found and not settings.json:
        note("rowport: there is no webhook yet; `rowport webhook put NAME URL` makes one")
    return Exit.FINE


@click.command("show", cls=Command)
@click.argument("name")
@click.pass_obj
def show(settings: Settings, *, name: str) -> Exit:
    """Show the webhook NAME."""
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        webhook = rowport.services.webhooks.get(rowport.organization.id, name)
    if settings.json:
        emit(webhook_resource(webhook))
    else:
        _show(webhook)
    return Exit.FINE


@click.command("delete", cls=Command)
@click.argument("name")
@click.pass_obj
def delete(settings: Settings, *, name: str) -> Exit:
    """Forget the webhook NAME with its deliveries."""
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        webhook = rowport.services.webhooks.delete(rowport.organization.id, name)
    if settings.json:
        emit(webhook_resource(webhook))
    else:
        say(f"{webhook.name} is deleted")
    return Exit.FINE


@click.command("deliveries", cls=Command)
@click.argument("name")
@click.option("--state", type=click.Choice(STATES), help="Only those in this state.")
@click.option(
    "--limit",
    type=click.IntRange(min=1, max=1000),
    default=DEFAULT_LIMIT,
    show_default=True,
    help="How many at most.",
)
@click.pass_obj
def deliveries(settings: Settings, *, name: str, state: str | None, limit: int) -> Exit:
    """List what was sent to the webhook NAME, the newest first; with --json one document a line."""
    wanted = DeliveryState(state) if state else None
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        found = rowport.services.webhooks.deliveries(
            rowport.organization.id, name, state=wanted, limit=limit
        )
    for delivery in found:
        if settings.json:
            emit(delivery_resource(delivery))
            continue
        say(delivery_line(delivery))
        for tried in delivery.log:
            say(f"  {try_line(tried)}")
    return Exit.FINE


@click.command("replay", cls=Command)
@click.argument("name")
@click.argument("delivery_id", metavar="[DELIVERY]", required=False)
@click.pass_obj
def replay(settings: Settings, *, name: str, delivery_id: str | None) -> Exit:
    """Send a DELIVERY of the webhook NAME again, or all that failed."""
    identity = read_id(delivery_id, of="a delivery") if delivery_id is not None else None
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        count = rowport.services.webhooks.replay(
            rowport.organization.id, name, delivery_id=identity
        )
    if settings.json:
        emit({"replayed": count})
    else:
        say(f"{count} to be sent again; a worker sends them")
    return Exit.FINE


@click.command("test", cls=Command)
@click.argument("name")
@click.pass_obj
def test(settings: Settings, *, name: str) -> Exit:
    """Send an event `webhook.test` to the webhook NAME, and tell what came of it."""
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        tried = rowport.services.webhooks.test(rowport.organization.id, name)
    if settings.json:
        emit(try_resource(tried))
    else:
        say(try_line(tried))
    return Exit.FINE if tried.error is None else Exit.FAILED


def _show(webhook: Webhook) -> None:
    say(headline(webhook))
    say(f"  told of {', '.join(sorted(webhook.events))}")
    if webhook.failing_since and not webhook.disabled_at:
        say(f"  failing since {webhook.failing_since:%Y-%m-%d %H:%M:%S}")


def headline(webhook: Webhook) -> str:
    """Say a webhook on one line."""
    line = f"{webhook.name}  {printable(webhook.url)}"
    reason = webhook.disabled_reason
    return f"{line}  disabled: {printable(reason)}" if reason else line


def delivery_line(delivery: Delivery) -> str:
    """Say a delivery on one line."""
    about = f"  import {delivery.import_id}" if delivery.import_id else ""
    line = (
        f"{delivery.id}  {delivery.created_at:%Y-%m-%d %H:%M:%S}  {delivery.state:<9}  "
        f"{delivery.kind}{about}"
    )
    if delivery.state is DeliveryState.WAITING and delivery.tries:
        line += f"  next try {delivery.due_at:%Y-%m-%d %H:%M:%S}"
    return line


def try_line(tried: DeliveryTry) -> str:
    """Say what came of a try on one line."""
    went = printable(tried.error) if tried.error else f"{tried.status}, delivered"
    line = f"try {tried.number}  {tried.began_at:%Y-%m-%d %H:%M:%S}  {tried.duration_ms} ms  {went}"
    first = tried.answer.strip().splitlines()[:1] if tried.error and tried.answer else []
    return f"{line}: {printable(first[0])[:120]}" if first else line
