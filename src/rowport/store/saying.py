"""Say a named statement inside a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rowport.store.catalogue import statement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rowport.ports import Transaction


def one(tx: Transaction, name: str, /, **parameters: object) -> Mapping[str, Any] | None:
    """Say a statement and give its first row."""
    row: Mapping[str, Any] | None = tx.connection.execute(statement(name), parameters).fetchone()
    return row


def only(tx: Transaction, name: str, /, **parameters: object) -> Mapping[str, Any]:
    """Say a statement that always has a row and give it."""
    row = one(tx, name, **parameters)
    if row is None:
        raise LookupError(f"{name} gave no row")
    return row


def many(tx: Transaction, name: str, /, **parameters: object) -> list[Mapping[str, Any]]:
    """Say a statement and give all its rows."""
    rows: list[Mapping[str, Any]] = tx.connection.execute(statement(name), parameters).fetchall()
    return rows


def say(tx: Transaction, name: str, /, **parameters: object) -> int:
    """Say a statement and give the number of rows it touched."""
    touched: int = tx.connection.execute(statement(name), parameters).rowcount
    return touched
