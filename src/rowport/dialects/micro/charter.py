"""What the documents of Micro's import API promise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from rowport.dialects.micro.present import job_document, status_of
from rowport.model.states import ImportState
from rowport.wire.dialect import Charter, Tally

if TYPE_CHECKING:
    from rowport.model.imports import Import

ROOT: Final = "/v2/prism/{teamId}"


def _tally(job: Import) -> Tally:
    shown = job_document(job, None)
    total, good, failed = (cast("int", shown[n]) for n in ("total", "succeeded", "failed"))
    return Tally(total=total, good=good, failed=failed)


CHARTER: Final = Charter(
    endpoints=(
        ("POST", f"{ROOT}/{{objectType}}/import"),
        ("GET", f"{ROOT}/imports/{{jobId}}"),
        ("GET", f"{ROOT}/properties"),
        ("GET", f"{ROOT}/{{objectType}}/properties"),
    ),
    words=frozenset({"processing", "complete", "failed"}),
    unsaid={},
    word=lambda job: None if job.state is ImportState.DRAFT else status_of(job),
    tally=_tally,
)
