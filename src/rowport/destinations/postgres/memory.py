"""What a process has learnt about the imports it loads."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

_IMPORTS_MAX: Final = 512


class Memory:
    """Whether the rows of an import can be hoped to be new records, so that no probe is needed.

    Hope begins with an empty table or with a probe that found nothing, and a collision ends it.
    Wrong hope costs time, never correctness.  Safe to share between threads.
    """

    def __init__(self) -> None:
        self._hope: OrderedDict[UUID, bool] = OrderedDict()
        self._lock = Lock()

    def hopes(self, import_id: UUID, is_empty: Callable[[], bool]) -> bool:
        """Tell whether to try without a probe; `is_empty` is asked once for each import."""
        with self._lock:
            known = self._hope.get(import_id)
        if known is None:
            known = is_empty()
            if known:
                self._keep(import_id, hope=True)
        return known

    def probed(self, import_id: UUID, *, found: bool) -> None:
        """Learn what a probe told."""
        if found or self._hope.get(import_id) is None:
            self._keep(import_id, hope=not found)

    def collided(self, import_id: UUID) -> None:
        """Learn that a record existed, for good."""
        self._keep(import_id, hope=False)

    def _keep(self, import_id: UUID, *, hope: bool) -> None:
        with self._lock:
            self._hope[import_id] = hope
            self._hope.move_to_end(import_id)
            while len(self._hope) > _IMPORTS_MAX:
                self._hope.popitem(last=False)
