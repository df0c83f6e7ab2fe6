"""The fate of each row, read back from the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import TYPE_CHECKING

from rowport.engine.accounting import row_outcomes
from rowport.model.errors import ImportNotFound, ResultsExpired
from rowport.model.outcomes import Outcome, RowOutcome
from rowport.model.retention import RetentionKind
from rowport.ports.ledger import ImportRef

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from rowport.engine.error_groups import ErrorGroup
    from rowport.model.imports import Import
    from rowport.ports.ledger import Ledger
    from rowport.ports.told import StoredChunkResult


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRows:
    """What a failed-rows file is made of."""

    header: tuple[str, ...]
    """The header cells of the file as they stood."""
    rows: Iterator[RowOutcome]
    """The failed rows in order, each with its raw cells and errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Reads the row ledger."""

    ledger: Ledger

    def outcomes(
        self, organization_id: UUID, import_id: UUID, *, outcome: Outcome | None = None
    ) -> Iterator[RowOutcome]:
        """Give the fate of each row in order, or of the rows with one outcome.

        Rows are read a chunk at a time, from one snapshot.

        Raises:
            ImportNotFound: this organization has none of this id (at once, not on iteration).
            ResultsExpired: they are kept no more (likewise).
        """
        ref = ImportRef(organization_id=organization_id, import_id=import_id)
        self._import(ref)
        return self._iterate(ref, outcome)

    def page(
        self,
        organization_id: UUID,
        import_id: UUID,
        *,
        limit: int,
        after: int = 0,
        outcome: Outcome | None = None,
    ) -> Sequence[RowOutcome]:
        """Give the fate of the first `limit` rows behind row `after`, or of those with one outcome.

        Only the chunks that hold them are looked at.

        Raises:
            ImportNotFound: this organization has none of this id.
            ResultsExpired: they are kept no more.
        """
        ref = ImportRef(organization_id=organization_id, import_id=import_id)
        self._import(ref)
        found: list[RowOutcome] = []
        with self.ledger.database.tenant(organization_id) as tx:
            word = outcome.word if outcome is not None else None
            stored = self.ledger.chunks.page_results(
                tx, ref, after=after, limit=limit, outcome=word
            )
            for chunk in stored:
                most = limit - len(found)
                found += islice(_of_chunk(import_id, chunk, outcome, most, after), most)
                if len(found) == limit:
                    break
        return found

    def error_groups(self, organization_id: UUID, import_id: UUID) -> Sequence[ErrorGroup]:
        """Give all errors of an import by code and field, the most frequent first.

        Raises:
            ImportNotFound: this organization has none of this id.
            ResultsExpired: they are kept no more.
        """
        from rowport.engine.error_groups import ErrorGroups  # noqa: PLC0415  brings Polars in

        ref = ImportRef(organization_id=organization_id, import_id=import_id)
        self._import(ref)
        groups = ErrorGroups()
        with self.ledger.database.tenant(organization_id) as tx:
            for errors in self.ledger.chunks.errors(tx, ref):
                groups.add_encoded(errors)
        return groups.groups

    def failed(self, organization_id: UUID, import_id: UUID) -> FailedRows:
        """Give the failed rows with the header of their file.

        Raises:
            ImportNotFound: this organization has none of this id.
            ResultsExpired: they are kept no more.
        """
        ref = ImportRef(organization_id=organization_id, import_id=import_id)
        job = self._import(ref)
        return FailedRows(header=header_of(job), rows=self._iterate(ref, Outcome.FAILED))

    def failed_of(
        self, organization_id: UUID, import_ids: Sequence[UUID], *, limit: int | None = None
    ) -> Iterator[tuple[UUID, Iterator[RowOutcome]]]:
        """Give the failed rows of several imports in order, for one look at the ledger.

        Imports without failed rows, those of others, and expired ones are left out.  Take the
        rows of each before going on.  `limit`: only the first so many of each.
        """
        if not import_ids:
            return
        with self.ledger.database.tenant(organization_id) as tx:
            stored = self.ledger.chunks.failed_results(tx, organization_id, import_ids, limit=limit)
            for import_id, chunks in groupby(stored, key=itemgetter(0)):
                rows = chain.from_iterable(
                    _of_chunk(import_id, chunk, Outcome.FAILED, most=limit) for _, chunk in chunks
                )
                yield import_id, islice(rows, limit)

    def _import(self, ref: ImportRef) -> Import:
        with self.ledger.database.tenant(ref.organization_id) as tx:
            job = self.ledger.imports.get(tx, ref)
        if job is None:
            raise ImportNotFound(f"There is no import {ref.import_id}.")
        for expiry in job.expired:
            if expiry.kind is RetentionKind.RESULTS:
                raise ResultsExpired(
                    f"What became of the rows of import {ref.import_id} is known no more since "
                    f"{expiry.at:%Y-%m-%d}: it was {expiry.why}. Its counts are."
                )
        return job

    def _iterate(self, ref: ImportRef, wanted: Outcome | None) -> Iterator[RowOutcome]:
        failed_only = wanted is Outcome.FAILED
        with self.ledger.database.tenant(ref.organization_id) as tx:
            for stored in self.ledger.chunks.results(tx, ref, failed_only=failed_only):
                yield from _of_chunk(ref.import_id, stored, wanted)


def header_of(job: Import) -> tuple[str, ...]:
    """Give the header cells of an import's file as they stood; none while it is not read."""
    layout = job.files[0].layout if job.files else None
    header: list[str] = layout["header"] if layout else []  # type: ignore[assignment]  # JSON
    return tuple(header)


def _of_chunk(
    import_id: UUID,
    stored: StoredChunkResult,
    wanted: Outcome | None,
    most: int | None = None,
    after: int = 0,
) -> Iterator[RowOutcome]:
    if stored.outcomes is not None:
        yield from row_outcomes(
            import_id,
            first_row=stored.first_row,
            outcomes=stored.outcomes,
            errors=stored.errors,
            raw=stored.raw,
            undone=stored.undone,
            wanted=wanted,
            most=most,
            after=after,
        )
    elif wanted in {None, Outcome.PENDING}:
        for row in range(max(stored.first_row, after + 1), stored.first_row + stored.rows):
            yield RowOutcome(
                row=row,
                line=None,
                outcome=Outcome.PENDING,
                record_id=None,
                errors=(),
                raw=None,
            )
