"""The keys of all rows of an import that have a record: what a later round's rows may repeat.

A row that is tried again comes after all rows that were kept, those of later chunks too.  Nothing
holds their keys any more, so each worker reads the import once more, as its rows were tried last.
Kept rows stay kept, so after that it reads only what was loaded since.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from rowport.engine.key_runs import KeyRuns

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from rowport.engine.key_runs import Pair
    from rowport.ports.ledger import ImportRef, Ledger, PlannedChunk

IMPORTS_REMEMBERED: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is known of an import, as it was validated since one of its starts."""

    starts: int
    read: set[tuple[int, datetime]] = field(default_factory=set)
    """Chunks that were read, and when each had been loaded."""
    keys: KeyRuns = field(default_factory=KeyRuns)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptKeys:
    """Remembers the keys of kept rows."""

    ledger: Ledger
    _known: OrderedDict[ImportRef, Kept] = field(default_factory=OrderedDict)

    def of_import(
        self, ref: ImportRef, keys_of: Callable[[PlannedChunk], Pair], *, starts: int
    ) -> KeyRuns:
        """Give the keys of all rows that have a record by now.

        `keys_of` reads those of a chunk; `starts`: how often the import was started.
        """
        kept = self._known.get(ref)
        if kept is None or kept.starts != starts:
            kept = self._known[ref] = Kept(starts=starts)
        self._known.move_to_end(ref)
        while len(self._known) > IMPORTS_REMEMBERED:
            self._known.popitem(last=False)
        with self.ledger.database.transaction() as side:
            loaded = self.ledger.chunks.with_records(side, ref)
            fresh = {told[0]: told for told in loaded if told not in kept.read}
            chunks = self.ledger.chunks.of_import(side, ref) if fresh else []
        for chunk in chunks:
            if chunk.number in fresh:
                kept.keys.add(keys_of(chunk))
                kept.read.add(fresh[chunk.number])
        return kept.keys
