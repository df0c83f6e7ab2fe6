"""What PostgreSQL's errors mean: a row's fault or the system's, and in which words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rowport.model.outcomes import RowErrorCode

if TYPE_CHECKING:
    from psycopg import Error

    from rowport.destinations.postgres.target import Target

SYSTEM_FAULTS: Final = (
    "08", "0A", "25", "26", "34", "3D", "3F", "40", "42", "53", "55", "57", "58", "F0", "XX",
)  # fmt: skip
"""SQLSTATE classes that no row is to blame for: connection, locks, memory, disk, shutdown, ...

Everything else is the row's fault, also states that a user's trigger made up.
Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
"""
_INSUFFICIENT_PRIVILEGE: Final = "42501"
"""Of class 42, yet what row-level security says of a row."""
LEFT_OUT: Final = "RP001"
"""Our own state: a BEFORE trigger returned null, so that the row silently did not happen."""
BEATEN: Final = "RP002"
"""Our own state: meanwhile another chunk of the same import wrote the record."""
UNIQUE: Final = "23505"
NOT_UNIQUE: Final = "{words}: another record or an earlier row has this value."


def is_row_fault(error: Error) -> bool:
    """Tell whether a row (or several) of the batch is to blame."""
    state = error.sqlstate
    if state is None:
        return False
    return state[:2] not in SYSTEM_FAULTS or state == _INSUFFICIENT_PRIVILEGE


def in_words(
    target: Target, refusal: dict[str, str | None]
) -> tuple[RowErrorCode, str | None, str]:
    """Give code, field and message of a refused row.

    Never made from the DETAIL of an error, which can hold the values of other records.
    """
    state, rule = refusal["state"], refusal["rule"]
    fields = {column.name: column.field for column in target.columns}
    if state == UNIQUE:
        index = target.indexes.get(rule or "")
        names = [fields.get(name, name) for name in index.columns] if index else []
        words = " + ".join(names) or f"The rule {rule!r}"
        if names == ["rowport_id"]:
            return RowErrorCode.EXISTS, None, "This row of this import was loaded already."
        message = NOT_UNIQUE.format(words=words)
        return RowErrorCode.UNIQUE, names[0] if len(names) == 1 else None, message
    if state == BEATEN:
        message = "Another row of this import has the same key."
        return RowErrorCode.UNIQUE, target.key_field, message
    column = refusal["column_name"]
    field = fields.get(column, column) if column else None
    message = _MESSAGES.get(state or "", "The destination refused the row: {message} ({state}).")
    words = message.format(
        rule=rule, field=field, state=state, message=(refusal["message"] or "").rstrip(".")
    )
    return RowErrorCode.REFUSED, field, words


_MESSAGES: Final = {
    "23502": "The destination needs a value in {field!r}.",
    "23503": "The destination's foreign key {rule!r} points to a record that does not exist.",
    "23514": "The destination's rule {rule!r} (a CHECK) refuses the row.",
    "23P01": "The destination's rule {rule!r} (an exclusion) refuses the row beside another.",
    LEFT_OUT: "A trigger of the destination left the row out.",
}
