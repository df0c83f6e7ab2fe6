"""Figures of the whole ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rowport.model.figures import Figures
from rowport.store.saying import only

if TYPE_CHECKING:
    from rowport.ports import Transaction


class PostgresFigures:
    """Sums over all organizations; belongs to no request of one of them."""

    def now(self, tx: Transaction) -> Figures:
        """Say how things stand; reads every import and chunk."""
        return Figures(**only(tx, "figures"))
