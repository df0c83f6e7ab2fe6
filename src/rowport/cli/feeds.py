"""`rowport feed put|list|show|run|pause|resume|archive`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rowport.bootstrap import open_rowport
from rowport.cli.exits import Exit
from rowport.cli.settings import Command, Settings
from rowport.cli.speech import emit, note, printable, say
from rowport.model.errors import InvalidOptions
from rowport.wire.feed_documents import feed_resource, read_feed, run_resource
from rowport.wire.times import rfc3339

if TYPE_CHECKING:
    from rowport.model.feeds import Feed, FeedRun

SHOWN_RUNS = 10
BY = "the command line"


@click.command("put", cls=Command)
@click.argument("name")
@click.argument("document", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def put(settings: Settings, *, name: str, document: Path) -> Exit:
    """Make the feed NAME, or change it, as DOCUMENT (JSON) says.

    Secret settings that the document leaves out stay as they are.
    """
    try:
        wanted = read_feed(json.loads(document.read_bytes()))
    except ValueError as error:
        raise InvalidOptions(f"{document} is no JSON: {error}") from None
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        feed = rowport.services.feeds.put(rowport.organization.id, name, wanted)
    _tell(settings, feed)
    return Exit.FINE


@click.command("list", cls=Command)
@click.pass_obj
def list_feeds(settings: Settings) -> Exit:
    """List the feeds, the newest first; with --json one document a line."""
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        found = rowport.services.feeds.list(rowport.organization.id)
    for feed in found:
        _tell(settings, feed)
    if not found and not settings.json:
        note("rowport: there is no feed yet; `rowport feed put NAME FILE.json` makes one")
    return Exit.FINE


@click.command("show", cls=Command)
@click.argument("name")
@click.pass_obj
def show(settings: Settings, *, name: str) -> Exit:
    """Show the feed NAME, its newest runs, and what they decided about each file."""
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        feed = rowport.services.feeds.by_name(rowport.organization.id, name)
        runs = rowport.services.feeds.runs(feed, limit=SHOWN_RUNS)
    if settings.json:
        emit({**feed_resource(feed), "runs": [run_resource(run) for run in runs]})
        return Exit.FINE
    say(_headline(feed))
    for run in runs:
        _say_run(run)
    return Exit.FINE


@click.command("run", cls=Command)
@click.argument("name")
@click.pass_obj
def run_now(settings: Settings, *, name: str) -> Exit:
    """Let the feed NAME run now; its schedule does not move."""
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        feed = rowport.services.feeds.run_now(rowport.organization.id, name, by=BY)
    _tell(settings, feed)
    return Exit.FINE


@click.command("pause", cls=Command)
@click.argument("name")
@click.pass_obj
def pause(settings: Settings, *, name: str) -> Exit:
    """Let the feed NAME run by hand only, until it is resumed."""
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        feed = rowport.services.feeds.pause(rowport.organization.id, name, by=BY)
    _tell(settings, feed)
    return Exit.FINE


@click.command("resume", cls=Command)
@click.argument("name")
@click.pass_obj
def resume(settings: Settings, *, name: str) -> Exit:
    """Let the feed NAME be due again; what was due meanwhile is not made up for."""
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        feed = rowport.services.feeds.resume(rowport.organization.id, name)
    _tell(settings, feed)
    return Exit.FINE


@click.command("archive", cls=Command)
@click.argument("name")
@click.pass_obj
def archive(settings: Settings, *, name: str) -> Exit:
    """End the feed NAME; its imports stay."""
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        services, organization_id = rowport.services, rowport.organization.id
        feed = services.feeds.by_name(organization_id, name)
        feed = services.feeds.archive(organization_id, feed.oid)
    _tell(settings, feed)
    return Exit.FINE


def _tell(settings: Settings, feed: Feed) -> None:
    if settings.json:
        emit(feed_resource(feed))
    else:
        say(_headline(feed))


def _headline(feed: Feed) -> str:
    if feed.archived_at is not None:
        when = "ended"
    elif feed.paused_at is not None:
        when = f"paused by {printable(feed.paused_by or 'somebody')}"
    elif feed.next_run_at is not None:
        when = f"due {rfc3339(feed.next_run_at)}"
    else:
        when = "not due; `rowport feed run` runs it"
    name, kind = printable(feed.name), feed.source_kind
    return f"{name}  {kind} -> {printable(feed.type_name)}  {when}"


def _say_run(run: FeedRun) -> None:
    why = f"  {printable(run.reason)}" if run.reason else ""
    asked = f"  asked by {printable(run.asked_by)}" if run.asked_by else ""
    say(f"  {rfc3339(run.slot)}  {run.state}{asked}{why}")
    for file in run.files:
        told = file.import_id or printable(file.reason)
        say(f"    {printable(file.name)}  {file.decision}  {told}")
