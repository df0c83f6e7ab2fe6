"""The files that importers take, as rows.

Each layout is the original's own (a zip without folders, columns by their place), so it is taken
apart here; what it gives are rows that the engine reads, checks and loads like any other.
"""

from __future__ import annotations

import csv
import io
import secrets
import zipfile
import zlib
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import msgspec

from rowport.dialects.rocketchat.users import CONTACTS, DEFAULT_ROLES, USERS, to_row
from rowport.model.errors import UnreadableFile
from rowport.service.reading import check_header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LARGEST_PART: Final = 128 * 1024 * 1024
"""Unpacked bytes of one file in a zip; more is refused before it fills the memory."""
LARGEST_FIELD: Final = 1024 * 1024
SPLIT: Final = ";"
CONTACT_FIELDS: Final = ("emails", "phones", "name", "manager", "id")
NAME_COLUMNS: Final = (8, 7)
"""Slack's member list: the full name, in its newer and its older form."""
SLACK_STATES: Final[Mapping[str, Mapping[str, object]]] = {
    "Admin": {"roles": ["admin", *DEFAULT_ROLES]},
    "Bot": {"type": "bot"},
    "Deactivated": {"deleted": True},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a file holds."""

    type_name: str
    rows: list[dict[str, object]]
    left_out: Mapping[str, int]
    """How much of what else stood in it, by kind; Rowport loads users and contacts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """A kind of file."""

    key: str
    name: str
    take: Callable[[bytes], Taken]
    since: int = 6
    """The first version that has it."""


def users_csv(content: bytes) -> Taken:
    """Take a zip of CSV files: `users.csv`, else `contacts.csv`; names in any case."""
    parts, others = _unzipped(content, {"users.csv", "contacts.csv", "channels.csv"})
    left_out = {"channels": _count(parts.get("channels.csv")), "message_files": others}
    contacts = parts.get("contacts.csv")
    if "users.csv" not in parts and contacts is not None:
        found = contacts_csv(contacts)
        return Taken(type_name=CONTACTS, rows=found.rows, left_out=left_out)
    left_out["contacts"] = max(0, _count(contacts) - 1)
    rows = [_user(cells) for cells in _cells(parts.get("users.csv", b"")) if any(cells)]
    return _some(Taken(type_name=USERS, rows=rows, left_out=left_out))


def _user(cells: list[str]) -> dict[str, object]:
    username, email, name = (cell.strip() for cell in [*cells, "", "", ""][:3])
    return to_row(
        {
            "username": username,
            "emails": [email] if email else [],
            "importIds": [username],
            "name": name,
            "roles": list(DEFAULT_ROLES),
        }
    )


def slack_users(content: bytes) -> Taken:
    """Take Slack's list of members; who has no e-mail is left out, as in the original."""
    lines = islice(_cells(content), 1, None)
    members = [[*cells, *[""] * 9] for cells in lines if any(cells)]
    rows = [_member(cells) for cells in members if cells[1].strip()]
    left_out = {"users_without_email": len(members) - len(rows)}
    return _some(Taken(type_name=USERS, rows=rows, left_out=left_out))


def _member(cells: list[str]) -> dict[str, object]:
    email = cells[1].strip()
    name = next((cells[place].strip() for place in NAME_COLUMNS if cells[place].strip()), "")
    user = {
        "username": cells[0].strip(),
        "emails": [email],
        "importIds": [email],
        "name": name,
        "roles": list(DEFAULT_ROLES),
    }
    return to_row({**user, **SLACK_STATES.get(cells[2].strip(), {})})


def contacts_csv(content: bytes) -> Taken:
    """Take contacts: a header row, its columns in any order, the unknown ones custom fields."""
    lines = _cells(content)
    header = [name.strip() for name in next(lines, [])]
    check_header("The file", header)
    found = [dict(zip(header, cells, strict=False)) for cells in lines if any(cells)]
    rows = [_contact(named) for named in found if _is_somebody(named)]
    left_out = {"contacts_without_data": len(found) - len(rows)}
    return _some(Taken(type_name=CONTACTS, rows=rows, left_out=left_out))


def _is_somebody(named: Mapping[str, str]) -> bool:
    return any(named.get(name, "").strip() for name in ("emails", "phones", "name"))


def _contact(named: Mapping[str, str]) -> dict[str, object]:
    said = {name: named.get(name, "").strip() for name in CONTACT_FIELDS}
    custom = {name: cell for name, cell in named.items() if name not in CONTACT_FIELDS}
    return {
        "id": said["id"] or secrets.token_hex(12),
        "name": said["name"] or None,
        "emails": _several(said["emails"]),
        "phones": _several(said["phones"]),
        "contactManager": said["manager"] or None,
        "customFields": custom or None,
    }


def slack_export(content: bytes) -> Taken:
    """Take a Slack export: `users.json`; channels and messages are counted and left out."""
    lists = ("channels.json", "groups.json", "mpims.json", "dms.json")
    parts, others = _unzipped(content, {"users.json", *lists})
    members = _json_list(parts.get("users.json", b"[]"))
    rows = [to_row(_slack_user(member)) for member in members if isinstance(member, dict)]
    channels = sum(len(_json_list(parts.get(name, b"[]"))) for name in lists)
    left_out = {"channels": channels, "message_files": others}
    return _some(Taken(type_name=USERS, rows=rows, left_out=left_out))


def _slack_user(member: Mapping[str, Any]) -> dict[str, Any]:
    profile = member.get("profile")
    said: Mapping[str, Any] = profile if isinstance(profile, dict) else {}
    email, offset = said.get("email"), member.get("tz_offset")
    is_bot = member.get("is_bot") is True
    return {
        "username": _text(member.get("name")),
        "emails": [email] if isinstance(email, str) and email else [],
        "importIds": [_text(member.get("id"))],
        "name": _text(said.get("real_name")),
        "utcOffset": offset / 3600 if isinstance(offset, int) else None,
        "statusText": _text(said.get("status_text")),
        "deleted": member.get("deleted") is True,
        "type": "bot" if is_bot else "user",
        "roles": list(DEFAULT_ROLES),
    }


def _text(said: object) -> str:
    return said if isinstance(said, str) else ""


IMPORTERS: Final = {
    importer.key: importer
    for importer in (
        Importer(key="csv", name="CSV", take=users_csv),
        Importer(key="slack", name="Slack", take=slack_export),
        Importer(key="slack-users", name="Slack_Users", take=slack_users),
        Importer(
            key="omnichannel_contact",
            name="omnichannel_contacts_importer",
            take=contacts_csv,
            since=7,
        ),
    )
}


def _some(taken: Taken) -> Taken:
    if not taken.rows:
        raise UnreadableFile("The file has no user and no contact: there is nothing to import.")
    return taken


def _several(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(SPLIT) if part.strip()]


def _cells(content: bytes) -> Iterator[list[str]]:
    """Give the cells of each line.

    Raises:
        UnreadableFile: it is no CSV text in UTF-8.
    """
    csv.field_size_limit(LARGEST_FIELD)
    try:
        text = content.decode("utf-8-sig")
        yield from csv.reader(io.StringIO(text, newline=""))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableFile(f"The file is no CSV text in UTF-8: {error}") from None


def _json_list(content: bytes) -> list[Any]:
    try:
        found = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableFile(f"A file of the zip is no JSON: {error}") from None
    return found if isinstance(found, list) else []


def _count(content: bytes | None) -> int:
    return sum(1 for cells in _cells(content or b"") if any(cells))


def _unzipped(content: bytes, wanted: set[str]) -> tuple[dict[str, bytes], int]:
    """Give these files of a zip by their names in lower case, and how many others it has.

    Raises:
        UnreadableFile: it is no zip, or one that unpacks to too much.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            files = [info for info in archive.infolist() if _is_file(info)]
            found = [info for info in files if info.filename.lower() in wanted]
            parts = {info.filename.lower(): _unpacked(archive, info) for info in found}
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise UnreadableFile(f"The file is no zip that can be read: {error}") from None
    return parts, len(files) - len(found)


def _is_file(info: zipfile.ZipInfo) -> bool:
    return not info.is_dir() and "__MACOSX" not in info.filename


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Unpack one file; what the zip says of its size is not believed."""
    with archive.open(info) as part:
        content = part.read(LARGEST_PART + 1)
    if len(content) > LARGEST_PART:
        raise UnreadableFile(f"{info.filename[:60]} unpacks to more than {LARGEST_PART} bytes.")
    return content
