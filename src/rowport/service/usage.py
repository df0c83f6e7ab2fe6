"""What organizations use, and what each file of an import became."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rowport.model.errors import ImportNotFound

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from rowport.model.usage import FileUse, MonthOfUse
    from rowport.ports.ledger import Ledger
    from rowport.ports.telling import UsageLedger


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Sums imports up."""

    ledger: Ledger
    usage: UsageLedger

    def of(self, organization_id: UUID, *, months: int) -> Sequence[MonthOfUse]:
        """Give the newest months of an organization in which something was imported."""
        with self.ledger.database.tenant(organization_id) as tx:
            return self.usage.months(tx, organization_id, months=months)

    def of_all(self, *, months: int) -> Sequence[MonthOfUse]:
        """Give the same of all organizations; for whoever runs the installation."""
        with self.ledger.database.transaction() as tx:
            return self.usage.months(tx, None, months=months)

    def files(self, organization_id: UUID, import_id: UUID) -> Sequence[FileUse]:
        """Give the files of an import in their order, each with its own counts.

        Raises:
            ImportNotFound: the organization has no such import.
        """
        with self.ledger.database.tenant(organization_id) as tx:
            if self.ledger.events.is_all_told(tx, organization_id, import_id, 0) is None:
                raise ImportNotFound
            return self.usage.files(tx, organization_id, import_id)
