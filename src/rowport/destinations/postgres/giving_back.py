"""Delete records and put old values back: all at once, or row by row where one is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from psycopg import errors, sql

from rowport.destinations.postgres.catalog import rows_of
from rowport.destinations.postgres.copying import index_plans, temporary_table
from rowport.destinations.postgres.refusals import (
    LEFT_OUT,
    SYSTEM_FAULTS,
    UNIQUE,
    is_row_fault,
)
from rowport.model.undo import UndoFate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import Connection

FOREIGN_KEY: Final = "23503"
_SAID: Final = [
    ("place", "bigint"),
    ("state", "text"),
    ("message", "text"),
    ("rule", "text"),
    ("table_name", "text"),
]
"""State null: the record was given back."""
_LOOP: Final = """
DECLARE
    r record;
    v_state text;
    v_message text;
    v_rule text;
    v_table text;
BEGIN
    DELETE FROM {said} AS d USING {staged} AS s WHERE d.place = s.place AND d.state IS NOT NULL;
    FOR r IN
        SELECT s.place FROM {staged} AS s
        WHERE NOT EXISTS (SELECT FROM {said} AS d WHERE d.place = s.place)
        ORDER BY s.place DESC
    LOOP
        BEGIN
            {write} AND s.place = r.place;
            IF NOT FOUND THEN
                RAISE EXCEPTION USING ERRCODE = {left_out};
            END IF;
            INSERT INTO {said} (place) VALUES (r.place);
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS
                v_state = RETURNED_SQLSTATE,
                v_message = MESSAGE_TEXT,
                v_rule = CONSTRAINT_NAME,
                v_table = TABLE_NAME;
            IF substr(v_state, 1, 2) = ANY ({system}) AND v_state <> '42501' THEN
                RAISE;
            END IF;
            INSERT INTO {said} VALUES (r.place, v_state, v_message, v_rule, v_table);
        END;
    END LOOP;
END
"""


class RecordsLeft(Exception):
    """Fewer records were given back than there are: a trigger left some as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Records that one statement gives back."""

    staged: sql.Identifier
    """A temporary table with at least `place`."""
    size: int
    write: sql.Composed
    """A statement over `staged AS s` that ends in its WHERE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a record was not given back."""

    place: int
    fate: UndoFate
    why: str
    is_in_the_way: bool
    """Others stand in its way, which may be gone later."""


def give_back(connection: Connection[Any], steps: Sequence[Step]) -> list[Refusal]:
    """Carry out the steps in order; gives what was refused.

    Raises:
        psycopg.Error: the system's fault, not a record's; the transaction has to be rolled back.
    """
    try:
        with connection.transaction(), index_plans(connection):
            for step in steps:
                _at_once(connection, step)
    except RecordsLeft:
        pass
    except errors.Error as error:
        if not is_row_fault(error):
            raise
    else:
        return []
    return _row_by_row(connection, steps)


def _at_once(connection: Connection[Any], step: Step) -> None:
    # A savepoint of its own: what is as its author left it bears a mark of its own.
    with connection.transaction():
        if connection.execute(step.write, prepare=False).rowcount != step.size:
            raise RecordsLeft


def _row_by_row(connection: Connection[Any], steps: Sequence[Step]) -> list[Refusal]:
    """Go over what is refused again and again, as long as that helps.

    A record may stand in another's way only until it is given back itself.
    """
    with temporary_table(connection, "rowport_said", _SAID) as said, index_plans(connection):
        left = sum(step.size for step in steps)
        while True:
            for step in steps:
                connection.execute(_loop(step, said), prepare=False)
            query = sql.SQL("SELECT * FROM {} WHERE state IS NOT NULL").format(said)
            refused = rows_of(connection, query)
            if not refused or len(refused) == left:
                return [_in_words(*row) for row in refused]
            left = len(refused)


def _loop(step: Step, said: sql.Identifier) -> sql.Composed:
    body = sql.SQL(_LOOP).format(
        said=said,
        staged=step.staged,
        write=step.write,
        left_out=sql.Literal(LEFT_OUT),
        system=sql.Literal(list(SYSTEM_FAULTS)),
    )
    return sql.SQL("DO {}").format(sql.Literal(body.as_string()))


def _in_words(place: int, state: str, message: str, rule: str, table: str) -> Refusal:
    """Say a refusal, never from the DETAIL of an error, which can hold others' values."""
    words = message.rstrip(".")
    match state:
        case "23503":
            why = f"Records of the table {table} refer to it (foreign key {rule!r})."
        case "23505":
            why = f"Another record has its old value by now (rule {rule!r})."
        case "RP001":
            why = "A trigger of the destination left the record as it is."
        case _:
            why = f"The destination refused to give it back: {words} ({state})."
    in_the_way = state in {FOREIGN_KEY, UNIQUE}
    fate = UndoFate.KEPT if in_the_way else UndoFate.ERRORED
    return Refusal(place=place, fate=fate, why=why, is_in_the_way=in_the_way)
