"""How many imports all pages hold, without counting old ones at every look."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rowport.model.states import ImportState
from rowport.ports.queries import FATES
from rowport.store.saying import many, only

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping
    from datetime import datetime

    from rowport.ports import Transaction

LIFETIME_S: Final = 5.0
REMEMBERED: Final = 1000
PASSING: Final = ("until", "fates", "attributes", "ids", "modes")
"""Filters that an import passes in and out of, or that are hardly asked for twice."""
BUT_DRAFTS: Final = (
    {state.value for state in ImportState} - {ImportState.DRAFT, ImportState.COMPLETED}
) | {*FATES.values()}
"""The fates of all imports that were sent: one passes in among them once, and never out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settled:
    """The imports from before a moment: their number changes no more, unless some are deleted."""

    number: int
    before: datetime
    learned_at_s: float


class Totals:
    """Counts what a query finds.

    100,000 imports take 50 ms to count and 3 ms to give a page of, so the number of those older
    than half a minute is remembered for some seconds, and only younger ones are counted.  A
    record type that comes to a query, or leaves it, is seen at once; an old import that is deleted
    or comes from a backup, or an old draft that is sent, is seen after these seconds.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._settled: OrderedDict[Hashable, _Settled] = OrderedDict()

    def of(self, tx: Transaction, asked: Mapping[str, Any]) -> int:
        """Give the number; `asked` are the parameters of `count_imports`."""
        if any(asked[name] is not None for name in PASSING):
            return int(only(tx, "count_imports", **asked)["total"])
        key = self._key(tx, asked)
        known = self._settled.get(key)
        if known is not None and time.monotonic() - known.learned_at_s < LIFETIME_S:
            younger = {**asked, "since": max(known.before, asked["since"] or known.before)}
            return known.number + int(only(tx, "count_imports", **younger)["total"])
        counted = only(tx, "count_imports", **asked)
        self._learn(
            key,
            _Settled(
                number=int(counted["settled"]),
                before=counted["horizon"],
                learned_at_s=time.monotonic(),
            ),
        )
        return int(counted["total"])

    def _key(self, tx: Transaction, asked: Mapping[str, Any]) -> Hashable:
        types = ("organization_id", "facet", "facets", "type_oid")
        found = many(tx, "types_of_imports", **{name: asked[name] for name in types})
        return (
            asked["organization_id"],
            tuple(row["id"] for row in found),
            asked["feed_oid"],
            asked["created_by"],
            asked["window"] or asked["since"],
            asked["sent_only"],
        )

    def _learn(self, key: Hashable, settled: _Settled) -> None:
        with self._lock:
            self._settled.pop(key, None)
            self._settled[key] = settled
            while len(self._settled) > REMEMBERED:
                self._settled.popitem(last=False)
