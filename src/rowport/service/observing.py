"""How things stand in the whole installation, for those who run it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rowport.model.figures import Figures
    from rowport.ports.basis import Database
    from rowport.ports.telling import FigureLedger

KEPT_S: Final = 5.0
SHARE: Final = 20
"""A slow answer is kept for so many times as long as it took: however much there is to sum up,
asking takes at most a twentieth of the database's time."""


@dataclass(slots=True, kw_only=True)
class Observing:
    """Asks the ledger once for all who want to know at about the same time."""

    database: Database
    figures: FigureLedger
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _kept: Figures | None = None
    _until: float = 0.0

    def now(self) -> Figures:
        """Say how things stand, or stood a few seconds ago.

        Raises:
            Unavailable: the database does not answer.
        """
        with self._lock:
            began = time.monotonic()
            if self._kept is None or began >= self._until:
                with self.database.transaction() as tx:
                    self._kept = self.figures.now(tx)
                ended = time.monotonic()
                self._until = ended + max(KEPT_S, SHARE * (ended - began))
            return self._kept
