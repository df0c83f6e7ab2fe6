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
    So is learnt whether they repeat what the records hold.  Wrong hope costs time, never
    correctness.  Safe to share between threads.
    """

    def __init__(self) -> None:
        self._hope: OrderedDict[UUID, bool] = OrderedDict()
        self._repeats: OrderedDict[UUID, bool] = OrderedDict()
        self._lock = Lock()

    def hopes(self, import_id: UUID, is_empty: Callable[[], bool]) -> bool:
        """Tell whether to try without a probe; `is_empty` is asked once for each import."""
        with self._lock:
            known = self._hope.get(import_id)
        if known is None:
            known = is_empty()
            if known:
                self._keep(self._hope, import_id, learnt=True)
        return known

    def repeats(self, import_id: UUID) -> bool:
        """Tell whether the last batch that was matched changed little."""
        with self._lock:
            return self._repeats.get(import_id, False)

    def probed(self, import_id: UUID, *, found: bool, unchanged: bool) -> None:
        """Learn what a probe told, and whether most records had the values of their rows."""
        self._keep(self._repeats, import_id, learnt=unchanged)
        if found or self._hope.get(import_id) is None:
            self._keep(self._hope, import_id, learnt=not found)

    def collided(self, import_id: UUID) -> None:
        """Learn that a record existed, for good."""
        self._keep(self._hope, import_id, learnt=False)

    def _keep(self, known: OrderedDict[UUID, bool], import_id: UUID, *, learnt: bool) -> None:
        with self._lock:
            known[import_id] = learnt
            known.move_to_end(import_id)
            while len(known) > _IMPORTS_MAX:
                known.popitem(last=False)
