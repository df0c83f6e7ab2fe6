"""What each answer looks like: JSON Schemas that let nothing else through."""

from __future__ import annotations

from typing import Any, Final

from rowport.dialects.rocketchat.present import STATES

Schema = dict[str, Any]
TEXT: Final[Schema] = {"type": "string"}
FLAG: Final[Schema] = {"type": "boolean"}
NUMBER: Final[Schema] = {"type": "integer", "minimum": 0}
TEXTS: Final[Schema] = {"type": "array", "items": TEXT}
MOMENT: Final[Schema] = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
}


def _object(required: Schema, optional: Schema | None = None) -> Schema:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def _success(required: Schema, optional: Schema | None = None) -> Schema:
    return _object({**required, "success": {"const": True}}, optional)


def _array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


COUNT: Final = _object(
    {"total": NUMBER},
    {"users": NUMBER, "contacts": NUMBER, "completed": NUMBER, "error": NUMBER},
)
OPERATION: Final = _object(
    {
        "_id": {"type": "string", "pattern": "^[0-9a-f]{24}$"},
        "type": TEXT,
        "importerKey": TEXT,
        "ts": MOMENT,
        "status": {"enum": list(STATES)},
        "valid": FLAG,
        "user": TEXT,
        "_updatedAt": MOMENT,
    },
    {"file": TEXT, "contentType": TEXT, "count": COUNT},
)
_USER: Final = _object(
    {
        "user_id": TEXT,
        "username": TEXT,
        "email": TEXT,
        "is_deleted": FLAG,
        "is_bot": FLAG,
        "do_import": FLAG,
        "is_email_taken": FLAG,
    }
)
_CONTACT: Final = _object(
    {"id": TEXT, "name": TEXT, "emails": TEXTS, "phones": TEXTS, "do_import": FLAG}
)
_SELECTION: Final = _success(
    {
        "name": TEXT,
        "users": _array(_USER),
        "channels": {"type": "array", "maxItems": 0},
        "message_count": NUMBER,
    },
    {"contacts": _array(_CONTACT), "messages": {"type": "array", "maxItems": 0}},
)
_ME: Final = _object(
    {
        "_id": TEXT,
        "name": TEXT,
        "username": TEXT,
        "emails": _array(_object({"address": TEXT, "verified": FLAG})),
        "email": TEXT,
        "active": FLAG,
        "roles": TEXTS,
    }
)
_DONE: Final = _success({})
_PENDING: Final = _success({"count": NUMBER})

ANSWERS: Final[dict[str, Schema]] = {
    "login": _success(
        {
            "status": {"const": "success"},
            "data": _object({"userId": TEXT, "authToken": TEXT, "me": _ME}),
        }
    ),
    "import.new": _success({"operation": OPERATION}),
    "import.addUsers": _DONE,
    "import.run": _DONE,
    "import.clear": _DONE,
    "import.status": {
        "oneOf": [
            _success({"state": {"const": "none"}}),
            _success({"state": {"enum": sorted(set(STATES.values()))}, "operation": OPERATION}),
        ]
    },
    "getCurrentImportOperation": _success({}, {"operation": OPERATION}),
    "getImportProgress": _success(
        {
            "key": TEXT,
            "name": TEXT,
            "step": {"enum": list(STATES)},
            "count": _object({"completed": NUMBER, "total": NUMBER, "error": NUMBER}),
        }
    ),
    "getLatestImportOperations": {**_array(OPERATION), "maxItems": 20},
    "importers.list": _array(_object({"key": TEXT, "name": TEXT})),
    "getImportFileData": {"oneOf": [_success({"waiting": {"const": True}}), _SELECTION]},
    "uploadImportFile": _DONE,
    "downloadPublicImportFile": _DONE,
    "startImport": _DONE,
    "downloadPendingFiles": _PENDING,
    "downloadPendingAvatars": _PENDING,
}
"""By the endpoint's name under /api/v1/."""

ERROR: Final = _object(
    {"success": {"const": False}, "error": TEXT},
    {"errorType": TEXT, "details": TEXT, "status": {"const": "error"}, "message": TEXT},
)
"""Every answer that is no success."""
