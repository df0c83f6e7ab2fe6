"""Recurring definitions and saved mappings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rowport.model.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from rowport.model.feeds import Feed, SavedMapping
    from rowport.ports.faces import NewFeed
    from rowport.ports.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Feeds:
    """Recurring definitions."""

    ledger: Ledger

    def create(self, organization_id: UUID, feed: NewFeed) -> Feed:
        """Write a feed."""
        with self.ledger.database.tenant(organization_id) as tx:
            return self.ledger.feeds.create(tx, organization_id, feed)

    def by_oid(self, organization_id: UUID, oid: str) -> Feed:
        """Give a feed by its 24-hex id.

        Raises:
            NotFound: this organization has none of this id.
        """
        with self.ledger.database.tenant(organization_id) as tx:
            found = self.ledger.feeds.by_oid(tx, organization_id, oid)
        if found is None:
            raise NotFound(f"There is no feed {oid}.")
        return found

    def list(self, organization_id: UUID) -> Sequence[Feed]:
        """Give all feeds, the newest first."""
        with self.ledger.database.tenant(organization_id) as tx:
            return self.ledger.feeds.list(tx, organization_id)

    def archive(self, organization_id: UUID, oid: str) -> Feed:
        """End a feed; its imports stay.

        Raises:
            NotFound: this organization has none of this id.
        """
        feed = self.by_oid(organization_id, oid)
        with self.ledger.database.tenant(organization_id) as tx:
            self.ledger.feeds.archive(tx, feed)
        return self.by_oid(organization_id, oid)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedMappings:
    """Mappings kept under a name."""

    ledger: Ledger

    def create(
        self,
        organization_id: UUID,
        *,
        name: str,
        record_type_id: UUID | None,
        columns: Mapping[str, str],
        attributes: Mapping[str, object] | None = None,
    ) -> SavedMapping:
        """Write a mapping."""
        with self.ledger.database.tenant(organization_id) as tx:
            return self.ledger.mappings.create(
                tx,
                organization_id,
                name=name,
                record_type_id=record_type_id,
                columns=columns,
                attributes=attributes or {},
            )

    def by_oid(self, organization_id: UUID, oid: str) -> SavedMapping:
        """Give a mapping by its 24-hex id.

        Raises:
            NotFound: this organization has none of this id.
        """
        with self.ledger.database.tenant(organization_id) as tx:
            found = self.ledger.mappings.by_oid(tx, organization_id, oid)
        if found is None:
            raise NotFound(f"There is no mapping {oid}.")
        return found

    def list(self, organization_id: UUID) -> Sequence[SavedMapping]:
        """Give all mappings, the newest first."""
        with self.ledger.database.tenant(organization_id) as tx:
            return self.ledger.mappings.list(tx, organization_id)

    def change(
        self,
        mapping: SavedMapping,
        *,
        name: str,
        columns: Mapping[str, str],
        attributes: Mapping[str, object],
    ) -> SavedMapping:
        """Write the mapping anew."""
        wanted = replace(mapping, name=name, columns=columns, attributes=attributes)
        with self.ledger.database.tenant(mapping.organization_id) as tx:
            return self.ledger.mappings.update(tx, wanted)

    def delete(self, mapping: SavedMapping) -> None:
        """Forget the mapping."""
        with self.ledger.database.tenant(mapping.organization_id) as tx:
            self.ledger.mappings.delete(tx, mapping)
