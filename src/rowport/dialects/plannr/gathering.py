"""What belongs to imports that are shown: failed rows, reports, accounts; one look for all."""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import quote
from uuid import UUID

from rowport.dialects.plannr.present import MOST_ERRORS, Report, Shown, has_report, report_name
from rowport.model.outcomes import RowOutcome
from rowport.service.links import Link

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rowport.model.imports import Import
    from rowport.service import Services

FILES: Final = "/v1/files"
FORM: Final = "csv"
REMEMBERED: Final = 2000
MOST_CHARACTERS: Final = 64 * 1024
"""Failed rows with more text than this are read again rather than remembered."""

Rows = tuple[RowOutcome, ...]
Known = TypeVar("Known", int, Rows)
Key = tuple[UUID, datetime | None, int]
"""An import, when it ended and how many rows failed: it may be retried and end otherwise, and a
chunk in flight may still commit after the end."""


class Memory:
    """What is known of ended imports with failed rows, which does not change any more.

    A report is written once to tell how large it is, and failed rows stand packed with the other
    rows of their chunk: neither is worth doing again at every look.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sizes: OrderedDict[Key, int] = OrderedDict()
        self._rows: OrderedDict[Key, Rows] = OrderedDict()

    def sizes(self, services: Services, jobs: Sequence[Import]) -> dict[UUID, int]:
        """Give how many bytes the report of each import has; all are of one organization."""
        known = self._known(self._sizes, jobs)
        new = [job for job in jobs if job.id not in known]
        if new:
            found = services.artifacts.failed_rows_sizes(new[0].organization_id, new)
            self._learn(self._sizes, {_key(job): found.get(job.id, 0) for job in new})
            known |= {job.id: found.get(job.id, 0) for job in new}
        return known

    def rows(self, services: Services, jobs: Sequence[Import]) -> dict[UUID, Rows]:
        """Give the first failed rows of each import; all are of one organization."""
        known = self._known(self._rows, [job for job in jobs if job.state.is_final])
        new = {job.id: job for job in jobs if job.id not in known}
        if new:
            organization_id = jobs[0].organization_id
            first = services.rows.failed_of(organization_id, list(new), limit=MOST_ERRORS)
            found = {import_id: tuple(rows) for import_id, rows in first}
            ended = {_key(new[id_]): rows for id_, rows in found.items() if _keeps(new[id_], rows)}
            self._learn(self._rows, ended)
            known |= found
        return known

    def _known(self, memory: OrderedDict[Key, Known], jobs: Sequence[Import]) -> dict[UUID, Known]:
        with self._lock:
            return {job.id: memory[_key(job)] for job in jobs if _key(job) in memory}

    def _learn(self, memory: OrderedDict[Key, Known], found: Mapping[Key, Known]) -> None:
        with self._lock:
            memory.update(found)
            while len(memory) > REMEMBERED:
                memory.popitem(last=False)


def _key(job: Import) -> Key:
    return job.id, job.finished_at, job.counts.failed


def _keeps(job: Import, rows: Rows) -> bool:
    """Whether failed rows are worth remembering: they are the last word, and not too large."""
    cells = (len(cell) for row in rows for cell in row.raw or () if cell is not None)
    said = (len(error.message) for row in rows for error in row.errors)
    return job.state.is_final and sum(cells) + sum(said) <= MOST_CHARACTERS


_memory = Memory()


def gather(
    services: Services, jobs: Sequence[Import], base_url: str, *, with_accounts: bool
) -> list[Shown]:
    """Give imports of one organization with what belongs to them, in their order."""
    if not jobs:
        return []
    failed = _memory.rows(services, [job for job in jobs if job.counts.failed])
    reports = _reports(services, [job for job in jobs if has_report(job)], base_url)
    users = {job.created_by for job in jobs if job.created_by} if with_accounts else set()
    accounts = services.access.users(jobs[0].organization_id, sorted(users))
    return [
        Shown(
            job=job,
            # More may have failed since the import was looked at.
            failed=failed.get(job.id, ())[: job.counts.failed],
            report=reports.get(job.id),
            account=accounts.get(job.created_by) if job.created_by else None,
        )
        for job in jobs
    ]


def _reports(services: Services, jobs: Sequence[Import], base_url: str) -> dict[UUID, Report]:
    links = [
        Link(
            organization_id=job.organization_id,
            kind="failed-rows",
            subject=str(job.id),
            form=FORM,
            file_name=report_name(job),
        )
        for job in jobs
    ]
    sizes = _memory.sizes(services, jobs)
    signed = services.links.sign_all(links)
    return {
        job.id: Report(
            size_bytes=sizes[job.id],
            url=f"{base_url}{FILES}/{text}/{quote(link.file_name, safe='')}",
        )
        for job, link, text in zip(jobs, links, signed, strict=True)
    }
