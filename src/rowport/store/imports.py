"""Imports in the ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from psycopg.types.json import Jsonb

from rowport.model.errors import IllegalTransition
from rowport.model.ids import new_oid, new_uuid
from rowport.model.states import ImportState, Phase, may
from rowport.ports.ledger import Circumstances, ImportRef
from rowport.ports.queries import FATES
from rowport.ports.rounds import Standing
from rowport.store.catalogue import statement
from rowport.store.counting import BUT_DRAFTS, Totals
from rowport.store.database import publish_after
from rowport.store.rows import (
    PRIORITIES,
    from_layout,
    from_options,
    to_import,
    to_waiting_facts,
)
from rowport.store.saying import many, one, say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from rowport.model.imports import Import, ImportFault, ImportOptions
    from rowport.model.record_types import RecordType
    from rowport.ports import FormatLayout, Transaction
    from rowport.ports.ledger import NewFile
    from rowport.ports.queries import ImportQuery
    from rowport.ports.rounds import NewRound, WaitingFacts


ORDERS: Final = {
    "created_at": "i.created_at {way}, i.id {way}",
    "updated_at": "i.updated_at {way}, i.id {way}",
    "fate": "coalesce(%(fate_words)s::jsonb ->> coalesce(i.result, i.state), i.result, i.state) "
    "{way}, i.oid {way}",
}
"""The orders of find_imports; each ends in the unique id, so that pages are stable."""


def _since(query: ImportQuery) -> datetime | None:
    return datetime.now(UTC) - query.newer_than if query.newer_than else query.since


def _names(ref: ImportRef) -> dict[str, UUID]:
    return {"organization_id": ref.organization_id, "import_id": ref.import_id}


class PostgresImports:
    """Imports and their files in the ledger."""

    def __init__(self, *, running_limit: int | None = None) -> None:
        self._totals = Totals()
        self._running_limit = running_limit

    def create(
        self,
        tx: Transaction,
        record_type: RecordType,
        *,
        import_id: UUID,
        options: ImportOptions,
        state: ImportState,
        phase: Phase | None,
        files: Sequence[NewFile],
        around: Circumstances | None = None,
    ) -> ImportRef:
        """Write a new import with its files."""
        ref = ImportRef(organization_id=record_type.organization_id, import_id=import_id)
        around = around or Circumstances()
        say(
            tx,
            "insert_import",
            id=import_id,
            oid=new_oid(),
            organization_id=ref.organization_id,
            record_type_id=record_type.id,
            type_version=record_type.version,
            state=state,
            phase=phase,
            options=Jsonb(from_options(options)),
            priority=PRIORITIES[around.priority],
            name=around.name,
            created_by=around.created_by,
            feed_id=around.feed_id,
            starts_by_itself=around.starts_by_itself,
            attributes=Jsonb(dict(around.attributes)),
            scheduled_for=around.scheduled_for,
        )
        publish_after(tx)
        for file in files:
            self.add_file(tx, ref, file)
        return ref

    def add_file(self, tx: Transaction, ref: ImportRef, file: NewFile) -> None:
        """Add a file after those it has; the caller holds the import."""
        say(
            tx,
            "insert_import_file",
            id=new_uuid(),
            oid=new_oid(),
            name=file.name,
            media_type=file.media_type,
            size_bytes=file.size_bytes,
            sha256=file.sha256,
            blob=file.blob,
            rows=file.rows,
            **_names(ref),
        )

    def drop_files(self, tx: Transaction, ref: ImportRef) -> None:
        """Forget the files of a draft, whose parts become one."""
        say(tx, "drop_import_files", **_names(ref))

    def get(self, tx: Transaction, ref: ImportRef) -> Import | None:
        """Give an import with counts of one snapshot."""
        row = one(tx, "import_by_id", **_names(ref))
        return None if row is None else to_import(row)

    def by_oid(self, tx: Transaction, organization_id: UUID, oid: str) -> Import | None:
        """Give an import by its 24-hex id."""
        row = one(tx, "import_by_oid", organization_id=organization_id, oid=oid)
        return None if row is None else to_import(row)

    def find(
        self, tx: Transaction, organization_id: UUID, query: ImportQuery
    ) -> tuple[Sequence[Import], int]:
        """Give a page of imports and how many all pages hold."""
        # All that were sent is said so that the planner knows it leaves out next to nothing.
        sent_only = query.fates is not None and query.fates >= BUT_DRAFTS
        asked = {
            "organization_id": organization_id,
            "facet": query.facet,
            "type_oid": query.type_oid,
            "facets": None if query.facets is None else [Jsonb(dict(f)) for f in query.facets],
            "feed_oid": query.feed_oid,
            "created_by": query.created_by,
            "since": _since(query),
            "window": query.newer_than,
            "until": query.until,
            "fates": None if query.fates is None or sent_only else sorted(query.fates),
            "sent_only": sent_only,
            "attributes": None if query.attributes is None else Jsonb(dict(query.attributes)),
            "ids": None if query.ids is None else sorted(query.ids),
            "modes": None if query.modes is None else sorted(query.modes),
        }
        total = self._totals.of(tx, asked) if query.is_counted else 0
        order = ORDERS[query.sort].format(way="DESC" if query.descending else "ASC")
        page = statement("find_imports").format(order=order)
        words = None if query.fate_words is None else Jsonb(dict(query.fate_words))
        span = {"limit": query.limit, "offset": query.offset, "fate_words": words}
        return [to_import(row) for row in tx.connection.execute(page, asked | span)], int(total)

    def set_attributes(
        self, tx: Transaction, ref: ImportRef, attributes: Mapping[str, object]
    ) -> None:
        """Replace these attributes; others stay."""
        say(tx, "set_attributes", attributes=Jsonb(dict(attributes)), **_names(ref))

    def set_name(self, tx: Transaction, ref: ImportRef, name: str) -> None:
        """Say what it is called."""
        say(tx, "set_import_name", name=name, **_names(ref))

    def set_options(self, tx: Transaction, ref: ImportRef, options: ImportOptions) -> None:
        """Replace the options of an import that has not started."""
        say(tx, "set_options", options=Jsonb(from_options(options)), **_names(ref))

    def set_starts_by_itself(self, tx: Transaction, ref: ImportRef, *, starts: bool) -> None:
        """Say whether it goes on by itself once it is read and mapped."""
        say(tx, "set_starts_by_itself", starts_by_itself=starts, **_names(ref))

    def list(
        self,
        tx: Transaction,
        organization_id: UUID,
        *,
        limit: int,
        after: tuple[datetime, UUID] | None = None,
    ) -> Sequence[Import]:
        """Give the newest first, a page after the one named."""
        after_time, after_id = after or (None, None)
        rows = many(
            tx,
            "list_imports",
            organization_id=organization_id,
            limit=limit,
            after_time=after_time,
            after_id=after_id,
        )
        return [to_import(row) for row in rows]

    def lock(self, tx: Transaction, ref: ImportRef) -> ImportState | None:
        """Give the state and let nobody change it until the transaction ends."""
        row = one(tx, "lock_import", **_names(ref))
        return None if row is None else ImportState(row["state"])

    def share(self, tx: Transaction, ref: ImportRef) -> Standing | None:
        """Say where it stands; nobody can change that until the transaction ends."""
        row = one(tx, "share_import", **_names(ref))
        if row is None:
            return None
        return Standing(state=ImportState(row["state"]), starts=row["starts"])

    def move(
        self,
        tx: Transaction,
        ref: ImportRef,
        old: ImportState,
        new: ImportState,
        *,
        phase: Phase | None = None,
        fault: ImportFault | None = None,
        by: str | None = None,
    ) -> None:
        """Go from `old`, which the caller locked, to `new`; `by`: who asked for a stop."""
        if not may(old, new):
            raise IllegalTransition(f"Import {ref.import_id} is {old}; it cannot become {new}.")
        result = None
        if new is ImportState.COMPLETED and (job := self.get(tx, ref)) is not None:
            result = FATES[job.counts.result]
        touched = say(
            tx,
            "move_import",
            result=result,
            expected=old,
            state=new,
            phase=phase,
            is_final=new.is_final,
            by=by,
            error_code=fault.code if fault else None,
            error_message=fault.message if fault else None,
            error_retryable=fault.retryable if fault else None,
            **_names(ref),
        )
        if touched != 1:
            raise IllegalTransition(f"Import {ref.import_id} is not {old} any more.")
        publish_after(tx)

    def set_phase(self, tx: Transaction, ref: ImportRef, phase: Phase) -> None:
        """Say what the import is doing."""
        say(tx, "set_phase", phase=phase, **_names(ref))
        publish_after(tx)

    def set_reading(
        self,
        tx: Transaction,
        ref: ImportRef,
        *,
        layouts: Mapping[UUID, FormatLayout],
        mapping: Mapping[str, str],
    ) -> None:
        """Keep how the files are read and which header feeds which field."""
        for file_id, layout in layouts.items():
            say(
                tx,
                "set_layout",
                file_id=file_id,
                layout=Jsonb(from_layout(layout)),
                organization_id=ref.organization_id,
            )
        say(tx, "set_mapping", mapping=Jsonb(dict(mapping)), **_names(ref))

    def set_type_version(self, tx: Transaction, ref: ImportRef, version: int) -> None:
        """Go on by this version of the record type."""
        say(tx, "set_type_version", version=version, **_names(ref))

    def add_round(self, tx: Transaction, ref: ImportRef, about: NewRound) -> None:
        """Note that rows are tried again; the caller holds the import."""
        say(
            tx,
            "insert_round",
            kind="fix" if about.sha256 else "retry",
            asked_by=about.asked_by,
            file_name=about.file_name,
            size_bytes=about.size_bytes,
            sha256=about.sha256,
            **_names(ref),
        )

    def has_round_of(self, tx: Transaction, ref: ImportRef, sha256: str) -> bool:
        """Tell whether a file with this hash was taken already."""
        return one(tx, "round_of_file", sha256=sha256, **_names(ref)) is not None

    def note_waiting(self, tx: Transaction, ref: ImportRef, why: str) -> None:
        """Note what keeps its file from being read; forgotten with its next state."""
        say(tx, "note_waiting", why=why, **_names(ref))

    def waiting_facts(
        self, tx: Transaction, organization_id: UUID, ids: Sequence[UUID]
    ) -> Mapping[UUID, WaitingFacts]:
        """Give what is known of these imports, to tell what they wait for."""
        rows = many(
            tx,
            "waiting_facts",
            organization_id=organization_id,
            ids=list(ids),
            running_limit=self._running_limit,
        )
        return {row["id"]: to_waiting_facts(row) for row in rows}

    def moving(self, tx: Transaction) -> Sequence[tuple[ImportRef, ImportState]]:
        """Give every import, of all organizations, that should move by itself."""
        return [
            (
                ImportRef(organization_id=row["organization_id"], import_id=row["id"]),
                ImportState(row["state"]),
            )
            for row in many(tx, "open_imports")
        ]
