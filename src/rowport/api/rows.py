"""`/v1/imports/{import_id}/rows` and `/errors`: what became of rows, and why they failed."""

from typing import Any, Final

from litestar import Request, get
from litestar.params import FromPath

from rowport.api.desk import GivenDesk
from rowport.api.imports import PATH, read_limit, refuse_unknown
from rowport.model.access import Scope
from rowport.model.errors import Invalid
from rowport.model.outcomes import Outcome
from rowport.wire.cursors import cursor_after_row, read_row_cursor
from rowport.wire.ids import import_id as read_id
from rowport.wire.resources import error_group_resource, row_resource

ROW_WORDS: Final = frozenset({"limit", "cursor", "outcome"})
OUTCOMES: Final = {outcome.word: outcome for outcome in Outcome}


@get(PATH + "/{import_id:str}/rows", sync_to_thread=True, opt={"scope": Scope.IMPORT_READ})
def list_rows(
    request: Request[Any, Any, Any], desk: GivenDesk, import_id: FromPath[str]
) -> dict[str, object]:
    """Give a page of rows in their order, and the cursor of the next page."""
    said = refuse_unknown(request, ROW_WORDS)
    limit = read_limit(said.get("limit"))
    found = desk.services.rows.page(
        desk.organization_id,
        read_id(import_id),
        after=read_row_cursor(said["cursor"]) if "cursor" in said else 0,
        limit=limit + 1,  # one more than asked for tells whether there is a next page
        outcome=_outcome(said.get("outcome")),
    )
    shown = found[:limit]
    return {
        "items": [row_resource(row) for row in shown],
        "next_cursor": cursor_after_row(shown[-1].row) if len(found) > limit else None,
    }


@get(PATH + "/{import_id:str}/errors", sync_to_thread=True, opt={"scope": Scope.IMPORT_READ})
def list_errors(
    request: Request[Any, Any, Any], desk: GivenDesk, import_id: FromPath[str]
) -> dict[str, object]:
    """Give all errors by code and field, the most frequent first."""
    refuse_unknown(request, frozenset())
    groups = desk.services.rows.error_groups(desk.organization_id, read_id(import_id))
    return {"items": [error_group_resource(group) for group in groups]}


def _outcome(word: str | None) -> Outcome | None:
    if word is not None and word not in OUTCOMES:
        raise Invalid(f"outcome is one of {', '.join(OUTCOMES)}")
    return OUTCOMES[word] if word is not None else None
