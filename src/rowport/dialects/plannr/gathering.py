"""What belongs to imports that are shown: failed rows, reports, accounts; one look for all."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from rowport.dialects.plannr.present import MOST_ERRORS, Report, Shown, has_report, report_name
from rowport.service.links import Link

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from rowport.model.imports import Import
    from rowport.service import Services

FILES: Final = "/v1/files"
FORM: Final = "csv"
REMEMBERED: Final = 10_000


class Sizes:
    """How large the reports of ended imports are: a report is written once to tell, so keep it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[UUID, datetime | None], int] = OrderedDict()

    def of(self, services: Services, jobs: Sequence[Import]) -> Mapping[UUID, int]:
        """Give the sizes in bytes; all jobs are of one organization."""
        with self._lock:
            known = {job.id: self._known.get((job.id, job.finished_at)) for job in jobs}
        new = [job for job in jobs if known[job.id] is None]
        if new:
            found = services.artifacts.failed_rows_sizes(new[0].organization_id, new)
            with self._lock:
                for job in new:
                    known[job.id] = self._known[job.id, job.finished_at] = found.get(job.id, 0)
                while len(self._known) > REMEMBERED:
                    self._known.popitem(last=False)
        return {import_id: size or 0 for import_id, size in known.items()}


_sizes = Sizes()


def gather(
    services: Services, jobs: Sequence[Import], base_url: str, *, with_accounts: bool
) -> list[Shown]:
    """Give imports of one organization with what belongs to them, in their order."""
    if not jobs:
        return []
    organization_id = jobs[0].organization_id
    asked = [job.id for job in jobs if job.counts.failed]
    first = services.rows.failed_of(organization_id, asked, limit=MOST_ERRORS)
    failed = {import_id: tuple(rows) for import_id, rows in first}
    reports = _reports(services, [job for job in jobs if has_report(job)], base_url)
    users = {job.created_by for job in jobs if job.created_by} if with_accounts else set()
    accounts = services.access.users(organization_id, sorted(users))
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
    sizes = _sizes.of(services, jobs)
    signed = services.links.sign_all(links)
    return {
        job.id: Report(
            size_bytes=sizes[job.id],
            url=f"{base_url}{FILES}/{text}/{quote(link.file_name, safe='')}",
        )
        for job, link, text in zip(jobs, links, signed, strict=True)
    }
