"""Read a failed-rows file that was mended, check its rows against the ledger, and stage them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rowport.engine import again
from rowport.engine.accounting import numbers_of
from rowport.engine.mending import (
    Shape,
    as_before_where_empty,
    at_their_lines,
    in_words,
    mended_rows,
)
from rowport.engine.staging import freeze
from rowport.model.errors import NotMendable
from rowport.model.outcomes import Outcome
from rowport.ports.ledger import ImportRef
from rowport.service.chunk_reading import earlier_accounts
from rowport.service.reading import open_table
from rowport.service.rows import header_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rowport.engine.accounting import Accounts
    from rowport.engine.again import Rows
    from rowport.model.imports import Import
    from rowport.ports import BlobStore, Format, ParsedChunk
    from rowport.ports.ledger import Ledger, PlannedChunk


@dataclass(frozen=True, slots=True, kw_only=True)
class Mending:
    """From a mended file to rows that wait beside their chunks."""

    ledger: Ledger
    formats: Mapping[str, Format]
    blobs: BlobStore

    def stage(self, job: Import, file_name: str, folder: str) -> Mapping[int, str]:
        """Write the rows of `folder`/file for each chunk of the import; gives chunk -> blob.

        Raises:
            NotMendable: it is no failed-rows file of this import, or names rows that did not fail.
            UnreadableFile: it is no table.
        """
        table = open_table(self.formats, self.blobs.open(f"{folder}/file"), file_name, {})
        shape = Shape(header=header_of(job))
        rows = mended_rows(table.layout.header, table.chunks(), shape, name=file_name)
        ref = ImportRef(organization_id=job.organization_id, import_id=job.id)
        with self.ledger.database.tenant(job.organization_id) as tx:
            planned = self.ledger.chunks.of_import(tx, ref)
        _check_known(rows, planned, file_name)
        by_chunk = {chunk.number: again.only(rows, _span(chunk)) for chunk in planned}
        touched = [chunk for chunk in planned if by_chunk[chunk.number].rows]
        known = {chunk.number: self._accounts(job, chunk) for chunk in touched}
        _check_failed(rows, [(chunk, known[chunk.number]) for chunk in touched], file_name)
        staged = {}
        for chunk in touched:
            mended = _as_chunk(by_chunk[chunk.number], chunk, known[chunk.number], shape)
            staged[chunk.number] = f"{folder}/chunks/{chunk.number}"
            self.blobs.write(staged[chunk.number], iter([freeze(mended)]))
        return staged

    def _accounts(self, job: Import, chunk: PlannedChunk) -> Accounts:
        with self.ledger.database.tenant(job.organization_id) as tx:
            return earlier_accounts(self.ledger, tx, job, chunk)


def _span(chunk: PlannedChunk) -> Rows:
    first = chunk.span.first_row
    return np.arange(first, first + chunk.span.rows, dtype=np.int64)


def _as_chunk(
    mended: ParsedChunk, chunk: PlannedChunk, known: Accounts, shape: Shape
) -> ParsedChunk:
    first = chunk.span.first_row
    failed = again.as_it_failed(known, numbers_of(mended), shape.width, first)
    return at_their_lines(as_before_where_empty(mended, failed), known, first)


def _check_known(rows: ParsedChunk, planned: Sequence[PlannedChunk], name: str) -> None:
    numbers = numbers_of(rows)
    last = max((c.span.first_row + c.span.rows - 1 for c in planned), default=0)
    if (unknown := numbers[numbers > last]).size:
        raise NotMendable(
            f"{name} has {in_words(unknown)}, but the import has {last:,} rows. "
            "Nothing was changed."
        )


def _check_failed(
    rows: ParsedChunk, touched: Sequence[tuple[PlannedChunk, Accounts]], name: str
) -> None:
    numbers = numbers_of(rows)
    pending, fine = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for chunk, known in touched:
        here = numbers[np.isin(numbers, _span(chunk))]
        outcome = known.outcomes["outcome"].to_numpy()[here - chunk.span.first_row]
        pending.append(here[outcome == Outcome.PENDING])
        fine.append(here[(outcome != Outcome.PENDING) & (outcome != Outcome.FAILED)])
    if (loaded := np.concatenate(fine)).size:
        raise NotMendable(
            f"{name} has {in_words(loaded)}, which did not fail: only failed rows can be mended. "
            "Take them out and send it again; nothing was changed."
        )
    if (unread := np.concatenate(pending)).size:
        raise NotMendable(
            f"{name} has {in_words(unread)}, never processed so far: `rowport retry` tries such "
            "rows. Take them out and send it again; nothing was changed."
        )
