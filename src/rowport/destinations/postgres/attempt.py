"""One attempt at loading a batch, inside a savepoint of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rowport.destinations.postgres.copying import copy_in
from rowport.destinations.postgres.fates import Fates, fail_key
from rowport.destinations.postgres.matching import (
    Changes,
    Matches,
    before_images,
    change,
    oldest,
    probe,
)
from rowport.destinations.postgres.one_by_one import Said, load_one_by_one
from rowport.destinations.postgres.refusals import in_words
from rowport.destinations.postgres.twins import first_of_key, in_key_order, lacks_key
from rowport.engine.record_ids import ID_BYTES, as_uuid_array, record_id_bytes
from rowport.model.imports import Mode, OnMatch
from rowport.model.outcomes import Outcome, RowErrorCode

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from psycopg import Connection

    from rowport.destinations.postgres.fates import Places
    from rowport.destinations.postgres.target import Target
    from rowport.ports import LoadBatch


class RowsLeftOut(Exception):
    """The table took fewer rows than it was given: a trigger left some out."""


class Attempt:
    """Decides the fate of each row of a batch; thrown away if the database refuses."""

    def __init__(self, connection: Connection[Any], target: Target, batch: LoadBatch) -> None:
        self._connection = connection
        self._target = target
        self._batch = batch
        self._row = np.asarray(batch.row, np.int64)
        self.fates = Fates(batch.import_id, self._row)
        self._first = np.arange(self._row.size, dtype=np.int64)
        if target.key:
            keys = target.values.select([column.name for column in target.key])
            if not batch.key_rules.creates_keyless:
                self._fail_without_key(keys)
            self._first = first_of_key(keys)

    @property
    def _open(self) -> Places:
        """Rows without a fate."""
        return np.flatnonzero(self.fates.outcome == Outcome.PENDING)

    def suppose_all_new(self) -> None:
        """Say that every row would become a new record, and write none."""
        self.fates.created(self._open)

    def load_directly(self) -> None:
        """Take every row for a new record, but for those that may repeat an earlier row's key."""
        places = self._open
        firsts = places[self._first[places] == places]
        doubtful = self._doubtful(firsts)
        new, old, ids, _ = self._sort_out(doubtful) if doubtful.size else _all_new(doubtful)
        self._create(np.union1d(np.setdiff1d(firsts, doubtful, assume_unique=True), new))
        if old.size:
            self._update(old, ids)
        self._fail_twins()

    def _doubtful(self, firsts: Places) -> Places:
        """Give the rows whose key an earlier row of the import may have had, as far as known."""
        known = self._batch.may_repeat() if self._batch.may_repeat else None
        return firsts[:0] if known is None else firsts[known[firsts]]

    @property
    def mostly_unchanged(self) -> bool:
        """At least three rows of four met a record that has their values already."""
        same = np.count_nonzero(self.fates.outcome == Outcome.UNCHANGED)
        return bool(same and 4 * same >= 3 * self._row.size)

    def load_matching(self, *, compare: bool = False) -> bool:
        """Look for existing records first; tells whether there were any of before the import.

        With `compare` whole rows are sent at once: right where `mostly_unchanged` will be true.
        """
        places = self._open
        firsts = places[self._first[places] == places]
        new, old, ids, found = self._sort_out(firsts, compare=compare)
        if self._batch.mode is Mode.VALIDATE:
            self.fates.created(new)
        else:
            self._create(new)
        if old.size:
            self._update(old, ids)
        self._fail_twins()
        return found

    def load_one_by_one(self) -> None:
        """Let each refused row fail alone."""
        self._fail_nul()
        places = self._open
        self._first = self._first_among(places)
        firsts = places[self._first[places] == places]
        new, old, ids, _ = self._sort_out(firsts) if self._target.key else _all_new(firsts)
        tried = np.zeros(self._row.size, np.bool_)
        tried[new] = tried[old] = True
        met = np.zeros((self._row.size, ID_BYTES), np.uint8)
        has_met = np.zeros(self._row.size, np.bool_)
        met[old], has_met[old] = ids, True
        places = places[tried[self._first[places]]]
        family = self._first[places]
        said = load_one_by_one(
            self._connection,
            self._target,
            self._batch.import_id,
            row=self._row,
            places=places,
            family=family,
            new_id=record_id_bytes(self._batch.import_id, self._row[places]),
            met=met[family],
            has_met=has_met[family],
        )
        self._settle(said, met)
        self._fail_twins()

    # ---------------------------------------------------------------------------- the new ones

    def _create(self, places: Places) -> None:
        if not places.size:
            return
        rows = self._target.values
        if self._target.key:
            keys = rows.select([column.name for column in self._target.key])
            places = places[in_key_order(keys.take(pa.array(places)))]
            rows = rows.take(pa.array(places))
        elif places.size < rows.num_rows:
            rows = rows.take(pa.array(places))
        ids = record_id_bytes(self._batch.import_id, self._row[places])
        author = np.broadcast_to(
            np.frombuffer(self._batch.import_id.bytes, np.uint8), (places.size, ID_BYTES)
        )
        for name, column in (
            ("rowport_row", pa.array(self._row[places])),
            ("rowport_import", as_uuid_array(author)),
            ("rowport_id", as_uuid_array(ids)),
        ):
            rows = rows.add_column(0, name, column)
        taken = copy_in(self._connection, self._target.table, rows, self._target.json_columns)
        if taken != places.size:
            raise RowsLeftOut
        self.fates.created(places)

    # ----------------------------------------------------------------------- the existing ones

    def _sort_out(
        self, places: Places, *, compare: bool = False
    ) -> tuple[Places, Places, NDArray[np.uint8], bool]:
        """Settle what needs no writing.

        Gives the places of new records, those of existing ones that may be updated with their
        ids, and whether any record existed that this import did not write.
        """
        matches = probe(
            self._connection, self._target, self._batch.import_id, places, compare=compare
        )
        lacks = np.ones(self._row.size, np.bool_)
        lacks[matches.place] = False
        missing = places[lacks[places]]
        if self._batch.mode is Mode.UPDATE and missing.size:
            self._fail_families(missing, RowErrorCode.NOT_FOUND, "is the key of no record.")
            missing = missing[:0]
        matches = self._one_each(matches)
        again = matches.ours & (matches.row != self._row[matches.place])
        if again.any():
            self._settle_again(
                matches.place[again],
                matches.record_id[again],
                "was loaded from another row of this import already, row ",
                other_row=matches.row[again],
            )
        old, ids = matches.place[~again], matches.record_id[~again]
        found = bool(old.size)
        old, ids = self._without_met(old, ids)
        if old.size and self._settle_unwritten(old, ids):
            old, ids = old[:0], ids[:0]
        old, ids = self._without_same(old, ids, matches.place[matches.same])
        return missing, old, ids, found

    def _without_same(
        self, old: Places, ids: NDArray[np.uint8], same: Places
    ) -> tuple[Places, NDArray[np.uint8]]:
        """Settle rows whose record has their values already."""
        here = np.isin(old, same)
        self.fates.met(old[here], ids[here], Outcome.UNCHANGED)
        return old[~here], ids[~here]

    def _without_met(self, old: Places, ids: NDArray[np.uint8]) -> tuple[Places, NDArray[np.uint8]]:
        """Fail rows whose record an earlier row met and left as it is."""
        if self._batch.met is None or not old.size:
            return old, ids
        twice = self._batch.met(ids)
        if twice.any():
            why = "stands in an earlier row of this import already."
            self._settle_again(old[twice], ids[twice], why)
        return old[~twice], ids[~twice]

    def _settle_again(
        self,
        firsts: Places,
        ids: NDArray[np.uint8],
        why: str,
        other_row: NDArray[np.int64] | None = None,
    ) -> None:
        """Settle rows whose record an earlier row of the import made or met."""
        if self._batch.key_rules.skips_repeats:
            self.fates.met(firsts, ids, Outcome.SKIPPED)
        else:
            self._fail_families(firsts, RowErrorCode.UNIQUE, why, other_row=other_row)

    def _one_each(self, matches: Matches) -> Matches:
        """Fail rows whose key several records have, or take the oldest of them.

        Only a key without an index can be so.
        """
        if self._batch.key_rules.takes_any_field:
            return oldest(matches)
        if (np.diff(matches.place) > 0).all():
            return matches
        _, start, count = np.unique(matches.place, return_index=True, return_counts=True)
        if (count > 1).any():
            several = matches.place[start[count > 1]]
            self._fail_families(several, RowErrorCode.REFUSED, "is the key of several records.")
        alone = start[count == 1]
        return matches.take(alone)

    def _settle_unwritten(self, old: Places, ids: NDArray[np.uint8]) -> bool:
        """Settle rows whose records must not be touched; tells whether it did."""
        if self._batch.mode is Mode.INSERT or self._batch.on_match is OnMatch.ERROR:
            self._fail_families(
                old, RowErrorCode.EXISTS, "is the key of a record that exists already."
            )
            return True
        if self._batch.on_match is OnMatch.SKIP:
            self.fates.met(old, ids, Outcome.SKIPPED)
            return True
        return False

    def _update(self, places: Places, ids: NDArray[np.uint8]) -> None:
        write = self._batch.mode is not Mode.VALIDATE
        changes = change(
            self._connection,
            self._target,
            self._batch.import_id,
            row=self._row,
            places=places,
            record_id=ids,
            write=write,
        )
        if write and changes.written != np.count_nonzero(~changes.ours):
            raise RowsLeftOut
        self.fates.met(places, ids, Outcome.UNCHANGED)
        self._settle_changes(places, ids, changes)

    def _settle_changes(self, places: Places, ids: NDArray[np.uint8], changes: Changes) -> None:
        at = np.searchsorted(places, changes.place)
        self.fates.met(changes.place[~changes.ours], ids[at][~changes.ours], Outcome.UPDATED)
        if self._batch.mode is not Mode.VALIDATE:
            images = before_images(changes, ~changes.ours, self._row, as_uuid_array(ids[at]))
            self.fates.keep_before(images)
        self.fates.reopen(changes.place[changes.ours])
        self._fail_families(
            changes.place[changes.ours],
            RowErrorCode.UNIQUE,
            "was loaded from another row of this import already, row ",
            other_row=changes.row[changes.ours],
        )

    # -------------------------------------------------------------------------- the failed ones

    def _fail(
        self,
        places: Places,
        code: RowErrorCode,
        why: str,
        other_row: NDArray[np.int64] | None = None,
    ) -> None:
        fail_key(self.fates, self._target, places, code, why=why, other_row=other_row)

    def _fail_families(
        self,
        firsts: Places,
        code: RowErrorCode,
        why: str,
        other_row: NDArray[np.int64] | None = None,
    ) -> None:
        """Fail rows and their twins, which have the same key and so the same fault."""
        if not firsts.size:
            return
        is_first = np.zeros(self._row.size, np.bool_)
        is_first[firsts] = True
        others = np.zeros(self._row.size, np.int64)
        if other_row is not None:
            others[firsts] = other_row
        places = self._open
        places = places[is_first[self._first[places]]]
        shown = None if other_row is None else others[self._first[places]]
        self._fail(places, code, why, other_row=shown)

    def _fail_without_key(self, keys: pa.Table) -> None:
        lacking = np.flatnonzero(lacks_key(keys))
        self._fail(lacking, RowErrorCode.PRIMARY_KEY, "is no key: a cell of it is empty.")

    def _first_among(self, places: Places) -> Places:
        """Give the first row of each key among these rows alone."""
        if not self._target.key or places.size == self._row.size:
            return self._first
        keys = self._target.values.select([column.name for column in self._target.key])
        first = self._first.copy()
        first[places] = places[first_of_key(keys.take(pa.array(places)))]
        return first

    def _fail_twins(self) -> None:
        """Settle rows whose key stands in an earlier row of the batch."""
        places = self._open
        if not places.size:
            return
        winner = self._winners()[self._first[places]]
        if self._batch.key_rules.skips_repeats:
            self.fates.met(places, self.fates.ids[winner], Outcome.SKIPPED)
            return
        self._fail(
            places,
            RowErrorCode.UNIQUE,
            "stands in an earlier row already, row ",
            other_row=self._row[winner],
        )

    def _winners(self) -> Places:
        """Give for each first row the row of its key that was loaded; itself where none was."""
        winner = np.arange(self._row.size, dtype=np.int64)
        good = np.flatnonzero(
            (self.fates.outcome != Outcome.FAILED) & (self.fates.outcome != Outcome.PENDING)
        )
        winner[self._first[good]] = good
        return winner

    def _fail_nul(self) -> None:
        """Fail rows that no database text can hold, before they spoil a COPY."""
        for column in self._target.columns:
            values = self._target.values.column(column.name)
            if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
                continue
            holds = pc.fill_null(pc.match_substring(values, "\x00"), fill_value=False)
            bad = np.intersect1d(np.flatnonzero(holds.to_numpy()), self._open)
            self._fail_each(
                bad,
                [(RowErrorCode.NUL, column.field, "The cell holds U+0000.")] * bad.size,
            )

    def _fail_each(
        self, places: Places, reasons: list[tuple[RowErrorCode, str | None, str]]
    ) -> None:
        """Fail rows, each for its own reason: code, field, message."""
        by_field = {column.field: column.name for column in self._target.columns}
        for code in {reason[0] for reason in reasons}:
            these = [at for at, reason in enumerate(reasons) if reason[0] is code]
            values: list[str | None] = []
            for at in these:
                name = by_field.get(reasons[at][1] or "")
                cell = name and self._target.values.column(name)[int(places[at])].as_py()
                values.append(None if cell is None or name is None else str(cell))
            self.fates.failed(
                places[these],
                code,
                messages=pa.array([reasons[at][2] for at in these], pa.string()),
                fields=pa.array([reasons[at][1] for at in these], pa.string()),
                values=pa.array(values, pa.string()),
            )

    # --------------------------------------------------------------------- what one by one told

    def _settle(self, said: Said, met: NDArray[np.uint8]) -> None:
        self.fates.created(said.place[said.word == "created"])
        for word, outcome in (("updated", Outcome.UPDATED), ("unchanged", Outcome.UNCHANGED)):
            places = said.place[said.word == word]
            self.fates.met(places, met[self._first[places]], outcome)
        failed = said.place[said.word == "failed"]
        self._fail_each(failed, [in_words(self._target, refusal) for refusal in said.refusals])
        places = said.before_place
        images = pa.table(
            {
                "row": pa.array(self._row[places]),
                "record_id": as_uuid_array(met[self._first[places]]),
            }
        )
        for name, column in zip(said.before.column_names, said.before.columns, strict=True):
            images = images.append_column(name, column)
        self.fates.keep_before(images)


def _all_new(places: Places) -> tuple[Places, Places, NDArray[np.uint8], bool]:
    return places, places[:0], np.zeros((0, ID_BYTES), np.uint8), False
