"""Runs of feeds: look for files, decide, fetch them, and hand them to an import.

Every step is written down before the next one begins, and each may be repeated: a run whose worker
died is taken over by another.  An outage of the source uses nothing up: the run waits.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from rowport.engine.feed_files import decide, grouped, is_unsettled
from rowport.engine.schedules import next_after, read_schedule
from rowport.engine.sourcing import is_wanted
from rowport.model.errors import RowportError, SourceChanged, SourceRefused, Unavailable
from rowport.model.feeds import AfterRead, Decision, OnceBy, RunState
from rowport.model.ids import new_uuid
from rowport.model.imports import ImportFault, Priority
from rowport.model.states import ImportState, Phase
from rowport.ports.faces import TakenFile
from rowport.ports.ledger import Circumstances, ImportRef, NewFile
from rowport.ports.sourcing import FoundFile
from rowport.service.feeds import owner_of
from rowport.service.imports import defer_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rowport.model.feeds import Feed, FeedRun, FileDecision, SourceKind
    from rowport.model.imports import ImportFile
    from rowport.ports import BlobStore, Queue, Transaction
    from rowport.ports.ledger import Ledger
    from rowport.ports.sourcing import OpenSource, Source
    from rowport.service.vault import Vault

BUSY_FOR: Final = timedelta(seconds=60)
HOLD_EACH_S: Final = 5.0
MOST_LOOKS: Final = 6
"""Files that still change then are the next run's."""
FIRST_WAIT_S: Final = 2
LONGEST_WAIT_S: Final = 20
AT_ONCE: Final = 50


class Superseded(Exception):
    """The run is another worker's now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feeding:
    """Carries out what feeds are due for."""

    ledger: Ledger
    sources: Callable[[], Mapping[SourceKind, Source]]
    vault: Callable[[], Vault]
    blobs: BlobStore
    queue: Queue

    def start_due(self) -> None:
        """Begin a run of each feed that is due; what was missed meanwhile is one run."""
        with self.ledger.database.transaction() as tx:
            for feed in self.ledger.feeds.due(tx, limit=AT_ONCE):
                slot = feed.next_run_at
                if slot is None:
                    continue
                now = max(slot, datetime.now(UTC))
                schedule = read_schedule(feed.schedule, now)
                self.ledger.feeds.set_next(tx, feed, next_after(schedule, now))
                if (what := self.ledger.feeds.busy_with(tx, feed)) is not None:
                    reason = f"It was due while the feed was busy with {what}."
                    self.ledger.feeds.skip_run(tx, feed, slot, reason)
                else:
                    self.ledger.feeds.open_run(tx, feed, slot)

    def waiting(self) -> Sequence[UUID]:
        """Give the runs that somebody should go on with."""
        with self.ledger.database.transaction() as tx:
            return self.ledger.feeds.waiting_runs(tx, limit=AT_ONCE)

    def go_on(self, run_id: UUID) -> None:
        """Carry a run as far as it goes now.

        Raises:
            Unavailable: the database or the blob store does not answer.
        """
        with self.ledger.database.transaction() as tx:
            run = self.ledger.feeds.claim_run(tx, run_id, busy_for=BUSY_FOR)
            if run is None:
                return
            feed = self.ledger.feeds.by_oid(tx, run.organization_id, run.feed_oid)
        if feed is None:
            return
        try:
            self._carry(feed, run)
        except Superseded:
            return
        except SourceDown as error:
            self._wait(run, str(error))
        except RowportError as error:
            if error.transient:
                self._wait(run, error.message)
            else:
                self._fail(run, error)

    # ------------------------------------------------------------------------------ the steps

    def _carry(self, feed: Feed, run: FeedRun) -> None:
        if feed.archived_at is not None:
            raise SourceRefused("The feed was ended.")
        source = self.sources()[feed.source_kind]
        secrets = self.vault().unlock(feed.secrets, feed.organization_id, owner_of(feed.name))
        settings = {**feed.source, **secrets}
        if feed.rules.marker:
            settings["pattern"] = "*"  # markers have names of their own
        with _reached(source, settings) as opened:
            files = run.files
            if not any(file.import_id for file in files):
                files = self._look(feed, run, source, opened)
                if is_unsettled(files) and run.looks + 1 < MOST_LOOKS:
                    wait = timedelta(seconds=feed.rules.settle_s)
                    self._note(run, files, "Files must not change for a while.", again_in=wait)
                    return
                files = grouped(feed.rules, files, new_uuid)
                self._keep(run, files)
            files = self._fetch(feed, run, files, opened)
            self._set_aside(feed, files, opened)
        taken = any(file.decision is Decision.TAKEN for file in files)
        self._note(run, files, state=RunState.DONE if taken else RunState.NOTHING)

    def _look(
        self, feed: Feed, run: FeedRun, source: Source, opened: OpenSource
    ) -> tuple[FileDecision, ...]:
        """Say of each file that is there what is to become of it."""
        with _source_s():
            shown = list(opened.files())
        pattern = str(feed.source.get("pattern", "*"))
        marker = feed.rules.marker
        found = [f for f in shown if is_wanted(f.name, pattern) and not _ends(f.name, marker)]
        with self.ledger.database.tenant(feed.organization_id) as tx:
            known = self.ledger.feeds.known_files(tx, feed, [file.name for file in found])
        before = {file.name: file.version for file in run.files}
        return decide(
            feed.rules,
            found,
            known,
            before if source.shows_half_files else None,
            [file.name for file in shown],
        )

    def _fetch(
        self, feed: Feed, run: FeedRun, files: tuple[FileDecision, ...], opened: OpenSource
    ) -> tuple[FileDecision, ...]:
        """Bring the files of each import here, and let it be read."""
        fates = {file.name: file for file in files}
        ids = dict.fromkeys(f.import_id for f in files if f.decision is Decision.TAKEN)
        for import_id in ids:
            ref = ImportRef(organization_id=feed.organization_id, import_id=UUID(import_id))
            mine = [file for file in files if file.import_id == import_id]
            if self._begin(feed, run, ref, mine):
                for file in mine:
                    fates[file.name] = self._fetch_one(feed, run, ref, file, opened)
                kept = [fates[file.name] for file in mine]
                self._send_off(feed, run, ref, kept)
        return tuple(fates.values())

    def _begin(
        self, feed: Feed, run: FeedRun, ref: ImportRef, files: Sequence[FileDecision]
    ) -> bool:
        """Make the import, if it is not made yet; tells whether it still waits for files."""
        with self.ledger.database.transaction() as tx:
            self._hold(tx, run)
            job = self.ledger.imports.get(tx, ref)
            if job is not None:
                return job.state is ImportState.RECEIVING
            record_type = self.ledger.record_types.find(tx, ref.organization_id, feed.type_name)
            if record_type is None:
                raise SourceRefused(f"The record type {feed.type_name} is gone.")
            one = files[0].name if len(files) == 1 else f"{len(files):,} files"
            self.ledger.imports.create(
                tx,
                record_type,
                import_id=ref.import_id,
                options=replace(feed.options, mapping=feed.mapping),
                state=ImportState.RECEIVING,
                phase=Phase.FETCHING,
                files=[],
                around=Circumstances(
                    name=f"{feed.name}: {one}",
                    feed_id=feed.id,
                    attributes=feed.attributes,
                    scheduled_for=run.slot,
                ),
            )
        return True

    def _fetch_one(
        self, feed: Feed, run: FeedRun, ref: ImportRef, file: FileDecision, opened: OpenSource
    ) -> FileDecision:
        with self.ledger.database.transaction() as tx:
            job = self.ledger.imports.get(tx, ref)
        if job is None or job.state is not ImportState.RECEIVING:
            raise SourceRefused("Its import was canceled.")
        if any(landed.name == file.name for landed in job.files):
            return file
        blob = f"imports/{ref.import_id}/{new_uuid()}"
        found = FoundFile(name=file.name, size_bytes=file.size_bytes, version=file.version)
        try:
            size, sha256 = self.blobs.write(blob, self._held(run, opened.read(found)))
        except SourceChanged as error:
            return replace(file, decision=Decision.CHANGED, reason=error.message, import_id=None)
        with self.ledger.database.transaction() as tx:
            self._hold(tx, run)
            twin = self._twin(tx, feed, job.files, sha256)
            if size and twin is None:
                if self.ledger.imports.lock(tx, ref) is not ImportState.RECEIVING:
                    raise SourceRefused("Its import was canceled.")
                landed = NewFile(
                    name=file.name, media_type=None, size_bytes=size, sha256=sha256, blob=blob
                )
                self.ledger.imports.add_file(tx, ref, landed)
                return replace(file, size_bytes=size)
        self.blobs.delete(blob)
        reason = f"Its bytes are those of {twin}." if size else "It holds no byte."
        return replace(file, decision=Decision.KNOWN, reason=reason, import_id=None)

    def _twin(
        self, tx: Transaction, feed: Feed, files: Sequence[ImportFile], sha256: str
    ) -> str | None:
        """Say where the same bytes were before, for feeds that ask for that."""
        if feed.rules.once_by is not OnceBy.CONTENT:
            return None
        for file in files:
            if file.sha256 == sha256:
                return file.name
        earlier = self.ledger.feeds.known_content(tx, feed, sha256)
        return None if earlier is None else f"a file of import {earlier}"

    def _send_off(
        self, feed: Feed, run: FeedRun, ref: ImportRef, files: Sequence[FileDecision]
    ) -> None:
        """Let the import be read, and its files be known: both or neither."""
        with self.ledger.database.transaction() as tx:
            self._hold(tx, run)
            if self.ledger.imports.lock(tx, ref) is not ImportState.RECEIVING:
                return
            job = self.ledger.imports.get(tx, ref)
            landed = {file.name: file for file in job.files} if job else {}
            move = self.ledger.imports.move
            if not landed:
                move(tx, ref, ImportState.RECEIVING, ImportState.CANCELED, by="the feed")
                return
            for file in files:
                if file.name in landed:
                    taken = TakenFile(
                        name=file.name,
                        version=file.version or "",
                        size_bytes=landed[file.name].size_bytes,
                        sha256=landed[file.name].sha256,
                        import_id=ref.import_id,
                    )
                    self.ledger.feeds.take_file(tx, feed, taken)
            move(tx, ref, ImportState.RECEIVING, ImportState.READING, phase=Phase.READING)
            size = sum(file.size_bytes for file in landed.values())
            defer_plan(self.ledger, self.queue, tx, ref, Priority.NORMAL, size)

    def _set_aside(self, feed: Feed, files: Sequence[FileDecision], opened: OpenSource) -> None:
        """Move or delete what is here now."""
        if feed.rules.after is AfterRead.NONE:
            return
        for file in files:
            if file.decision is Decision.TAKEN:
                found = FoundFile(name=file.name, size_bytes=file.size_bytes, version=file.version)
                with _source_s():
                    opened.set_aside(found, feed.rules.after, feed.rules.after_folder.strip("/"))

    # ------------------------------------------------------------------------- what is written

    def _held(self, run: FeedRun, parts: Iterator[bytes]) -> Iterator[bytes]:
        """Pass the bytes on, and go on holding the run meanwhile."""
        held_at = time.monotonic()
        with _source_s():
            for part in parts:
                yield part
                if time.monotonic() - held_at > HOLD_EACH_S:
                    with self.ledger.database.transaction() as tx:
                        self._hold(tx, run)
                    held_at = time.monotonic()

    def _hold(self, tx: Transaction, run: FeedRun) -> None:
        if not self.ledger.feeds.hold_run(tx, run, busy_for=BUSY_FOR):
            raise Superseded

    def _keep(self, run: FeedRun, files: Sequence[FileDecision]) -> None:
        """Write the decisions down without letting go."""
        with self.ledger.database.transaction() as tx:
            if self.ledger.feeds.note_run(tx, run, files=files) is None:
                raise Superseded
            self._hold(tx, run)

    def _note(
        self,
        run: FeedRun,
        files: Sequence[FileDecision],
        reason: str | None = None,
        *,
        state: RunState = RunState.OPEN,
        again_in: timedelta | None = None,
    ) -> None:
        with self.ledger.database.transaction() as tx:
            self.ledger.feeds.note_run(
                tx, run, files=files, reason=reason, state=state, again_in=again_in
            )

    def _wait(self, run: FeedRun, why: str) -> None:
        """Try again by itself; its import, if there is one, says why nothing happens."""
        wait = timedelta(seconds=min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(run.attempt, 5)))
        with self.ledger.database.transaction() as tx:
            files = self.ledger.feeds.note_run(tx, run, reason=why, again_in=wait)
            for ref in _refs(run, files or ()):
                self.ledger.imports.note_waiting(tx, ref, why)

    def _fail(self, run: FeedRun, error: RowportError) -> None:
        """End the run; an import that still waits for its files ends with it."""
        fault = ImportFault(code=error.code, message=error.message, retryable=False)
        with self.ledger.database.transaction() as tx:
            files = self.ledger.feeds.note_run(tx, run, reason=error.message, state=RunState.FAILED)
            for ref in _refs(run, files or ()):
                if self.ledger.imports.lock(tx, ref) is ImportState.RECEIVING:
                    self.ledger.imports.move(
                        tx, ref, ImportState.RECEIVING, ImportState.FAILED, fault=fault
                    )


class SourceDown(Exception):
    """The source does not answer; that is no fault of ours, and it is tried again."""


@contextmanager
def _source_s() -> Iterator[None]:
    """Tell an outage of the source from one of our own stores."""
    try:
        yield
    except Unavailable as error:
        raise SourceDown(error.message) from error


@contextmanager
def _reached(source: Source, settings: Mapping[str, object]) -> Iterator[OpenSource]:
    with ExitStack() as stack:
        with _source_s():
            opened = stack.enter_context(source.open(settings))
        yield opened


def _ends(name: str, marker: str | None) -> bool:
    return marker is not None and name.endswith(marker)


def _refs(run: FeedRun, files: Sequence[FileDecision]) -> list[ImportRef]:
    ids = dict.fromkeys(file.import_id for file in files if file.import_id)
    return [
        ImportRef(organization_id=run.organization_id, import_id=UUID(import_id))
        for import_id in ids
    ]
