"""An import made of a request: run at once when it is small, in the background when not."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import msgspec

from rowport.dialects.micro.facets import NAME, threshold_of
from rowport.dialects.micro.present import job_document
from rowport.dialects.micro.replaying import Answer
from rowport.model.errors import Unavailable
from rowport.model.imports import ImportOptions, KeyRules, Mode, OnMatch
from rowport.model.states import ImportState
from rowport.ports.ledger import Circumstances

if TYPE_CHECKING:
    from rowport.dialects.micro.bodies import Wanted
    from rowport.model.access import Principal
    from rowport.model.imports import Import
    from rowport.model.record_types import RecordType
    from rowport.service import Services

ASYNC_FROM: Final = 100
"""Rows from which an import is asynchronous; an organization's facet `async_from` changes it.

Source: an older text of the vendor's documents; today's do not print a number.
"""
PATIENCE_S: Final = 20.0
"""How long a small import is waited for before it is answered as an asynchronous one."""
FIRST_GLANCE_S: Final = 0.02
LONGEST_GLANCE_S: Final = 0.25
WITHOUT_KEY: Final = ImportOptions(mode=Mode.INSERT, format={"format": "jsonl"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Creation:
    """One create request, understood."""

    services: Services
    principal: Principal
    record_type: RecordType
    object_type: str
    wanted: Wanted
    root: str
    """What stands before the API's own paths."""

    async def answer(self) -> Answer:
        """Make the import and answer with its results, or with where to ask for them."""
        job = await asyncio.to_thread(self._start)
        if len(self.wanted.rows) < self._async_from:
            job = await self._ended(job)
            if job.state.is_final:
                # The import exists: whatever fails from here on must not let it be sent again.
                with suppress(Unavailable):
                    return await asyncio.to_thread(self._inlined, job)
        path = f"{self.root}/v2/prism/{job.organization_id}/imports/{job.id}"
        body = msgspec.json.encode(job_document(_as_running(job), None))
        return Answer(status=202, body=body, headers={"Location": path})

    @property
    def _async_from(self) -> int:
        return threshold_of(self.principal.organization.attributes, ASYNC_FROM)

    def _start(self) -> Import:
        return self.services.preparing.inline(
            self.record_type.organization_id,
            self.record_type.name,
            self.wanted.rows,
            options=options_of(self.wanted),
            around=Circumstances(
                created_by=self.principal.user.id,
                attributes={
                    "face": NAME,
                    NAME: {"object_type": self.object_type, "list_id": self.wanted.list_id},
                },
            ),
        )

    async def _ended(self, job: Import) -> Import:
        """Wait for the import's end for a while; give it as it is then."""
        deadline = time.monotonic() + PATIENCE_S
        pause_s = FIRST_GLANCE_S
        while not job.state.is_final and time.monotonic() < deadline:
            await asyncio.sleep(pause_s)
            pause_s = min(LONGEST_GLANCE_S, pause_s * 1.2)
            with suppress(Unavailable):  # the import goes on; it can still be asked for
                job = await asyncio.to_thread(
                    self.services.imports.get, job.organization_id, job.id
                )
        return job

    def _inlined(self, job: Import) -> Answer:
        """Give the whole job; it cannot be asked for afterwards."""
        facet = {"object_type": self.object_type, "list_id": self.wanted.list_id, "inlined": True}
        self.services.imports.set_attributes(job.organization_id, job.id, {NAME: facet})
        rows = None
        if job.state is ImportState.COMPLETED:
            rows = self.services.rows.outcomes(job.organization_id, job.id)
        return Answer(
            status=200, body=msgspec.json.encode(job_document(job, rows, is_inlined=True))
        )


def options_of(wanted: Wanted) -> ImportOptions:
    """Say what the engine is to do.

    Without a dedupe key every row is meant to be a new record; where the record type keeps a key
    of its own unique, a row that has a record already fails.
    """
    if wanted.dedupe_by is None:
        return WITHOUT_KEY
    return ImportOptions(
        key=(wanted.dedupe_by,),
        mode=Mode.UPSERT,
        on_match=OnMatch.SKIP,
        format={"format": "jsonl"},
        key_rules=KeyRules(
            folds_case=wanted.is_case_insensitive,
            skips_repeats=True,
            creates_keyless=True,
            takes_any_field=True,
        ),
    )


def _as_running(job: Import) -> Import:
    """Give the job as a 202 shows it, also when a quick worker has ended it meanwhile."""
    return replace(job, state=ImportState.RUNNING, error=None) if job.state.is_final else job
