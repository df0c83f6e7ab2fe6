"""Imports as operations: a pure projection of what the ledger says.

What only this face knows of an import stands in its attributes: under `rocketchat` what holds
from the beginning (`key`, the importer; `user`; `file`, `content_type`), and what changes each
under a key of its own, so that two writers never undo each other: `rocketchat_status` (the step,
while the import itself has not begun or was ended by hand), `rocketchat_valid` (false once it was
cleared), `rocketchat_due` (when a file must have arrived), `rocketchat_fault` (why it cannot be
read), `rocketchat_left_out` (how much of it is not loaded).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, assert_never

from rowport.dialects.rocketchat.layouts import IMPORTERS
from rowport.dialects.rocketchat.users import CONTACTS
from rowport.model.states import ImportState, Phase

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rowport.model.access import User
    from rowport.model.imports import Import

FACE: Final = "rocketchat"
STATUS: Final = "rocketchat_status"
VALID: Final = "rocketchat_valid"
DUE: Final = "rocketchat_due"
FAULT: Final = "rocketchat_fault"
LEFT_OUT: Final = "rocketchat_left_out"
API: Final = "api"
NOBODY: Final = "system"
"""The user of an import that no user began."""
Document = dict[str, object]

NEW: Final = "importer_new"
UPLOADING: Final = "importer_uploading"
DOWNLOADING: Final = "importer_downloading_file"
FILE_LOADED: Final = "importer_file_loaded"
PREPARING: Final = "importer_preparing_started"
USER_SELECTION: Final = "importer_user_selection"
STARTED: Final = "importer_importing_started"
IMPORTING_USERS: Final = "importer_importing_users"
IMPORTING_CONTACTS: Final = "importer_importing_contacts"
FINISHING: Final = "importer_finishing"
DONE: Final = "importer_done"
FAILED: Final = "importer_import_failed"
CANCELLED: Final = "importer_import_cancelled"

STATES: Final = {
    NEW: "new",
    UPLOADING: "loading",
    DOWNLOADING: "loading",
    FILE_LOADED: "loading",
    PREPARING: "loading",
    "importer_preparing_users": "loading",
    "importer_preparing_channels": "loading",
    "importer_preparing_messages": "loading",
    "importer_preparing_contacts": "loading",
    USER_SELECTION: "ready",
    STARTED: "importing",
    IMPORTING_USERS: "importing",
    "importer_importing_channels": "importing",
    "importer_importing_messages": "importing",
    IMPORTING_CONTACTS: "importing",
    "importer_importing_files": "importing",
    FINISHING: "importing",
    DONE: "done",
    FAILED: "error",
    CANCELLED: "canceled",
}
"""The state of each of the twenty steps, while the operation is valid."""

NAMES: Final = {
    API: "API",
    "pending-files": "Pending Files",
    "pending-avatars": "Pending Avatars",
    **{importer.key: importer.name for importer in IMPORTERS.values()},
}
"""What each importer is called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An import as this face sees it."""

    job: Import
    is_current: bool
    """Whether no newer operation has taken its place."""
    creator: str | None = None
    """The 24-hex id of who began it, where this face has not noted it itself."""

    @property
    def said(self) -> Mapping[str, object]:
        """What this face noted of it when it was made."""
        said = self.job.attributes.get(FACE)
        return said if isinstance(said, dict) else {}

    @property
    def key(self) -> str:
        """The importer's key."""
        facet = self.job.type_attributes.get(FACE)
        of_type = facet.get("importer") if isinstance(facet, dict) else None
        return str(self.said.get("key") or of_type or API)

    @property
    def is_valid(self) -> bool:
        """Whether it is the live operation."""
        return self.is_current and self.job.attributes.get(VALID) is not False

    @property
    def status(self) -> str:
        """Its step, the first of the words that fits."""
        noted = self.job.attributes.get(STATUS)
        if noted in {UPLOADING, DOWNLOADING} and self._is_overdue():
            return FAILED
        return str(noted) if noted in STATES else status_of(self.job)

    @property
    def state(self) -> str:
        """The word of `import.status`."""
        return state_of(self.status, is_valid=self.is_valid)

    def _is_overdue(self) -> bool:
        """Whether whoever brought the file must have died."""
        due = self.job.attributes.get(DUE)
        return not isinstance(due, str) or datetime.fromisoformat(due) < datetime.now(UTC)


def state_of(status: str, *, is_valid: bool) -> str:
    """Give the state of a step; the order of the two rules is the original's."""
    if not is_valid and status != DONE:
        return "error"
    return STATES[status]


Waiting = Literal[
    ImportState.DRAFT,
    ImportState.RECEIVING,
    ImportState.READING,
    ImportState.NEEDS_MAPPING,
    ImportState.READY,
]


def status_of(job: Import) -> str:
    """Give the step of an import that goes its own way."""
    match job.state:
        case (
            ImportState.DRAFT
            | ImportState.RECEIVING
            | ImportState.READING
            | ImportState.NEEDS_MAPPING
            | ImportState.READY
        ):
            return _before_start(job, job.state)
        case ImportState.QUEUED | ImportState.RUNNING | ImportState.PAUSING | ImportState.PAUSED:
            return _running(job)
        case ImportState.COMPLETED:
            return DONE
        case ImportState.FAILED:
            return FAILED
        case ImportState.CANCELING | ImportState.CANCELED:
            return CANCELLED
        case _:
            assert_never(job.state)


def _before_start(job: Import, state: Waiting) -> str:
    match state:
        case ImportState.DRAFT:
            return USER_SELECTION if job.counts.total else NEW
        case ImportState.RECEIVING:
            return UPLOADING
        case ImportState.READING:
            # Our own imports are read after they were started, those of other faces before.
            return STARTED if job.attributes.get("face") == FACE else PREPARING
        case ImportState.NEEDS_MAPPING:
            return FILE_LOADED
        case ImportState.READY:
            return USER_SELECTION
        case _:
            assert_never(state)


def _running(job: Import) -> str:
    if job.state is ImportState.QUEUED:
        return STARTED
    match job.phase:
        case Phase.FINISHING:
            return FINISHING
        case Phase.FETCHING | Phase.READING:
            return STARTED
        case Phase.VALIDATING | Phase.LOADING | None:
            return IMPORTING_CONTACTS if job.type_name == CONTACTS else IMPORTING_USERS
        case _:
            assert_never(job.phase)


def operation(shown: Operation) -> Document:
    """Say an operation."""
    job, key = shown.job, shown.key
    document: Document = {
        "_id": job.oid,
        "type": API if key == API else NAMES.get(key, key),
        "importerKey": key,
        "ts": moment(job.created_at),
        "status": shown.status,
        "valid": shown.is_valid,
        "user": str(shown.said.get("user") or shown.creator or NOBODY),
        "_updatedAt": moment(job.updated_at),
    }
    for name, noted in (("file", "file"), ("contentType", "content_type")):
        if noted in shown.said:
            document[name] = shown.said[noted]
    counted = count(shown)
    return {**document, "count": counted} if counted else document


def count(shown: Operation) -> Document:
    """Say the counts of an operation; nothing before its first row."""
    counts = shown.job.counts
    if not counts.total or STATES[shown.status] == "loading":
        return {}
    kind = "contacts" if shown.job.type_name == CONTACTS else "users"
    document: Document = {"total": counts.total, kind: counts.total}
    if counts.processed:
        document |= {"completed": counts.processed - counts.failed, "error": counts.failed}
    return document


def progress(shown: Operation) -> Document:
    """Say how far an operation is; here no count is ever absent."""
    counts = shown.job.counts
    total = 0 if STATES[shown.status] == "loading" else counts.total
    return {
        "key": shown.key,
        "name": NAMES.get(shown.key, shown.key),
        "step": shown.status,
        "count": {
            "completed": counts.processed - counts.failed,
            "total": total,
            "error": counts.failed,
        },
    }


def selection(name: str, rows: Sequence[Mapping[str, object]], *, version: int) -> Document:
    """Say what stands in the staging area, for people to choose from."""
    contacts = [_contact(row) for row in rows if "customFields" in row]
    users = [_user(row) for row in rows if "customFields" not in row]
    document: Document = {"name": name, "users": users, "channels": []}
    if version >= 7:  # noqa: PLR2004  contacts came with 7.1, message lists went
        document["contacts"] = contacts
    else:
        document["messages"] = []
    return {**document, "message_count": 0}


def _user(row: Mapping[str, object]) -> Document:
    ids = row.get("importIds")
    return {
        "user_id": ids[0] if isinstance(ids, list) and ids else "",
        "username": row.get("username") or "",
        "email": row.get("email") or "",
        "is_deleted": bool(row.get("deleted")),
        "is_bot": row.get("type") == "bot",
        "do_import": True,
        "is_email_taken": False,
    }


def _contact(row: Mapping[str, object]) -> Document:
    return {
        "id": row.get("id") or "",
        "name": row.get("name") or "",
        "emails": row.get("emails") or [],
        "phones": row.get("phones") or [],
        "do_import": True,
    }


def me(user: User) -> Document:
    """Say who logged in."""
    return {
        "_id": user.oid,
        "name": f"{user.first_name} {user.last_name}".strip(),
        "username": user.email.partition("@")[0],
        "emails": [{"address": user.email, "verified": True}],
        "email": user.email,
        "active": True,
        "roles": ["admin" if user.role == "admin" else "user"],
    }


def moment(when: datetime) -> str:
    """Write a time in UTC with three digits after the second, cut off."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
