"""What the documents of MileApp's import API promise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from rowport.dialects.mileapp.present import STATUSES, Downloads, record, word_of
from rowport.wire.dialect import Charter, Tally

if TYPE_CHECKING:
    from rowport.model.imports import Import

ROOT: Final = "/api/v3"


def _tally(job: Import) -> Tally:
    shown = record(job, organization_oid="", downloads=Downloads(template="", failed=None))
    total, good, failed = (
        cast("int", shown[n]) for n in ("totalRows", "totalValid", "totalInvalid")
    )
    return Tally(total=total, good=good, failed=failed)


CHARTER: Final = Charter(
    endpoints=(
        ("POST", f"{ROOT}/data/import"),
        ("GET", f"{ROOT}/import-monitoring"),
        ("GET", f"{ROOT}/import-monitoring/{{id}}"),
        ("GET", f"{ROOT}/import-configs"),
        ("POST", f"{ROOT}/import-config"),
        ("GET", f"{ROOT}/import-config/{{id}}"),
        ("PUT", f"{ROOT}/import-config/{{id}}"),
        ("DELETE", f"{ROOT}/import-config/{{id}}"),
        ("GET", f"{ROOT}/data-types"),
        ("POST", f"{ROOT}/data-type"),
        ("GET", f"{ROOT}/data-type/{{id}}"),
        ("PUT", f"{ROOT}/data-type/{{id}}"),
        ("PATCH", f"{ROOT}/data-type/{{id}}"),
        ("DELETE", f"{ROOT}/data-type/{{id}}"),
        ("GET", f"{ROOT}/flows"),
        ("GET", f"{ROOT}/hubs"),
        ("POST", f"{ROOT}/data/bulk"),
        ("POST", f"{ROOT}/data/bulk/upsert"),
    ),
    words=frozenset(STATUSES),
    unsaid={},
    word=lambda job: word_of(job.state, job.result),
    tally=_tally,
)
