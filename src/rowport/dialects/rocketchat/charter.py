"""What the documents of Rocket.Chat's import API promise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rowport.dialects.rocketchat.present import STATES, Operation
from rowport.dialects.rocketchat.routes import BASE
from rowport.wire.dialect import Charter, Tally

if TYPE_CHECKING:
    from rowport.model.imports import Import

POSTED: Final = (
    "login",
    "import.new",
    "import.addUsers",
    "import.run",
    "import.clear",
    "uploadImportFile",
    "downloadPublicImportFile",
    "startImport",
    "downloadPendingFiles",
    "downloadPendingAvatars",
)
GOTTEN: Final = (
    "import.status",
    "getCurrentImportOperation",
    "getImportProgress",
    "getImportFileData",
    "getLatestImportOperations",
    "importers.list",
)


def _word(job: Import) -> str:
    return Operation(job=job, is_current=True).state


def _tally(job: Import) -> Tally:
    counts = job.counts
    return Tally(total=counts.total, good=counts.processed - counts.failed, failed=counts.failed)


CHARTER: Final = Charter(
    endpoints=(
        *(("POST", BASE + name) for name in POSTED),
        *(("GET", BASE + name) for name in GOTTEN),
    ),
    words=frozenset({"none", *STATES.values()}),
    unsaid={"none": "it is said of a workspace that has no operation, never of an import"},
    word=_word,
    tally=_tally,
)
"""Source: the published pages of the import endpoints; see README.md."""
