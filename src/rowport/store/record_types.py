"""Organizations and record types in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg.types.json import Jsonb

from rowport.model.errors import RecordTypeNotFound
from rowport.model.ids import new_oid, new_uuid
from rowport.store.rows import to_organization, to_record_type
from rowport.store.saying import many, one, only, say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from rowport.model.organizations import Organization
    from rowport.model.record_types import RecordType
    from rowport.ports import Transaction
    from rowport.ports.ledger import ImportRef


class PostgresOrganizations:
    """Tenants in the ledger."""

    def ensure(self, tx: Transaction, slug: str, name: str) -> Organization:
        """Give the organization of this slug; made if there is none."""
        row = one(tx, "organization_by_slug", slug=slug)
        if row is None:
            self.create(tx, slug, name)
            row = only(tx, "organization_by_slug", slug=slug)
        return to_organization(row)

    def create(self, tx: Transaction, slug: str, name: str) -> Organization | None:
        """Make an organization; None if the slug is taken."""
        made = say(tx, "insert_organization", id=new_uuid(), oid=new_oid(), slug=slug, name=name)
        return to_organization(only(tx, "organization_by_slug", slug=slug)) if made else None

    def find(self, tx: Transaction, slug: str) -> Organization | None:
        """Give the organization of this slug."""
        row = one(tx, "organization_by_slug", slug=slug)
        return None if row is None else to_organization(row)

    def set_shares(
        self, tx: Transaction, organization_id: UUID, *, running_limit: int | None, weight: int
    ) -> None:
        """Say how much of the installation an organization may have."""
        say(tx, "set_shares", id=organization_id, running_limit=running_limit, weight=weight)

    def by_id(self, tx: Transaction, organization_id: UUID) -> Organization | None:
        """Give the organization of this id."""
        row = one(tx, "organization_by_id", id=organization_id)
        return None if row is None else to_organization(row)

    def list(self, tx: Transaction) -> Sequence[Organization]:
        """Give all organizations, by slug."""
        return [to_organization(row) for row in many(tx, "list_organizations")]


class PostgresRecordTypes:
    """Record types in the ledger."""

    def find(self, tx: Transaction, organization_id: UUID, name: str) -> RecordType | None:
        """Give the newest version, archived or not."""
        row = one(tx, "record_type_by_name", organization_id=organization_id, name=name)
        return None if row is None else to_record_type(row)

    def of_import(self, tx: Transaction, ref: ImportRef) -> RecordType:
        """Give the version that the import began with."""
        row = one(
            tx,
            "record_type_of_import",
            organization_id=ref.organization_id,
            import_id=ref.import_id,
        )
        if row is None:
            raise RecordTypeNotFound(f"Import {ref.import_id} or its record type is gone.")
        return to_record_type(row)

    def list(self, tx: Transaction, organization_id: UUID) -> Sequence[RecordType]:
        """Give the newest versions, by name, archived or not."""
        rows = many(tx, "list_record_types", organization_id=organization_id)
        return [to_record_type(row) for row in rows]

    def lock_name(self, tx: Transaction, organization_id: UUID, name: str) -> None:
        """Let nobody else write this name until the transaction ends."""
        one(tx, "lock_record_type_name", organization_id=organization_id, name=name)

    def create(
        self,
        tx: Transaction,
        organization: Organization,
        *,
        name: str,
        document: Mapping[str, object],
        key: Sequence[str],
        attributes: Mapping[str, object],
    ) -> RecordType:
        """Write version 1; its table lies in the organization's own PostgreSQL schema."""
        type_id = new_uuid()
        say(
            tx,
            "insert_record_type",
            id=type_id,
            oid=new_oid(),
            organization_id=organization.id,
            name=name,
            table_schema=f"data_{organization.slug}",
            table_name=name,
            attributes=Jsonb(dict(attributes)),
        )
        self._write_version(tx, organization.id, type_id, 1, document, key)
        return self._written(tx, organization.id, name)

    def advance(
        self,
        tx: Transaction,
        current: RecordType,
        *,
        document: Mapping[str, object],
        key: Sequence[str],
        attributes: Mapping[str, object],
    ) -> RecordType:
        """Write the next version."""
        version = current.version + 1
        self._write_version(tx, current.organization_id, current.id, version, document, key)
        say(
            tx,
            "advance_record_type",
            organization_id=current.organization_id,
            id=current.id,
            version=version,
            attributes=Jsonb(dict(attributes)),
        )
        return self._written(tx, current.organization_id, current.name)

    def set_attributes(
        self, tx: Transaction, current: RecordType, attributes: Mapping[str, object]
    ) -> RecordType:
        """Replace these attributes; others stay, and so does the version."""
        say(
            tx,
            "set_record_type_attributes",
            organization_id=current.organization_id,
            id=current.id,
            attributes=Jsonb(dict(attributes)),
        )
        return self._written(tx, current.organization_id, current.name)

    def archive(self, tx: Transaction, current: RecordType) -> None:
        """Let nothing new be imported into it."""
        say(tx, "archive_record_type", organization_id=current.organization_id, id=current.id)

    def revive(self, tx: Transaction, current: RecordType) -> RecordType:
        """Let things be imported into it again."""
        say(tx, "revive_record_type", organization_id=current.organization_id, id=current.id)
        return self._written(tx, current.organization_id, current.name)

    def feed_of(self, tx: Transaction, current: RecordType) -> str | None:
        """Give the name of a feed that imports it."""
        names = {"organization_id": current.organization_id, "id": current.id}
        row = one(tx, "feed_of_record_type", **names)
        return None if row is None else str(row["name"])

    def _write_version(
        self,
        tx: Transaction,
        organization_id: UUID,
        type_id: UUID,
        version: int,
        document: Mapping[str, object],
        key: Sequence[str],
    ) -> None:
        say(
            tx,
            "insert_record_type_version",
            id=type_id,
            version=version,
            organization_id=organization_id,
            schema_document=Jsonb(dict(document)),
            key=list(key),
        )

    def _written(self, tx: Transaction, organization_id: UUID, name: str) -> RecordType:
        found = self.find(tx, organization_id, name)
        if found is None:
            raise RecordTypeNotFound
        return found
