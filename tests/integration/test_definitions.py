"""Feeds and imports of their own in the ledger, as one list."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from rowport.bootstrap import Rowport
from rowport.model.errors import Conflict, NotFound
from rowport.model.feeds import ScheduleKind, SourceKind
from rowport.model.imports import ImportOptions
from rowport.model.states import ImportState
from rowport.ports.definitions import ARCHIVED, NEVER_RUN, DefinitionQuery, FileRunQuery
from rowport.ports.faces import NewFeed
from rowport.ports.ledger import Circumstances
from rowport.store.definitions import PostgresDefinitions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rowport.model.feeds import Feed
    from rowport.model.imports import Import
    from rowport.model.organizations import Organization
    from rowport.model.record_types import RecordType

SCHEMA = {"fields": [{"name": "email", "type": "string"}], "primaryKey": "email"}


class World:
    """An organization with one record type, in a database of the test's own."""

    def __init__(self, rowport: Rowport) -> None:
        self.services = rowport.services
        self.database = rowport.database
        self.organization: Organization = self.services.access.ensure_organization("mine", "Mine")
        self.people: RecordType = self.services.record_types.put(
            self.organization, "people", SCHEMA
        )

    def feed(self, name: str, **options: Any) -> Feed:  # noqa: ANN401  NewFeed's
        kinds = {"source_kind": SourceKind.UPLOAD, "schedule_kind": ScheduleKind.PERIODIC}
        made = NewFeed(name=name, record_type_id=self.people.id, **{**kinds, **options})
        return self.services.feeds.create(self.organization.id, made)

    def send(self, name: str = "p.csv", feed: Feed | None = None) -> Import:
        return self.services.imports.create(
            self.organization.id,
            "people",
            file_name=name,
            parts=iter([b"email\na@example.com\n"]),
            options=ImportOptions(),
            around=Circumstances(feed_id=feed.id if feed else None),
        )

    def names(self, **query: Any) -> list[str]:  # noqa: ANN401  DefinitionQuery's
        asked = DefinitionQuery(type_ids=[self.people.id], **query)
        found, total = self.services.definitions.find(self.organization.id, asked)
        assert total == len(found)
        return [definition.name for definition in found]


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    with Rowport(home=tmp_path, database_url=database_url) as opened:
        opened.migrate()
        yield World(opened)


def test_feeds_and_imports_of_their_own_are_one_list_newest_first(world: World) -> None:
    feed = world.feed("nightly")
    world.send(feed=feed)
    own = world.send()
    asked = DefinitionQuery(type_ids=[world.people.id])
    (first, second), total = world.services.definitions.find(world.organization.id, asked)
    assert total == 2
    assert (first.feed, first.own.id, first.name) == (None, own.id, f"p.csv ({own.oid})")
    assert second.feed == feed
    with pytest.raises(ValueError, match="without a feed"):
        _ = second.own


def test_a_feed_shows_its_newest_run(world: World) -> None:
    feed = world.feed("nightly")
    world.send("1.csv", feed)
    newest = world.send("2.csv", feed)
    asked = DefinitionQuery(type_ids=[world.people.id], oid=feed.oid)
    (found,), _ = world.services.definitions.find(world.organization.id, asked)
    assert found.last_run
    assert found.last_run.id == newest.id


def test_a_page_beyond_the_last_is_empty_and_knows_the_total(world: World) -> None:
    world.feed("a")
    world.feed("b")
    asked = DefinitionQuery(type_ids=[world.people.id], limit=1, offset=1)
    (found,), total = world.services.definitions.find(world.organization.id, asked)
    assert (found.name, total) == ("a", 2)
    beyond = DefinitionQuery(type_ids=[world.people.id], limit=1, offset=2)
    assert world.services.definitions.find(world.organization.id, beyond) == ([], 2)


def test_the_total_is_right_also_while_most_of_it_is_remembered(world: World) -> None:
    asked = DefinitionQuery(type_ids=[world.people.id])

    def total() -> int:
        return world.services.definitions.find(world.organization.id, asked)[1]

    old = world.send()
    with world.database.transaction() as tx:
        tx.connection.execute(
            "UPDATE rowport.imports SET created_at = created_at - interval '1 hour' WHERE id = %s",
            (old.id,),
        )
    assert total() == 1
    world.send()
    feed = world.feed("nightly")
    world.send(feed=feed)
    assert total() == 3


def test_what_is_remembered_of_a_total_is_counted_anew_after_ten_seconds(world: World) -> None:
    now_s = 0.0
    definitions = PostgresDefinitions(clock=lambda: now_s)
    asked = DefinitionQuery(type_ids=[world.people.id])

    def total() -> int:
        with world.database.tenant(world.organization.id) as tx:
            return definitions.find(tx, world.organization.id, asked)[1]

    assert total() == 0
    late = world.send()
    with world.database.transaction() as tx:
        tx.connection.execute(
            "UPDATE rowport.imports SET created_at = created_at - interval '1 hour' WHERE id = %s",
            (late.id,),
        )
    assert total() == 0  # nothing is made in the past, but for this test
    now_s = 10.0
    assert total() == 1


def test_each_filter_holds(world: World) -> None:
    world.feed("nightly", source_kind=SourceKind.S3)
    once = world.feed("once", schedule_kind=ScheduleKind.ONCE)
    gone = world.feed("gone", source_kind=SourceKind.SFTP)
    world.services.feeds.archive(world.organization.id, gone.oid)
    own = world.send()
    assert world.names(oid=once.oid) == ["once"]
    assert world.names(name="nightly") == ["nightly"]
    assert world.names(name="p.csv") == world.names(name=f"p.csv ({own.oid})")
    assert world.names(name="P.csv") == []
    assert world.names(source_kinds=frozenset({SourceKind.S3})) == ["nightly"]
    assert world.names(source_kinds=frozenset({SourceKind.SFTP})) == ["gone"]
    assert len(world.names(schedule_kinds=frozenset({ScheduleKind.ONCE}))) == 2
    assert world.names(fates=frozenset({ARCHIVED})) == ["gone"]
    assert world.names(fates=frozenset({NEVER_RUN})) == ["once", "nightly"]
    assert len(world.names(fates=frozenset({"reading"}))) == 1


def test_a_definition_is_found_by_the_time_of_its_files_else_by_its_own(world: World) -> None:
    begun = datetime.now(UTC)
    feed = world.feed("nightly")
    hour = timedelta(hours=1)
    assert world.names(since=begun - hour, until=begun + hour) == ["nightly"]
    assert world.names(since=begun + hour, until=begun + 2 * hour) == []
    run = world.send(feed=feed)
    own = world.send()
    day = datetime(2026, 1, 2, tzinfo=UTC)
    with world.database.transaction() as tx:
        tx.connection.execute(
            "UPDATE rowport.imports SET scheduled_for = %s WHERE id = ANY (%s)",
            (day, [run.id, own.id]),
        )
    assert len(world.names(since=day, until=day + hour)) == 2
    assert world.names(since=day - hour, until=day) == []


def test_another_organization_has_other_definitions(world: World) -> None:
    feed = world.feed("nightly")
    foreign = world.services.access.ensure_organization("foreign", "Foreign")
    asked = DefinitionQuery(type_ids=[world.people.id], oid=feed.oid)
    assert world.services.definitions.find(foreign.id, asked) == ([], 0)
    assert world.services.definitions.files(foreign.id, FileRunQuery(feed_id=feed.id)) == ([], 0)


def test_the_files_of_a_feed_are_those_of_all_its_runs(world: World) -> None:
    feed = world.feed("nightly")
    world.send("1.csv", feed)
    world.send("2.csv", feed)
    world.send("other.csv")
    asked = FileRunQuery(feed_id=feed.id)
    found, total = world.services.definitions.files(world.organization.id, asked)
    assert ([file.name for file in found], total) == (["2.csv", "1.csv"], 2)
    assert found[0].state is ImportState.READING
    assert (found[0].size_bytes, found[0].counts.total, found[0].error) == (20, 0, None)


def test_a_feed_runs_its_last_file_again_and_its_schedule_stays(world: World) -> None:
    feed = world.feed("nightly", next_run_at=datetime(2030, 1, 1, tzinfo=UTC))
    first = world.send("1.csv", feed)
    world.services.imports.cancel(world.organization.id, first.id)
    again = world.services.definitions.run_again(feed)
    assert again.feed_oid == feed.oid
    assert [file.sha256 for file in again.files] == [file.sha256 for file in first.files]
    assert again.files[0].blob != first.files[0].blob
    assert world.services.feeds.by_oid(world.organization.id, feed.oid) == feed


def test_a_feed_asked_to_run_by_many_at_once_runs_once(world: World) -> None:
    feed = world.feed("nightly")
    run = world.send(feed=feed)
    world.services.imports.cancel(world.organization.id, run.id)

    def ask(_: int) -> str:
        try:
            return str(world.services.definitions.run_again(feed).state)
        except Conflict as refused:
            return refused.message[:28]

    with ThreadPoolExecutor(max_workers=4) as pool:
        said = sorted(pool.map(ask, range(4)))
    assert said == ["The feed is running already:"] * 3 + ["reading"]


def test_a_feed_that_cannot_run_again_says_why(world: World) -> None:
    fetched = world.feed("fetched", source_kind=SourceKind.S3)
    with pytest.raises(Conflict, match="feed fetched are fetched"):
        world.services.definitions.run_again(fetched)
    feed = world.feed("nightly")
    with pytest.raises(Conflict, match="no file yet"):
        world.services.definitions.run_again(feed)
    run = world.send(feed=feed)
    with pytest.raises(Conflict, match="running already"):
        world.services.definitions.run_again(feed)
    world.services.imports.cancel(world.organization.id, run.id)
    world.services.imports.blobs.delete(f"imports/{run.id}/")
    with pytest.raises(Conflict, match="not kept"):
        world.services.definitions.run_again(feed)
    with world.database.transaction() as tx:
        tx.connection.execute("UPDATE rowport.imports SET feed_id = NULL")
        tx.connection.execute("DELETE FROM rowport.feeds")
    with pytest.raises(NotFound):
        world.services.definitions.run_again(feed)
