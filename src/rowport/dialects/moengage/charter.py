"""What the documents of MoEngage's File Import API promise."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Final, cast

from rowport.dialects.moengage.facets import Facet, Workspace
from rowport.dialects.moengage.present import file_item, status_of
from rowport.dialects.moengage.routes import HISTORY, STATUS, TRIGGER
from rowport.dialects.moengage.words import ImportStatus, ImportType
from rowport.model.feeds import Definition, FileRun
from rowport.wire.dialect import Charter, Tally

if TYPE_CHECKING:
    from rowport.model.imports import Import

SOMEWHERE: Final = Workspace(id="", zone_name="UTC", zone=UTC, next_zone=UTC, is_suspended=False)


def _tally(job: Import) -> Tally:
    file = FileRun(
        oid=job.oid,
        name="",
        size_bytes=0,
        state=job.state,
        error=None,
        counts=job.counts,
        scheduled_at=job.created_at,
        finished_at=job.finished_at,
    )
    shown = file_item(file, Facet(type=ImportType.USERS, primary_key="", retention=None), SOMEWHERE)
    rows = {name: cast("int", shown[f"{name}_rows"]) for name in KINDS}
    good = rows["added"] + rows["updated"] + rows["skipped"]
    return Tally(total=rows["total"], good=good, failed=rows["failed"])


KINDS: Final = ("total", "added", "updated", "skipped", "failed")
CHARTER: Final = Charter(
    endpoints=(("POST", STATUS), ("POST", HISTORY), ("POST", TRIGGER)),
    words=frozenset(ImportStatus),
    unsaid={},
    word=lambda job: status_of(Definition(feed=None, last_run=job)),
    tally=_tally,
)
