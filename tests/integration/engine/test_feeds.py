"""Feeds: files that are found, decided on, fetched and imported, each once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from rowport.model.errors import Conflict, InvalidOptions, SourceRefused, Unavailable
from rowport.model.feeds import Decision, Feed, FeedRun, RunState
from rowport.model.states import ImportState
from rowport.sources.folder import OpenFolder
from rowport.wire.feed_documents import feed_resource, read_feed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.integration.engine.conftest import Engine

    from rowport.model.imports import Import
    from rowport.ports.sourcing import FoundFile

PEOPLE = b"email,name,age\na@x,Ann,1\nb@x,Bob,2\n"


class Feeder:
    """A feed of a folder, and what a worker does for it."""

    def __init__(self, engine: Engine, root: Path) -> None:
        self.engine = engine
        self.root = root
        engine.put()

    def put(self, name: str = "people", **said: Any) -> Feed:  # noqa: ANN401  a document's
        source = {"kind": "folder", "path": str(self.root), **said.pop("source", {})}
        document = {"type": "people", "source": source, "settle_s": 0, **said}
        services, organization = self.engine.rowport.services, self.engine.rowport.organization
        return services.feeds.put(organization.id, name, read_feed(document))

    def drop(self, name: str, content: bytes = PEOPLE) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def ask(self, name: str = "people") -> None:
        services, organization = self.engine.rowport.services, self.engine.rowport.organization
        services.feeds.run_now(organization.id, name, by="ann")

    def tick(self) -> None:
        """Do what a worker does every two seconds, as if all time had passed."""
        feeding = self.engine.works.feeding
        feeding.start_due()
        self.engine.sql(
            "UPDATE rowport.feed_runs SET run_after = '-infinity', busy_until = NULL "
            "WHERE state = 'open'"
        )
        for run_id in feeding.waiting():
            feeding.go_on(run_id)

    def run(self, name: str = "people") -> FeedRun:
        """Ask for a run and carry it to its end."""
        self.ask(name)
        for _ in range(20):
            self.tick()
            run = self.runs(name)[0]
            if run.state is not RunState.OPEN:
                return run
        raise AssertionError(self.runs(name))

    def feed(self, name: str = "people") -> Feed:
        services, organization = self.engine.rowport.services, self.engine.rowport.organization
        return services.feeds.by_name(organization.id, name)

    def runs(self, name: str = "people") -> list[FeedRun]:
        return list(self.engine.rowport.services.feeds.runs(self.feed(name)))

    def work(self, run: FeedRun) -> list[Import]:
        """Carry the imports of a run to their end."""
        ids = dict.fromkeys(file.import_id for file in run.files if file.import_id)
        services, organization = self.engine.rowport.services, self.engine.rowport.organization
        found = [services.imports.get(organization.id, UUID(each)) for each in ids]
        return [self.engine.work(job) for job in found]

    def due(self, name: str = "people") -> None:
        """Let its time have come."""
        self.engine.sql(
            "UPDATE rowport.feeds SET next_run_at = clock_timestamp() - interval '1 hour' "
            "WHERE name = %(name)s",
            name=name,
        )


@pytest.fixture
def feeder(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Feeder:
    root = tmp_path / "in"
    root.mkdir()
    monkeypatch.setenv("ROWPORT_SOURCE_FOLDERS", str(tmp_path))
    return Feeder(engine, root)


def decisions(run: FeedRun) -> dict[str, Decision]:
    return {file.name: file.decision for file in run.files}


def test_new_files_become_one_import_and_are_known_afterwards(feeder: Feeder) -> None:
    feeder.put()
    feeder.drop("a.csv")
    feeder.drop("b.csv", b"name,email,age\nCid,c@x,3\n")
    run = feeder.run()
    assert (run.state, run.asked_by) == (RunState.DONE, "ann")
    [done] = feeder.work(run)
    assert (done.state, done.counts.created) == (ImportState.COMPLETED, 3)
    assert [file.name for file in done.files] == ["a.csv", "b.csv"]
    assert done.feed_oid == feeder.feed().oid
    again = feeder.run()
    assert again.state is RunState.NOTHING
    assert decisions(again) == {"a.csv": Decision.KNOWN, "b.csv": Decision.KNOWN}
    assert str(done.id) in again.files[0].reason
    feeder.drop("a.csv", PEOPLE + b"d@x,Dan,4\n")
    feeder.drop("new.csv", b"email,name,age\ne@x,Eve,5\n")
    third = feeder.run()
    assert decisions(third) == {
        "b.csv": Decision.KNOWN,
        "a.csv": Decision.TAKEN,
        "new.csv": Decision.TAKEN,
    }
    [done] = feeder.work(third)
    assert (done.counts.created, done.counts.unchanged) == (2, 2)


def test_each_file_can_be_an_import_of_its_own(feeder: Feeder) -> None:
    feeder.put(files="each")
    feeder.drop("a.csv")
    feeder.drop("b.csv", b"no table\x00")
    feeder.drop("c.csv", b"email,name,age\nc@x,Cid,3\n")
    done = feeder.work(feeder.run())
    assert [job.state for job in done] == [
        ImportState.COMPLETED,
        ImportState.FAILED,
        ImportState.COMPLETED,
    ]


def test_by_name_a_file_is_imported_once_whatever_it_holds_later(feeder: Feeder) -> None:
    feeder.put(once_by="name")
    feeder.drop("a.csv")
    feeder.work(feeder.run())
    feeder.drop("a.csv", PEOPLE + b"d@x,Dan,4\n")
    assert decisions(feeder.run()) == {"a.csv": Decision.KNOWN}


def test_by_content_the_same_bytes_are_imported_once(feeder: Feeder) -> None:
    feeder.put(once_by="content")
    feeder.drop("a.csv")
    feeder.drop("twin.csv")
    run = feeder.run()
    assert sorted(decisions(run).values()) == [Decision.KNOWN, Decision.TAKEN]
    feeder.work(run)
    feeder.drop("other.csv")
    run = feeder.run()
    assert run.state is RunState.NOTHING
    assert decisions(run)["other.csv"] is Decision.KNOWN
    states = feeder.engine.sql("SELECT state FROM rowport.imports ORDER BY created_at")
    assert [row["state"] for row in states] == ["completed", "canceled"]


def test_a_file_that_is_still_written_is_left_until_it_is_stable(feeder: Feeder) -> None:
    feeder.put(settle_s=1)
    feeder.drop("a.csv", b"email,name")
    feeder.ask()
    feeder.tick()
    [run] = feeder.runs()
    assert (run.state, decisions(run)) == (RunState.OPEN, {"a.csv": Decision.UNSETTLED})
    feeder.drop("a.csv")
    feeder.tick()
    assert decisions(feeder.runs()[0]) == {"a.csv": Decision.UNSETTLED}
    feeder.tick()
    [run] = feeder.runs()
    assert (run.state, decisions(run)) == (RunState.DONE, {"a.csv": Decision.TAKEN})
    [done] = feeder.work(run)
    assert done.counts.created == 2


def test_a_file_that_never_rests_is_left_for_the_next_run(feeder: Feeder) -> None:
    feeder.put(settle_s=1)
    feeder.drop("still.csv")
    feeder.ask()
    for number in range(10):
        feeder.drop("a.csv", PEOPLE + b"x" * number)
        feeder.tick()
    [run] = feeder.runs()
    assert decisions(run) == {"still.csv": Decision.TAKEN, "a.csv": Decision.UNSETTLED}
    assert run.state is RunState.DONE


def test_only_files_with_their_marker_are_taken(feeder: Feeder) -> None:
    feeder.put(marker=".done", source={"pattern": "*.csv"})
    feeder.drop("a.csv")
    feeder.drop("b.csv")
    feeder.drop("b.csv.done", b"")
    assert decisions(feeder.run()) == {"a.csv": Decision.UNMARKED, "b.csv": Decision.TAKEN}


def test_files_go_where_they_are_put_afterwards(feeder: Feeder) -> None:
    feeder.put(after={"do": "move", "folder": "done"}, source={"pattern": "*.csv"})
    feeder.drop("a.csv")
    feeder.work(feeder.run())
    assert (feeder.root / "done/a.csv").read_bytes() == PEOPLE
    feeder.put(after={"do": "delete"})
    feeder.drop("b.csv")
    feeder.work(feeder.run())
    assert not list(feeder.root.glob("*.csv"))


def test_more_files_than_a_run_takes_are_the_next_one_s(feeder: Feeder) -> None:
    feeder.put(most_files=2)
    for number in range(3):
        feeder.drop(f"{number}.csv", b"email,name,age\n%d@x,N,1\n" % number)
    run = feeder.run()
    assert sorted(decisions(run).values()) == [Decision.LATER, Decision.TAKEN, Decision.TAKEN]
    feeder.work(run)
    assert feeder.run().state is RunState.DONE


def test_an_empty_file_and_an_empty_folder_make_no_import(feeder: Feeder) -> None:
    feeder.put()
    assert feeder.run().state is RunState.NOTHING
    feeder.drop("a.csv", b"")
    run = feeder.run()
    assert (run.state, run.files[0].reason) == (RunState.NOTHING, "It holds no byte.")


def test_one_run_for_each_moment_however_many_workers_there_are(
    feeder: Feeder, new_engine: Callable[[], Engine]
) -> None:
    feeder.put(schedule={"every": "hour"})
    feeder.drop("a.csv")
    feeder.due()
    others = [new_engine() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: one.works.feeding.start_due(), others))
        [waiting] = others[0].works.feeding.waiting()
        list(pool.map(lambda one: one.works.feeding.go_on(waiting), others))
    [run] = feeder.runs()
    assert (run.state, run.asked_by) == (RunState.DONE, None)
    assert len(feeder.work(run)) == 1
    assert feeder.engine.sql("SELECT count(*) FROM rowport.imports")[0]["count"] == 1
    due = feeder.feed().next_run_at
    assert due is not None
    assert due > run.created_at  # what was missed meanwhile is not made up for


def test_a_run_that_is_due_while_another_is_under_way_is_skipped_with_its_reason(
    feeder: Feeder,
) -> None:
    feeder.put(schedule={"cron": "0 * * * *"})
    feeder.drop("a.csv")
    first = feeder.run()
    with pytest.raises(Conflict, match="busy with its import"):
        feeder.ask()
    feeder.due()
    feeder.tick()
    skipped = next(run for run in feeder.runs() if run.state is RunState.SKIPPED)
    assert "busy with its import" in (skipped.reason or "")
    feeder.work(first)
    assert feeder.run().state is RunState.NOTHING


def test_a_paused_feed_is_not_due_and_an_ended_one_does_not_run(feeder: Feeder) -> None:
    feeder.put(schedule={"every": "day"})
    services, organization = feeder.engine.rowport.services, feeder.engine.rowport.organization
    services.feeds.pause(organization.id, "people", by="ann")
    feeder.due()
    feeder.tick()
    assert feeder.runs() == []
    assert feed_resource(feeder.feed())["next_run_at"] is None
    resumed = services.feeds.resume(organization.id, "people")
    assert resumed.next_run_at is not None
    services.feeds.archive(organization.id, resumed.oid)
    feeder.due()
    feeder.tick()
    assert feeder.runs() == []
    with pytest.raises(Conflict, match="ended"):
        feeder.ask()


@contextmanager
def reading(read: Callable[..., Iterator[bytes]]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(OpenFolder, "read", read)
        yield


def test_a_source_that_dies_is_waited_for_and_its_import_says_so(feeder: Feeder) -> None:
    feeder.put()
    feeder.drop("a.csv")
    feeder.drop("b.csv", b"email,name,age\nc@x,Cid,3\n")
    whole = OpenFolder.read

    def dies(self: OpenFolder, file: FoundFile) -> Iterator[bytes]:
        if file.name == "b.csv":
            yield b"email,na"
            raise Unavailable("The source does not answer.")
        yield from whole(self, file)

    feeder.ask()
    with reading(dies):
        for _ in range(8):  # as long as it takes: nothing is used up
            feeder.tick()
    [run] = feeder.runs()
    assert (run.state, run.reason) == (RunState.OPEN, "The source does not answer.")
    services, organization = feeder.engine.rowport.services, feeder.engine.rowport.organization
    job = services.imports.get(organization.id, UUID(run.files[0].import_id or ""))
    assert (job.state, [file.name for file in job.files]) == (ImportState.RECEIVING, ["a.csv"])
    [told] = feeder.engine.sql("SELECT waiting FROM rowport.imports")
    assert told["waiting"] == "The source does not answer."
    feeder.tick()
    [done] = feeder.work(feeder.runs()[0])
    assert (done.state, done.counts.created) == (ImportState.COMPLETED, 3)


def test_a_source_that_refuses_ends_the_run_and_its_import(feeder: Feeder) -> None:
    feeder.put()
    feeder.drop("a.csv")

    def refuses(_: OpenFolder, file: FoundFile) -> Iterator[bytes]:
        yield b"email"
        raise SourceRefused(f"{file.name} must not be read.")

    with reading(refuses):
        run = feeder.run()
    assert (run.state, run.reason) == (RunState.FAILED, "a.csv must not be read.")
    [failed] = feeder.work(run)
    assert failed.state is ImportState.FAILED
    assert failed.error is not None
    assert failed.error.code == "source_refused"
    assert feeder.run().state is RunState.DONE  # it was not taken, so it is there still


def test_a_file_that_changes_while_it_is_read_is_the_next_run_s(feeder: Feeder) -> None:
    feeder.put()
    feeder.drop("a.csv")
    whole = OpenFolder.read

    def changes(self: OpenFolder, file: FoundFile) -> Iterator[bytes]:
        for block in whole(self, file):
            feeder.drop("a.csv", PEOPLE + b"d@x,Dan,4\n")
            yield block

    with reading(changes):
        run = feeder.run()
    assert (run.state, decisions(run)) == (RunState.NOTHING, {"a.csv": Decision.CHANGED})
    [done] = feeder.work(feeder.run())
    assert done.counts.created == 3


def test_a_run_whose_worker_died_is_taken_over_and_the_dead_one_changes_nothing(
    feeder: Feeder, new_engine: Callable[[], Engine]
) -> None:
    feeder.put(files="each", after={"do": "delete"})
    feeder.drop("a.csv")
    feeder.drop("b.csv", b"email,name,age\nc@x,Cid,3\n")
    whole = OpenFolder.read
    other = new_engine()

    def slow(self: OpenFolder, file: FoundFile) -> Iterator[bytes]:
        if file.name == "b.csv":
            with reading(whole):
                feeder.engine.sql("UPDATE rowport.feed_runs SET busy_until = '-infinity'")
                [waiting] = other.works.feeding.waiting()
                other.works.feeding.go_on(waiting)
        yield from whole(self, file) if file.name == "a.csv" else (b"too late",)

    feeder.ask()
    with reading(slow):
        feeder.tick()
    [run] = feeder.runs()
    assert (run.state, run.attempt) == (RunState.DONE, 2)
    assert [job.counts.created for job in feeder.work(run)] == [2, 1]
    assert not list(feeder.root.iterdir())


def test_a_canceled_import_ends_its_run(feeder: Feeder) -> None:
    feeder.put()
    feeder.drop("a.csv")
    feeder.drop("b.csv", b"email,name,age\nc@x,Cid,3\n")
    whole = OpenFolder.read

    def canceled(self: OpenFolder, file: FoundFile) -> Iterator[bytes]:
        yield from whole(self, file)
        if file.name == "a.csv":
            [job] = feeder.engine.sql("SELECT id FROM rowport.imports")
            organization = feeder.engine.rowport.organization
            feeder.engine.rowport.services.imports.cancel(organization.id, job["id"])

    with reading(canceled):
        run = feeder.run()
    assert (run.state, run.reason) == (RunState.FAILED, "Its import was canceled.")


def test_secrets_are_encrypted_and_never_told(
    feeder: Feeder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ROWPORT_OUTBOUND_ALLOW", "127.0.0.1:9")
    canary = "canary-9f31"
    source = {
        "kind": "s3",
        "bucket": "inbox",
        "access_key_id": "AKIA",
        "secret_access_key": canary,
        "endpoint": "http://127.0.0.1:9",
    }
    services, organization = feeder.engine.rowport.services, feeder.engine.rowport.organization
    document = {"type": "people", "source": source}
    feed = services.feeds.put(organization.id, "s3", read_feed(document))
    assert canary not in json.dumps(feed_resource(feed), default=str)
    feeder.ask("s3")
    feeder.tick()
    [run] = feeder.runs("s3")
    assert run.state is RunState.OPEN
    assert "does not answer" in (run.reason or "")
    kept = feeder.engine.sql(
        "SELECT f.*::text AS t FROM rowport.feeds AS f UNION ALL "
        "SELECT r.*::text FROM rowport.feed_runs AS r UNION ALL "
        "SELECT j.*::text FROM rowport_jobs.procrastinate_jobs AS j"
    )
    assert kept
    assert not [row for row in kept if canary in row["t"] or canary.encode().hex() in row["t"]]
    left = {key: value for key, value in source.items() if key != "secret_access_key"}
    changed = services.feeds.put(
        organization.id, "s3", read_feed({"type": "people", "source": left, "settle_s": 3})
    )
    vault = feeder.engine.rowport.vault()
    assert vault.unlock(changed.secrets, organization.id, "feed/s3") == {
        "secret_access_key": canary
    }
    assert (tmp_path / "home/secret.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("document", "what"),
    [
        ({"source": {"kind": "ftp"}}, "kind is one of"),
        ({"source": {"kind": "folder"}}, "path"),
        ({"source": {"kind": "folder", "path": "/etc"}}, "ROWPORT_SOURCE_FOLDERS"),
        ({"schedule": {"cron": "nonsense"}}, "cron"),
        ({"policy": "some"}, "policy"),
        ({"colour": 1}, "colour"),
        ({"settle_s": -1}, "settle_s"),
        ({"most_files": 0}, "most_files"),
        ({"mapping": {"Mail": "post"}}, "post"),
        (
            {"source": {"kind": "url", "url": "https://x.org/a"}, "after": {"do": "delete"}},
            "after",
        ),
    ],
)
def test_a_feed_that_cannot_be_is_refused_with_its_reason(
    feeder: Feeder, document: dict[str, Any], what: str
) -> None:
    services, organization = feeder.engine.rowport.services, feeder.engine.rowport.organization
    folder = {"kind": "folder", "path": str(feeder.root)}

    def put() -> object:
        wanted = read_feed({"type": "people", "source": folder, **document})
        return services.feeds.put(organization.id, "x", wanted)

    with pytest.raises(InvalidOptions, match=what):
        put()
