"""`/v1/usage` and `/v1/imports/{import_id}/files`: what was sent, and what it came to."""

from typing import Any, Final

from litestar import Request, get
from litestar.params import FromPath

from rowport.api.desk import GivenDesk
from rowport.api.imports import PATH, refuse_unknown
from rowport.model.access import Scope
from rowport.model.errors import Invalid
from rowport.service.access import require
from rowport.wire.ids import import_id as read_id
from rowport.wire.usage_resources import file_use_resource, month_resource

DEFAULT_MONTHS: Final = 12
MOST_MONTHS: Final = 120
WORDS: Final = frozenset({"months", "organization"})
ALL: Final = "all"


@get("/v1/usage", sync_to_thread=True, opt={"scope": Scope.IMPORT_READ})
def get_usage(request: Request[Any, Any, Any], desk: GivenDesk) -> dict[str, object]:
    """Give what the organization used month by month; to an admin, what each of all did."""
    said = refuse_unknown(request, WORDS)
    months = _months(said.get("months"))
    usage = desk.services.usage
    match said.get("organization"):
        case None:
            found = usage.of(desk.organization_id, months=months)
        case "all":
            require(desk.principal, Scope.ADMIN)
            found = usage.of_all(months=months)
        case _:
            raise Invalid(f"organization is `{ALL}`, or is left out for the token's own")
    return {"items": [month_resource(use) for use in found]}


@get(PATH + "/{import_id:str}/files", sync_to_thread=True, opt={"scope": Scope.IMPORT_READ})
def list_files(
    request: Request[Any, Any, Any], desk: GivenDesk, import_id: FromPath[str]
) -> dict[str, object]:
    """Give the files of an import in their order, each with its own counts."""
    refuse_unknown(request, frozenset())
    found = desk.services.usage.files(desk.organization_id, read_id(import_id))
    return {"items": [file_use_resource(use) for use in found]}


def _months(text: str | None) -> int:
    if text is None:
        return DEFAULT_MONTHS
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(MOST_MONTHS))
    if not is_number or not 1 <= int(text) <= MOST_MONTHS:
        raise Invalid(f"months is a whole number from 1 to {MOST_MONTHS}")
    return int(text)
