"""`/v1/organizations`: the tenants of this installation; for admins."""

import asyncio
from typing import Any, Final

import msgspec
from litestar import Request, Response, get, patch, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_201_CREATED

from rowport.api.desk import Desk, GivenDesk
from rowport.api.imports import refuse_unknown
from rowport.model.access import Scope
from rowport.model.organizations import Organization
from rowport.wire.access_resources import organization_resource
from rowport.wire.bodies import read_json

PATH: Final = "/v1/organizations"
ONE: Final = PATH + "/{organization:str}"
ADMIN: Final = {"scope": Scope.ADMIN}
LARGEST_BODY: Final = 64 * 1024


class OrganizationBody(msgspec.Struct, forbid_unknown_fields=True):
    """An organization to be made."""

    slug: str
    name: str | None = None
    """None: as the slug."""
    time_zone: str = "UTC"


class OrganizationChange(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be another; None stays."""

    name: str | None = None
    time_zone: str | None = None


@post(PATH, opt=ADMIN, status_code=HTTP_201_CREATED)
async def create_organization(
    request: Request[Any, Any, Any], desk: GivenDesk
) -> Response[dict[str, object]]:
    """Make an organization."""
    refuse_unknown(request, frozenset())
    body = await read_json(request, OrganizationBody, most_bytes=LARGEST_BODY)
    made = await asyncio.to_thread(
        desk.services.access.create_organization, body.slug, body.name, time_zone=body.time_zone
    )
    return Response(organization_resource(made), headers={"Location": f"{PATH}/{made.id}"})


@get(PATH, sync_to_thread=True, opt=ADMIN)
def list_organizations(request: Request[Any, Any, Any], desk: GivenDesk) -> dict[str, object]:
    """Give all organizations, by slug."""
    refuse_unknown(request, frozenset())
    found = desk.services.access.organizations()
    return {"items": [organization_resource(each) for each in found]}


@get(ONE, sync_to_thread=True, opt=ADMIN)
def get_organization(
    request: Request[Any, Any, Any], desk: GivenDesk, organization: FromPath[str]
) -> dict[str, object]:
    """Give an organization by its id or slug."""
    refuse_unknown(request, frozenset())
    return organization_resource(desk.services.access.organization(organization))


@patch(ONE, opt=ADMIN)
async def change_organization(
    request: Request[Any, Any, Any], desk: GivenDesk, organization: FromPath[str]
) -> dict[str, object]:
    """Change an organization's name or time zone; its slug is for ever."""
    refuse_unknown(request, frozenset())
    body = await read_json(request, OrganizationChange, most_bytes=LARGEST_BODY)
    return organization_resource(await asyncio.to_thread(_change, desk, organization, body))


def _change(desk: Desk, said: str, body: OrganizationChange) -> Organization:
    access = desk.services.access
    found = access.organization(said)
    return access.change_organization(found.id, name=body.name, time_zone=body.time_zone)
