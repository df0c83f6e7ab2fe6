"""Wait until nobody works on an import that has ended."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from rowport.model.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from rowport.ports.ledger import ImportRef, Ledger

QUIET_S: Final = 10.0
"""How long chunks are waited for that were in flight when the import ended."""
GLANCE_S: Final = 0.05


def quiet(ledger: Ledger, settle: Callable[[ImportRef], None], ref: ImportRef) -> None:
    """See to it that no chunk is in flight: of an import that ended, none can commit.

    Raises:
        Unavailable: one is, still.
    """
    deadline = time.monotonic() + QUIET_S
    while True:
        settle(ref)
        with ledger.database.transaction() as tx:
            now = ledger.imports.share(tx, ref)
            if now is None or not now.state.is_final:
                return  # somebody else was faster
            if not ledger.chunks.progress(tx, ref).waiting:
                return
            ledger.chunks.end_overdue(tx, ref)
        if time.monotonic() > deadline:
            raise Unavailable(f"A chunk of import {ref.import_id} is still in flight.")
        time.sleep(GLANCE_S)
