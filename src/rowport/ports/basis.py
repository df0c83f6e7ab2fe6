"""What the ledger stands on: transactions and tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from uuid import UUID

    from rowport.model.organizations import Organization
    from rowport.ports import Transaction


class Database(Protocol):
    """Where transactions come from."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Open a transaction: commits at the end of the block, rolls back on an exception.

        Raises:
            Unavailable: the database does not answer, or went away in mid-transaction.
        """
        ...

    def at_once(self) -> AbstractContextManager[Transaction]:
        """Let each statement be a transaction of its own, which nobody can keep open.

        Raises:
            Unavailable: as above.
        """
        ...

    def tenant(self, organization_id: UUID) -> AbstractContextManager[Transaction]:
        """Open a transaction that sees and writes this organization's data only.

        The database itself sees to it (row-level security), besides what each statement says.

        Raises:
            Unavailable: as above.
        """
        ...


class OrganizationLedger(Protocol):
    """Tenants."""

    def ensure(self, tx: Transaction, slug: str, name: str) -> Organization:
        """Give the organization of this slug; made if there is none."""
        ...

    def create(self, tx: Transaction, slug: str, name: str) -> Organization | None:
        """Make an organization; None if the slug is taken."""
        ...

    def find(self, tx: Transaction, slug: str) -> Organization | None:
        """Give the organization of this slug."""
        ...

    def set_shares(
        self, tx: Transaction, organization_id: UUID, *, running_limit: int | None, weight: int
    ) -> None:
        """Say how much of the installation an organization may have."""
        ...

    def by_id(self, tx: Transaction, organization_id: UUID) -> Organization | None:
        """Give the organization of this id."""
        ...

    def list(self, tx: Transaction) -> Sequence[Organization]:
        """Give all organizations, by slug."""
        ...
