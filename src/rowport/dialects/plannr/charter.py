"""What the documents of Plannr's import API promise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast, get_args
from zoneinfo import ZoneInfo

from rowport.dialects.plannr.present import Shown, index_document
from rowport.dialects.plannr.routes import PATH
from rowport.dialects.plannr.words import Status, status_of
from rowport.wire.dialect import Charter, Tally

if TYPE_CHECKING:
    from rowport.model.imports import Import


def _tally(job: Import) -> Tally:
    shown = index_document(Shown(job=job), ZoneInfo("UTC"), with_account=False)
    total, left, failed = (
        cast("int", shown[n]) for n in ("total_jobs", "jobs_remaining", "failed_jobs")
    )
    return Tally(total=total, good=total - left - failed, failed=failed)


CHARTER: Final = Charter(
    endpoints=(
        ("POST", PATH),
        ("POST", f"{PATH}/map/{{import_uuid}}"),
        ("POST", f"{PATH}/start/{{import_uuid}}"),
        ("GET", f"{PATH}/{{uuid}}"),
        ("GET", PATH),
    ),
    words=frozenset(get_args(Status)),
    unsaid={},
    word=status_of,
    tally=_tally,
)
