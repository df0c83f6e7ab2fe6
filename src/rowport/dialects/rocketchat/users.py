"""A user as clients send it, and as the record that Rowport makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

USERS: Final = "rocketchat_users"
CONTACTS: Final = "rocketchat_contacts"
ROLES: Final = frozenset(
    {
        "admin", "anonymous", "app", "auditor", "auditor-log", "bot", "federated-external", "guest",
        "leader", "livechat-agent", "livechat-manager", "livechat-monitor", "moderator", "owner",
        "user",
    }
)  # fmt: skip
"""The roles of a fresh workspace; an organization names more under `rocketchat.roles`."""
DEFAULT_ROLES: Final = ("user",)
KNOWN: Final = (
    "username", "emails", "importIds", "name", "utcOffset", "avatarUrl", "deleted", "statusText",
    "roles", "type", "bio",
)  # fmt: skip
"""What a user says, and its record keeps under the same name."""
SECRET: Final = "password"  # noqa: S105  a field's name, no secret

_TEXT = {"type": "string"}
_LIST = {"type": "array"}
USERS_SCHEMA: Final[dict[str, Any]] = {
    "fields": [
        {
            "name": "email",
            **_TEXT,
            "title": "First e-mail",
            "description": "By it a user is recognised, letter by letter.",
            "constraints": {"required": True},
        },
        {"name": "username", **_TEXT},
        {
            "name": "usernameLower",
            **_TEXT,
            "title": "User name in lower case",
            "description": "Keeps user names unique whatever their case.",
            "constraints": {"unique": True},
        },
        {"name": "name", **_TEXT},
        {"name": "emails", **_LIST},
        {"name": "importIds", **_LIST},
        {"name": "utcOffset", "type": "number"},
        {"name": "avatarUrl", **_TEXT},
        {"name": "deleted", "type": "boolean"},
        {"name": "statusText", **_TEXT},
        {"name": "roles", **_LIST},
        {"name": "type", **_TEXT},
        {"name": "bio", **_TEXT},
        {"name": "hasPassword", "type": "boolean", "description": "Passwords are never kept."},
        {"name": "extra", "type": "object", "description": "What else was sent of the user."},
    ],
    "primaryKey": "email",
}
CONTACTS_SCHEMA: Final[dict[str, Any]] = {
    "fields": [
        {"name": "id", **_TEXT, "constraints": {"required": True}},
        {"name": "name", **_TEXT},
        {"name": "emails", **_LIST},
        {"name": "phones", **_LIST},
        {"name": "contactManager", **_TEXT},
        {"name": "customFields", "type": "object"},
    ],
}


def lacks_data(users: Iterable[Mapping[str, Any]]) -> bool:
    """Tell whether a user has no e-mail or no import id."""
    return any(not (any(user["emails"]) and any(user["importIds"])) for user in users)


def with_roles(
    users: Sequence[Mapping[str, Any]], more: Iterable[str] = ()
) -> list[dict[str, Any]] | None:
    """Give the users with their roles and the default ones; None when a role does not exist."""
    known = ROLES.union(more)
    found = [
        {**user, "roles": list(dict.fromkeys([*(user.get("roles") or ()), *DEFAULT_ROLES]))}
        for user in users
    ]
    return found if all(known.issuperset(user["roles"]) for user in found) else None


def to_row(user: Mapping[str, Any]) -> dict[str, object]:
    """Give the row of a user; every field is there, so that every file has the same header."""
    username = user.get("username") or None
    extra = {name: said for name, said in user.items() if name not in {*KNOWN, SECRET}}
    return {
        "email": next((email for email in user["emails"] if email), None),
        "username": username,
        "usernameLower": username and username.lower(),
        "name": user.get("name"),
        "emails": user["emails"],
        "importIds": user["importIds"],
        "utcOffset": user.get("utcOffset"),
        "avatarUrl": user.get("avatarUrl"),
        "deleted": user.get("deleted"),
        "statusText": user.get("statusText"),
        "roles": user.get("roles"),
        "type": user.get("type") or "user",
        "bio": user.get("bio"),
        "hasPassword": bool(user.get(SECRET)),
        "extra": extra or None,
    }
