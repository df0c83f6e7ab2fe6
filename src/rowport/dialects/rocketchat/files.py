"""Operations that begin with a file: upload, download, selection and start."""

from __future__ import annotations

import base64
import binascii
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from rowport.dialects.rocketchat.ajv import Mismatch, check
from rowport.dialects.rocketchat.bodies import LISTED, SELECTED
from rowport.dialects.rocketchat.errors import coded, mismatch, no_importer, no_operation, plain
from rowport.dialects.rocketchat.layouts import IMPORTERS, Importer, Taken
from rowport.dialects.rocketchat.present import (
    DOWNLOADING,
    DUE,
    FAILED,
    FAULT,
    FILE_LOADED,
    LEFT_OUT,
    NAMES,
    PREPARING,
    STATES,
    STATUS,
    UPLOADING,
    USER_SELECTION,
    Document,
    Operation,
    selection,
)
from rowport.dialects.rocketchat.users import CONTACTS, USERS
from rowport.model.errors import IllegalTransition, RowportError, UnreadableFile
from rowport.model.imports import ImportOptions, Mode, OnMatch
from rowport.model.states import ImportState
from rowport.outbound.fetching import DEADLINE_S, fetch
from rowport.outbound.guard import Target, Unsafe, resolve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rowport.dialects.rocketchat.workspace import Workspace

LONGEST_NAME: Final = 255
BASE64: Final = str.maketrans("-_", "+/", " \t\r\n")
"""The alphabet for URLs as the usual one, and no blanks."""
SSRF: Final = "error-ssrf-validation-failed"
KINDS: Final = ("users", "channels", "contacts")
MARGIN_S: Final = 30.0
"""What has not arrived so long after its deadline died with its process."""
WAITING: Final = frozenset({UPLOADING, DOWNLOADING, PREPARING})


def upload(space: Workspace, body: Mapping[str, str]) -> Document:
    """Take a file that came as base64; it waits until its selection is asked for."""
    importer = _importer(space, body["importerKey"], "uploadImportFile")
    content = decoded(body["binaryContent"])
    name, media_type = body["fileName"], body["contentType"]
    if any("\x00" in text or len(text) > LONGEST_NAME for text in (name, media_type)):
        raise plain("fileName and contentType have at most 255 characters and no NUL.")
    _land(space, importer, content, noted=_file(space, name, media_type))
    return {}


def decoded(text: str) -> bytes:
    """Give the bytes of base64, wrapped into lines or not, padded or not, of either alphabet.

    Raises:
        Refused: it is no base64.
    """
    plain_text = text.translate(BASE64)
    try:
        padding = "=" * (-len(plain_text) % 4)
        return base64.b64decode(plain_text + padding, validate=True)
    except (binascii.Error, ValueError):
        raise plain("binaryContent is not base64; encode the bytes of the file.") from None


def download(space: Workspace, body: Mapping[str, str]) -> Document:
    """Fetch a public file in the background."""
    importer = _importer(space, body["importerKey"], "downloadImportFile")
    url = body["fileUrl"]
    if not url.lower().startswith(("http://", "https://")):
        # The original also reads paths of its own machine; no request may choose those here.
        raise coded(url[:LONGEST_NAME], "error-import-file-missing", "downloadPublicImportFile")
    shown = space.begin(
        importer.key,
        type_name=CONTACTS if importer.key == "omnichannel_contact" else USERS,
        status={STATUS: DOWNLOADING, DUE: _due()},
    )
    allowed = space.settings.get("ssrf_allowlist", ())
    try:
        target = resolve(url, allowed if isinstance(allowed, list) else ())
    except Unsafe:
        _fail(space, shown, "The URL leads to an address that is not public.")
        raise plain(SSRF) from None
    bring = _Bringing(space=space, shown=shown, importer=importer, target=target)
    threading.Thread(target=bring.bring, name="rocketchat-download", daemon=True).start()
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bringing:
    """A download under way."""

    space: Workspace
    shown: Operation
    importer: Importer
    target: Target

    def bring(self) -> None:
        """Fetch the file and stage what it holds; whatever happens is noted."""
        try:
            fetched = fetch(self.target)
            taken = self.importer.take(fetched.content)
            if taken.type_name != self.shown.job.type_name:
                raise UnreadableFile("The file holds contacts and no users; upload it instead.")
            _stage(self.space, self.shown, taken)
        except RowportError as error:
            _fail(self.space, self.shown, error.message)


def _importer(space: Workspace, key: str, details: str) -> Importer:
    found = IMPORTERS.get(key)
    if found is None or found.since > space.version:
        raise no_importer(key[:LONGEST_NAME], details)
    return found


def _file(space: Workspace, name: str, media_type: str) -> dict[str, object]:
    """Name a file as the original does: no zeros before numbers, and January is month 0."""
    now = datetime.now(UTC)
    stamp = f"{now.year}{now.month - 1}{now.day}{now.hour}{now.minute}{now.second}"
    return {"file": f"{stamp}_{space.who.user.oid}_{name}", "content_type": media_type}


def _land(
    space: Workspace, importer: Importer, content: bytes, *, noted: Mapping[str, object]
) -> None:
    """Make an operation of a file; one that cannot be read says so when it is prepared."""
    try:
        taken = importer.take(content)
    except UnreadableFile as error:
        fault = error.message.replace("\x00", "")
        space.begin(importer.key, noted=noted, status={STATUS: FILE_LOADED, FAULT: fault})
        return
    shown = space.begin(
        importer.key,
        type_name=taken.type_name,
        noted=noted,
        status={STATUS: UPLOADING, DUE: _due()},
    )
    _stage(space, shown, taken)


def _stage(space: Workspace, shown: Operation, taken: Taken) -> None:
    try:
        space.services.preparing.add_rows(space.organization_id, shown.job.id, taken.rows)
    except IllegalTransition:
        return  # it was cleared or replaced meanwhile
    left_out = {kind: number for kind, number in taken.left_out.items() if number}
    space.note(shown, {STATUS: FILE_LOADED, LEFT_OUT: left_out})


def _due() -> str:
    """Tell until when a file must have arrived; whoever brings it may die."""
    return (datetime.now(UTC) + timedelta(seconds=DEADLINE_S + MARGIN_S)).isoformat()


def _fail(space: Workspace, shown: Operation, fault: str) -> None:
    space.note(shown, {STATUS: FAILED, FAULT: fault.replace("\x00", "")})
    space.cancel(shown)


def offered(space: Workspace, _: object) -> Document:
    """Give what is staged, for people to choose from; this prepares a file that was uploaded."""
    shown = space.current()
    if shown is None:
        raise no_operation("getImportFileData")
    status = shown.status
    if status in WAITING or (status == FILE_LOADED and not shown.is_valid):
        if shown.is_valid:
            return {"waiting": True}
        code = "error-import-operation-invalid"
        raise coded("Invalid Import Operation", code, "getImportFileData")
    if status == FILE_LOADED:
        shown = _prepared(space, shown)
    rows = space.staged(shown)
    shown = space.select(shown)
    return selection(NAMES.get(shown.key, shown.key), rows, version=space.version)


def _prepared(space: Workspace, shown: Operation) -> Operation:
    fault = shown.job.attributes.get(FAULT)
    if fault is not None:
        _fail(space, shown, str(fault))
        raise plain(str(fault))
    return space.note(shown, {STATUS: USER_SELECTION})


def start(space: Workspace, body: Mapping[str, Any]) -> Document:
    """Load the chosen users or contacts; existing users get the new values.

    As in the original any operation can be started, also an ended one: what it could not load
    is tried again.
    """
    selected = _selected(space, body["input"])
    shown = space.current()
    if shown is None:
        raise no_operation("startImport")
    kind = "contacts" if shown.job.type_name == CONTACTS else "users"
    wants_all, ids = selected.get(kind, (not selected, frozenset()))
    if shown.job.state is not ImportState.DRAFT and STATES[shown.status] == "importing":
        return {}  # it runs already
    shown = space.reopened(shown)
    rows = space.staged(shown)
    chosen = rows if wants_all else [row for row in rows if not ids.isdisjoint(_ids(row))]
    preparing = space.services.preparing
    if len(chosen) < len(rows):
        preparing.replace_rows(space.organization_id, shown.job.id, chosen)
    if kind == "users":
        options = ImportOptions(mode=Mode.UPSERT, on_match=OnMatch.UPDATE)
        preparing.set_options(space.organization_id, shown.job.id, options)
    space.submit(shown)
    return {}


def _ids(row: Mapping[str, object]) -> list[str]:
    ids = row.get("importIds")
    return [str(one) for one in ids] if isinstance(ids, list) else [str(row.get("id"))]


def _selected(
    space: Workspace, said: Mapping[str, object]
) -> dict[str, tuple[bool, frozenset[str]]]:
    """Read which of each kind are wanted, in the shape of 7.0 and later or in the older one."""
    parts = {name: said[name] for name in KINDS if said.get(name) is not None}
    try:
        return {name: _chosen(name, part) for name, part in parts.items()}
    except Mismatch as error:
        raise mismatch(str(error), version=space.version, of_query=False) from None


def _chosen(kind: str, part: object) -> tuple[bool, frozenset[str]]:
    """Read which of a kind are wanted.

    Raises:
        Mismatch: it has neither shape.
    """
    if not isinstance(part, list):
        told: Any = check(SELECTED, part)
        return bool(told.get("all")), frozenset(told.get("list") or ())
    if kind != "users":
        return False, frozenset()  # only users have ever been loaded from such a list
    users: Any = check(LISTED, part)
    return False, frozenset(one["user_id"] for one in users if one.get("do_import", True))


def pending(key: str) -> Any:  # noqa: ANN401  a function of the workspace
    """Make the work of `downloadPendingFiles` or `...Avatars`: there never is any."""

    def done(space: Workspace, _: object) -> Document:
        space.submit(space.begin(key))
        return {"count": 0}

    return done
