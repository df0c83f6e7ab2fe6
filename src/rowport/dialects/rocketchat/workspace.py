"""The operations of a workspace: at most one is current, and a newer one takes its place."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rowport.dialects.rocketchat.errors import plain
from rowport.dialects.rocketchat.present import (
    API,
    FACE,
    NAMES,
    NEW,
    STATES,
    STATUS,
    USER_SELECTION,
    VALID,
    Operation,
)
from rowport.dialects.rocketchat.setup import ensure_types
from rowport.dialects.rocketchat.users import USERS, lacks_data, to_row, with_roles
from rowport.model.errors import IllegalTransition, RecordTypeNotFound
from rowport.model.imports import ImportOptions, Mode
from rowport.model.outcomes import Outcome
from rowport.model.states import ImportState
from rowport.ports.ledger import Circumstances
from rowport.ports.queries import ImportQuery

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from rowport.model.access import Principal
    from rowport.model.imports import Import
    from rowport.service import Services

NEWEST_VERSION: Final = 8
VERSIONS: Final = {"6": 6, "7": 7, "8": 8}
SHOWN: Final = 20
LOOKED_AT: Final = 40
"""The list is in the order of the last change, the ledger's in that of creation; operations
change only while they are current, so that the two hardly differ."""
NOT_INITIALIZED: Final = "Import operation not initialized."
TAKES_NO_DATA: Final = "The current import operation can not receive new data."
IS_FINISHED: Final = "The current import operation is already finished."
LACKS_DATA: Final = "Users are missing required data."
INVALID_ROLES: Final = "One or more of the users have been assigned invalid roles."
TAKES_CONTACTS: Final = "The current import operation takes contacts; create a new one for users."
NOT_FOUND: Final = "error-operation-not-found"
INVALID_STATUS: Final = "error-invalid-operation-status"
NOT_DEFINED: Final = "error-importer-not-defined"
ENDED: Final = (Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED, Outcome.SKIPPED)
UNDER_WAY: Final = frozenset(
    {
        ImportState.READING,
        ImportState.QUEUED,
        ImportState.RUNNING,
        ImportState.PAUSING,
        ImportState.PAUSED,
        ImportState.CANCELING,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """What one caller may do in their organization; every call blocks."""

    services: Services
    who: Principal

    @property
    def version(self) -> int:
        """The version of the original that is spoken here: the organization's, or the newest."""
        return VERSIONS.get(str(self.settings.get("version")), NEWEST_VERSION)

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the organization set for this face."""
        said = self.who.organization.attributes.get(FACE)
        return said if isinstance(said, dict) else {}

    @property
    def organization_id(self) -> UUID:
        """Whose operations these are."""
        return self.who.organization.id

    # -------------------------------------------------------------------------------- looking

    def current(self) -> Operation | None:
        """Give the newest operation that this face made."""
        query = ImportQuery(facet=FACE, attributes={"face": FACE}, limit=1, is_counted=False)
        found, _ = self.services.imports.find(self.organization_id, query)
        return Operation(job=found[0], is_current=True) if found else None

    def latest(self) -> list[Operation]:
        """Give the operations changed last, also those that other faces began."""
        query = ImportQuery(facet=FACE, limit=LOOKED_AT, is_counted=False)
        found, _ = self.services.imports.find(self.organization_id, query)
        ours = [job.id for job in found if job.attributes.get("face") == FACE]
        newest = sorted(found, key=lambda job: job.updated_at, reverse=True)[:SHOWN]
        ids = {job.created_by for job in newest if job.created_by}
        users = self.services.access.users(self.organization_id, sorted(ids))
        creators = {user.id: user.oid for user in users.values()}
        return [
            Operation(
                job=job,
                # Of ours only the newest is current; those of other faces are never replaced.
                is_current=job.id not in ours[1:],
                creator=creators.get(job.created_by) if job.created_by else None,
            )
            for job in newest
        ]

    def staged(self, shown: Operation) -> list[Mapping[str, object]]:
        """Give the rows in the staging area: all of a draft, later those that did not load."""
        if not shown.is_valid:
            return []
        job = shown.job
        rows = self.services.preparing.rows(self.organization_id, job.id)
        if not job.chunks.total:
            return list(rows) if job.state is not ImportState.COMPLETED else []
        fates = self.services.rows.outcomes(self.organization_id, job.id)
        loaded = {fate.row for fate in fates if fate.outcome in ENDED}
        return [row for number, row in enumerate(rows, start=1) if number not in loaded]

    # -------------------------------------------------------------------------------- changing

    def begin(
        self,
        key: str = API,
        *,
        type_name: str = USERS,
        noted: Mapping[str, object] | None = None,
        status: Mapping[str, object] | None = None,
    ) -> Operation:
        """Make an operation; the one before it is over and its staging area empty."""
        before = self.current()
        if before is not None:
            self._end(before)
        made = self._draft(
            type_name,
            attributes={
                "face": FACE,
                FACE: {"key": key, "user": self.who.user.oid, **(noted or {})},
                **(status or {}),
            },
        )
        return Operation(job=made, is_current=True)

    def _draft(self, type_name: str, *, attributes: Mapping[str, object]) -> Import:
        around = Circumstances(created_by=self.who.user.id, attributes=attributes)
        options = ImportOptions(mode=Mode.INSERT)
        draft = self.services.preparing.draft
        try:
            return draft(self.organization_id, type_name, options=options, around=around)
        except RecordTypeNotFound:
            ensure_types(self.services, self.who.organization)
            return draft(self.organization_id, type_name, options=options, around=around)

    def _end(self, shown: Operation) -> None:
        if shown.job.state not in UNDER_WAY and not shown.job.state.is_final:
            self.note(shown, {STATUS: shown.status})
        self.cancel(shown)

    def clear(self) -> None:
        """Empty the staging area; a run is interrupted, anything else is no longer valid."""
        shown = self.current()
        if shown is None:
            return
        if shown.job.state in UNDER_WAY:
            self.cancel(shown)
            return
        status = {} if shown.job.state.is_final else {STATUS: shown.status}
        self.note(shown, {VALID: False, **status})
        self.cancel(shown)

    def cancel(self, shown: Operation) -> None:
        """End the import itself, if it has not ended."""
        with suppress(IllegalTransition):
            self.services.imports.cancel(self.organization_id, shown.job.id)

    def note(self, shown: Operation, attributes: Mapping[str, object]) -> Operation:
        """Keep what this face knows of an operation."""
        job = self.services.imports.set_attributes(self.organization_id, shown.job.id, attributes)
        return Operation(job=job, is_current=shown.is_current)

    def add_users(self, users: Sequence[Mapping[str, Any]]) -> None:
        """Put users into the staging area: all of them or none.

        Raises:
            Refused: there is no operation that takes them, or one of them cannot be.
        """
        if not users:
            return
        shown = self.current()
        if shown is None or not shown.is_valid:
            raise plain(NOT_INITIALIZED)
        if shown.state not in {"new", "ready"}:
            is_busy = shown.state in {"loading", "importing"}
            raise plain(TAKES_NO_DATA if is_busy else IS_FINISHED)
        if shown.job.type_name != USERS:
            raise plain(TAKES_CONTACTS)
        if lacks_data(users):
            raise plain(LACKS_DATA)
        complete = with_roles(users, self.settings.get("roles", ()))
        if complete is None:
            raise plain(INVALID_ROLES)
        shown = self.reopened(shown)
        try:
            rows = [to_row(user) for user in complete]
            self.services.preparing.add_rows(self.organization_id, shown.job.id, rows)
        except IllegalTransition:
            raise plain(TAKES_NO_DATA) from None
        self.note(shown, {STATUS: None})

    def run(self) -> None:
        """Let workers load what is staged; only new users, none is changed.

        Raises:
            Refused: there is nothing that can run.
        """
        shown = self.current()
        if shown is None or not shown.is_valid:
            raise plain(NOT_FOUND)
        if shown.status != USER_SELECTION:
            raise plain(INVALID_STATUS)
        if shown.key not in NAMES:
            raise plain(NOT_DEFINED)
        self.submit(self.reopened(shown))

    def submit(self, shown: Operation) -> None:
        """Send a staged operation on its way.

        Raises:
            Refused: somebody else did.
        """
        if shown.job.attributes.get(STATUS) is not None:
            self.note(shown, {STATUS: None})
        try:
            self.services.preparing.submit(self.organization_id, shown.job.id)
        except IllegalTransition:
            raise plain(INVALID_STATUS) from None

    def reopened(self, shown: Operation) -> Operation:
        """Give an operation that can be changed: this one, or a new one of what it left."""
        if shown.job.state is ImportState.DRAFT:
            return shown
        rows = self.staged(shown)
        self.note(shown, {STATUS: None})
        made = self.begin(shown.key, type_name=shown.job.type_name)
        if rows:
            self.services.preparing.add_rows(self.organization_id, made.job.id, rows)
        return made

    def select(self, shown: Operation) -> Operation:
        """Bring a fresh, a prepared or an ended operation to where its users are chosen."""
        is_open = STATES[shown.status] in {"done", "canceled", "error"} or shown.status == NEW
        if not (is_open and shown.is_valid):
            return shown
        return self.note(shown, {STATUS: USER_SELECTION})
