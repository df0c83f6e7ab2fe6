"""What can be imported: making, changing and finding record types."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rowport.model.errors import (
    InvalidOptions,
    RecordNotFound,
    RecordTypeInUse,
    RecordTypeNotFound,
)
from rowport.service.references import references_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from rowport.model.organizations import Organization
    from rowport.model.record_types import RecordType
    from rowport.model.table_schema import TableSchema
    from rowport.ports import Destination, StoredRecord, Transaction
    from rowport.ports.ledger import Ledger

    Check = Callable[[RecordType | None], None]
    """Refuses what stands in the place of a change by raising; None: nothing does."""

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordTypes:
    """The record types of the organizations."""

    ledger: Ledger
    destination: Callable[[], Destination]
    """Made by the first use that needs it: its libraries are heavy."""

    def put(
        self,
        organization: Organization,
        name: str,
        document: Mapping[str, object],
        *,
        key: Sequence[str] | None = None,
        attributes: Mapping[str, object] | None = None,
        check: Check | None = None,
    ) -> RecordType:
        """Make the record type, or its next version; the same again changes nothing.

        `key=None` takes the schema's primaryKey, or keeps the key it has.  The destination is
        made ready in the same transaction: if it cannot follow, nothing changes.  One that was
        archived is there again, with its records.  `check` sees what is to be replaced, which
        nobody changes meanwhile.

        Raises:
            InvalidOptions: the name or the key cannot be.
            InvalidSchema: the document cannot be used, or a record type that it refers to is
                missing.
            DestinationConflict: the destination cannot follow.
        """
        from rowport.engine.schema_document import parse  # noqa: PLC0415  brings Polars in

        if not NAME.fullmatch(name):
            raise InvalidOptions(
                f"{name!r} cannot name a record type: use 1 to 63 letters, digits, `_`, `-` or "
                "`.`, beginning with a letter or a digit."
            )
        schema = parse(document)
        with self.ledger.database.transaction() as tx:
            self.ledger.record_types.lock_name(tx, organization.id, name)
            current = self.ledger.record_types.find(tx, organization.id, name)
            if check is not None:
                check(_live(current))
            wanted = _key(schema, key, current)
            written = self._write(tx, organization, name, document, wanted, attributes, current)
            references_of(tx, self.ledger.record_types, written)
            self.destination().prepare(tx, written)
        return written

    def _write(
        self,
        tx: Transaction,
        organization: Organization,
        name: str,
        document: Mapping[str, object],
        key: tuple[str, ...],
        attributes: Mapping[str, object] | None,
        current: RecordType | None,
    ) -> RecordType:
        types = self.ledger.record_types
        if current is None:
            return types.create(
                tx,
                organization,
                name=name,
                document=document,
                key=key,
                attributes=attributes or {},
            )
        if current.archived_at is not None:
            current = types.revive(tx, current)
        if (current.schema.document, current.key) == (document, key):
            return types.set_attributes(tx, current, attributes) if attributes else current
        kept = {**current.attributes, **(attributes or {})}
        return types.advance(tx, current, document=document, key=key, attributes=kept)

    def set_attributes(
        self, organization_id: UUID, name: str, attributes: Mapping[str, object]
    ) -> RecordType:
        """Tell faces what they need to know of a record type; other attributes stay.

        Raises:
            RecordTypeNotFound: there is none of this name.
        """
        current = self.get(organization_id, name)
        with self.ledger.database.tenant(organization_id) as tx:
            return self.ledger.record_types.set_attributes(tx, current, attributes)

    def get(self, organization_id: UUID, name: str) -> RecordType:
        """Give the newest version.

        Raises:
            RecordTypeNotFound: there is none of this name.
        """
        with self.ledger.database.tenant(organization_id) as tx:
            found = self._find(tx, organization_id, name)
            known = [] if found else self.ledger.record_types.list(tx, organization_id)
        if found is None:
            raise RecordTypeNotFound(_unknown(name, [t.name for t in known if _live(t)]))
        return found

    def _find(self, tx: Transaction, organization_id: UUID, name: str) -> RecordType | None:
        """Give one that is not archived; what cannot be a name is nobody's."""
        if not NAME.fullmatch(name):
            return None
        return _live(self.ledger.record_types.find(tx, organization_id, name))

    def list(self, organization_id: UUID) -> Sequence[RecordType]:
        """Give the newest version of each, by name."""
        with self.ledger.database.tenant(organization_id) as tx:
            found = self.ledger.record_types.list(tx, organization_id)
        return [record_type for record_type in found if _live(record_type)]

    def archive(self, organization_id: UUID, name: str, *, check: Check | None = None) -> None:
        """Let nothing new be imported into it; its records and imports stay.

        `check` is as that of `put`.

        Raises:
            RecordTypeNotFound: there is none of this name.
            RecordTypeInUse: a feed imports it, or another record type refers to it.
        """
        types = self.ledger.record_types
        with self.ledger.database.tenant(organization_id) as tx:
            if (current := self._find(tx, organization_id, name)) is not None:
                types.lock_name(tx, organization_id, name)
                current = self._find(tx, organization_id, name)
            if current is None:
                raise RecordTypeNotFound(f"There is no record type {name!r}.")
            if check is not None:
                check(current)
            if (feed := types.feed_of(tx, current)) is not None:
                raise RecordTypeInUse(f"The feed {feed!r} imports {name}: end it first.")
            for other in types.list(tx, organization_id):
                if _live(other) and other.id != current.id and _refers(other, name):
                    raise RecordTypeInUse(f"{other.name} refers to {name}: change it first.")
            types.archive(tx, current)

    def records(
        self, organization_id: UUID, name: str, *, after: UUID | None, limit: int
    ) -> Sequence[StoredRecord]:
        """Give a page of its records by id, those behind `after`; None: from the first.

        Raises:
            RecordTypeNotFound: there is none of this name.
            DestinationConflict: the destination cannot tell.
        """
        record_type = self.get(organization_id, name)
        with self.ledger.database.transaction() as tx:
            return self.destination().records(tx, record_type, after=after, limit=limit)

    def record(self, organization_id: UUID, name: str, record_id: UUID) -> StoredRecord:
        """Give one of its records.

        Raises:
            RecordTypeNotFound: there is none of this name.
            RecordNotFound: it has no such record.
            DestinationConflict: the destination cannot tell.
        """
        record_type = self.get(organization_id, name)
        with self.ledger.database.transaction() as tx:
            found = self.destination().record(tx, record_type, record_id)
        if found is None:
            raise RecordNotFound(f"There is no record {record_id} of {name}.")
        return found


def _live(record_type: RecordType | None) -> RecordType | None:
    """Give it if it is there and not archived."""
    return record_type if record_type and record_type.archived_at is None else None


def _refers(record_type: RecordType, name: str) -> bool:
    schema = record_type.schema
    lookups = {field.lookup.type for field in schema.fields if field.lookup}
    return name in lookups | {key.resource for key in schema.foreign_keys}


def _unknown(name: str, known: Sequence[str]) -> str:
    if not known:
        return (
            f"There is no record type {name!r}, nor any other yet: make one with "
            f"`rowport type put {name} SCHEMA.json`."
        )
    return f"There is no record type {name!r}. Known: {', '.join(known)}."


def _key(
    schema: TableSchema, asked: Sequence[str] | None, current: RecordType | None
) -> tuple[str, ...]:
    names = [field.name for field in schema.fields]
    if asked is None:
        kept = current.key if current else ()
        return schema.primary_key or tuple(name for name in kept if name in names)
    for name in asked:
        if name not in names:
            raise InvalidOptions(
                f"The key {name!r} is not a field. The fields are: {', '.join(names)}."
            )
    if len(set(asked)) != len(asked):
        raise InvalidOptions(f"The key {', '.join(asked)} names a field twice.")
    return tuple(asked)


def key_of_import(record_type: RecordType, asked: Sequence[str]) -> tuple[str, ...]:
    """Give the key by which an import finds existing records.

    It must be one that the destination keeps unique: the record type's key, a unique field or
    a unique key of its schema.

    Raises:
        InvalidOptions: it is not.
    """
    if not asked:
        return record_type.key
    schema = record_type.schema
    names = [field.name for field in schema.fields]
    for name in asked:
        if name not in names:
            raise InvalidOptions(
                f"The key {name!r} is not a field of {record_type.name}. "
                f"Its fields are: {', '.join(names)}."
            )
    unique = [record_type.key, schema.primary_key, *schema.unique_keys]
    unique += [(field.name,) for field in schema.fields if field.constraints.unique]
    if tuple(sorted(asked)) in {tuple(sorted(key)) for key in unique if key}:
        return tuple(asked)
    raise InvalidOptions(
        f"{record_type.name} does not keep {', '.join(asked)} unique, so it cannot tell records "
        f"apart by it. Its key is {', '.join(record_type.key) or 'not set'}; change it with "
        f"`rowport type put {record_type.name} SCHEMA.json --key {','.join(asked)}`."
    )
