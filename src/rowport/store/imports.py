"""Imports in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg.types.json import Jsonb

from rowport.model.errors import IllegalTransition
from rowport.model.ids import new_oid, new_uuid
from rowport.model.states import ImportState, Phase, may
from rowport.ports.ledger import ImportRef
from rowport.store.rows import from_layout, from_options, to_import
from rowport.store.saying import many, one, say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from rowport.model.imports import Import, ImportFault, ImportOptions
    from rowport.model.record_types import RecordType
    from rowport.ports import FormatLayout, Transaction
    from rowport.ports.ledger import NewFile


def _names(ref: ImportRef) -> dict[str, UUID]:
    return {"organization_id": ref.organization_id, "import_id": ref.import_id}


class PostgresImports:
    """Imports and their files in the ledger."""

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
        priority: int = 0,
    ) -> ImportRef:
        """Write a new import with its files."""
        ref = ImportRef(organization_id=record_type.organization_id, import_id=import_id)
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
            priority=priority,
        )
        for position, file in enumerate(files, start=1):
            self._add_file(tx, ref, position, file)
        return ref

    def _add_file(self, tx: Transaction, ref: ImportRef, position: int, file: NewFile) -> None:
        say(
            tx,
            "insert_import_file",
            id=new_uuid(),
            oid=new_oid(),
            position=position,
            name=file.name,
            media_type=file.media_type,
            size_bytes=file.size_bytes,
            sha256=file.sha256,
            blob=file.blob,
            **_names(ref),
        )

    def get(self, tx: Transaction, ref: ImportRef) -> Import | None:
        """Give an import with counts of one snapshot."""
        row = one(tx, "import_by_id", **_names(ref))
        return None if row is None else to_import(row)

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

    def share(self, tx: Transaction, ref: ImportRef) -> ImportState | None:
        """Give the state, which nobody can change until the transaction ends; others may too."""
        row = one(tx, "share_import", **_names(ref))
        return None if row is None else ImportState(row["state"])

    def move(
        self,
        tx: Transaction,
        ref: ImportRef,
        old: ImportState,
        new: ImportState,
        *,
        phase: Phase | None = None,
        fault: ImportFault | None = None,
    ) -> None:
        """Go from `old`, which the caller locked, to `new`."""
        if not may(old, new):
            raise IllegalTransition(f"Import {ref.import_id} is {old}; it cannot become {new}.")
        touched = say(
            tx,
            "move_import",
            expected=old,
            state=new,
            phase=phase,
            is_final=new.is_final,
            error_code=fault.code if fault else None,
            error_message=fault.message if fault else None,
            error_retryable=fault.retryable if fault else None,
            **_names(ref),
        )
        if touched != 1:
            raise IllegalTransition(f"Import {ref.import_id} is not {old} any more.")

    def set_phase(self, tx: Transaction, ref: ImportRef, phase: Phase) -> None:
        """Say what the import is doing."""
        say(tx, "set_phase", phase=phase, **_names(ref))

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

    def moving(self, tx: Transaction) -> Sequence[tuple[ImportRef, ImportState]]:
        """Give every import, of all organizations, that should move by itself."""
        return [
            (
                ImportRef(organization_id=row["organization_id"], import_id=row["id"]),
                ImportState(row["state"]),
            )
            for row in many(tx, "open_imports")
        ]
