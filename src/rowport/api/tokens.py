"""`/v1/tokens`: who else may use the API; for admins."""

import asyncio
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_201_CREATED

from rowport.api.desk import Desk, GivenDesk
from rowport.api.imports import refuse_unknown
from rowport.api.replaying import UNREPEATED
from rowport.model.access import Scope
from rowport.model.organizations import Organization
from rowport.wire.access_resources import token_resource
from rowport.wire.bodies import read_json
from rowport.wire.ids import import_id as read_id

PATH: Final = "/v1/tokens"
ONE: Final = PATH + "/{token_id:str}"
ADMIN: Final = {"scope": Scope.ADMIN}
ORGANIZATION_WORD: Final = "organization"
LARGEST_BODY: Final = 64 * 1024


class TokenBody(msgspec.Struct, forbid_unknown_fields=True):
    """A token to be made."""

    name: str
    scopes: list[Scope]
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    organization: str | None = None
    """Slug or id; None: the organization of whoever asks."""


@post(PATH, opt={**ADMIN, **UNREPEATED}, status_code=HTTP_201_CREATED)
async def create_token(
    request: Request[Any, Any, Any], desk: GivenDesk
) -> Response[dict[str, object]]:
    """Make a token; its secret is in this answer and nowhere else."""
    refuse_unknown(request, frozenset())
    body = await read_json(request, TokenBody, most_bytes=LARGEST_BODY)
    document = await asyncio.to_thread(_create, desk, body)
    headers = {"Location": f"{PATH}/{document['id']}", "Cache-Control": "no-store"}
    return Response(document, headers=headers)


def _create(desk: Desk, body: TokenBody) -> dict[str, object]:
    access = desk.services.access
    organization = organization_for(desk, body.organization)
    issued = access.issue_in(
        organization, name=body.name, scopes=frozenset(body.scopes), expires_at=body.expires_at
    )
    token = access.token(organization.id, issued.id)
    return {**token_resource(token), "secret": issued.secret}


@get(PATH, sync_to_thread=True, opt=ADMIN)
def list_tokens(request: Request[Any, Any, Any], desk: GivenDesk) -> dict[str, object]:
    """Give the tokens of an organization, the newest first, without their secrets."""
    said = refuse_unknown(request, frozenset({ORGANIZATION_WORD}))
    organization = organization_for(desk, said.get(ORGANIZATION_WORD))
    found = desk.services.access.tokens(organization.id)
    return {"items": [token_resource(token) for token in found]}


@get(ONE, sync_to_thread=True, opt=ADMIN)
def get_token(
    request: Request[Any, Any, Any], desk: GivenDesk, token_id: FromPath[str]
) -> dict[str, object]:
    """Give a token, without its secret."""
    said = refuse_unknown(request, frozenset({ORGANIZATION_WORD}))
    organization = organization_for(desk, said.get(ORGANIZATION_WORD))
    identity = read_id(token_id, of="a token")
    return token_resource(desk.services.access.token(organization.id, identity))


@delete(ONE, sync_to_thread=True, opt=ADMIN)
def revoke_token(request: Request[Any, Any, Any], desk: GivenDesk, token_id: FromPath[str]) -> None:
    """End a token, from the next request on; twice is once."""
    said = refuse_unknown(request, frozenset({ORGANIZATION_WORD}))
    organization = organization_for(desk, said.get(ORGANIZATION_WORD))
    desk.services.access.revoke(organization.id, read_id(token_id, of="a token"))


def organization_for(desk: Desk, said: str | None) -> Organization:
    """Give the organization that an admin means: the one said, or the token's own.

    Raises:
        OrganizationNotFound: there is none of this slug or id.
    """
    own = desk.principal.organization
    return own if said is None else desk.services.access.organization(said)
