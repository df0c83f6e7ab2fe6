"""`/v1/webhooks`: who is told how imports go, and what came of telling."""

import asyncio
from typing import Any, Final

import msgspec
from litestar import Request, Response, delete, get, post, put
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED, HTTP_202_ACCEPTED

from rowport.api.desk import Desk, GivenDesk
from rowport.api.imports import read_limit, refuse_unknown
from rowport.model.access import Scope
from rowport.model.errors import Invalid
from rowport.model.events import TERMINAL, EventKind
from rowport.model.webhooks import DeliveryState
from rowport.wire.bodies import read_json
from rowport.wire.ids import import_id as read_id
from rowport.wire.webhook_resources import delivery_resource, try_resource, webhook_resource

PATH: Final = "/v1/webhooks"
ONE: Final = PATH + "/{webhook:str}"
LOOK: Final = {"scope": Scope.IMPORT_READ}
CHANGE: Final = {"scope": Scope.IMPORT_WRITE}
LARGEST_BODY: Final = 64 * 1024
STATES: Final = {str(state): state for state in DeliveryState}


class WebhookBody(msgspec.Struct, forbid_unknown_fields=True):
    """A webhook as it is to be."""

    url: str
    events: list[EventKind] | None = None
    """None: how imports end."""
    rotate: bool = False
    """Make a new secret; the old one signs for a day more."""


class ReplayBody(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be sent again."""

    delivery_id: str | None = None
    """None: all that failed."""


@put(ONE, opt=CHANGE)
async def put_webhook(
    request: Request[Any, Any, Any], desk: GivenDesk, webhook: FromPath[str]
) -> Response[dict[str, object]]:
    """Make a webhook, or change and enable the one of this name.

    The secret is in the answer when it is new, and never again.
    """
    refuse_unknown(request, frozenset())
    body = await read_json(request, WebhookBody, most_bytes=LARGEST_BODY)
    document, is_new = await asyncio.to_thread(_put, desk, webhook, body)
    headers = {"Cache-Control": "no-store"}
    if is_new:
        headers["Location"] = f"{PATH}/{webhook}"
    status = HTTP_201_CREATED if is_new else HTTP_200_OK
    return Response(document, status_code=status, headers=headers)


def _put(desk: Desk, name: str, body: WebhookBody) -> tuple[dict[str, object], bool]:
    events = TERMINAL if body.events is None else frozenset(body.events)
    webhook, secret = desk.services.webhooks.put(
        desk.organization_id, name, body.url, events=events, rotate=body.rotate
    )
    is_new = secret is not None and webhook.rotated_at is None
    return {**webhook_resource(webhook), "secret": secret}, is_new


@get(PATH, sync_to_thread=True, opt=LOOK)
def list_webhooks(request: Request[Any, Any, Any], desk: GivenDesk) -> dict[str, object]:
    """Give all webhooks, by name."""
    refuse_unknown(request, frozenset())
    found = desk.services.webhooks.list(desk.organization_id)
    return {"items": [webhook_resource(each) for each in found]}


@get(ONE, sync_to_thread=True, opt=LOOK)
def get_webhook(
    request: Request[Any, Any, Any], desk: GivenDesk, webhook: FromPath[str]
) -> dict[str, object]:
    """Give a webhook."""
    refuse_unknown(request, frozenset())
    return webhook_resource(desk.services.webhooks.get(desk.organization_id, webhook))


@delete(ONE, sync_to_thread=True, opt=CHANGE)
def delete_webhook(
    request: Request[Any, Any, Any], desk: GivenDesk, webhook: FromPath[str]
) -> None:
    """Forget a webhook with its deliveries."""
    refuse_unknown(request, frozenset())
    desk.services.webhooks.delete(desk.organization_id, webhook)


@get(ONE + "/deliveries", sync_to_thread=True, opt=LOOK)
def list_deliveries(
    request: Request[Any, Any, Any], desk: GivenDesk, webhook: FromPath[str]
) -> dict[str, object]:
    """Give what was sent to a webhook, the newest first, with what came of each try."""
    said = refuse_unknown(request, frozenset({"limit", "state"}))
    if (word := said.get("state")) is not None and word not in STATES:
        raise Invalid(f"state is one of {', '.join(STATES)}")
    found = desk.services.webhooks.deliveries(
        desk.organization_id,
        webhook,
        state=None if word is None else STATES[word],
        limit=read_limit(said.get("limit")),
    )
    return {"items": [delivery_resource(each) for each in found]}


@post(ONE + "/replay", opt=CHANGE, status_code=HTTP_202_ACCEPTED)
async def replay_deliveries(
    request: Request[Any, Any, Any], desk: GivenDesk, webhook: FromPath[str]
) -> dict[str, object]:
    """Send one delivery again, or all that failed; workers send them."""
    refuse_unknown(request, frozenset())
    body = await read_json(request, ReplayBody, most_bytes=LARGEST_BODY)
    one = body.delivery_id
    count = await asyncio.to_thread(
        desk.services.webhooks.replay,
        desk.organization_id,
        webhook,
        delivery_id=None if one is None else read_id(one, of="a delivery"),
    )
    return {"replayed": count}


@post(ONE + "/test", sync_to_thread=True, opt=CHANGE, status_code=HTTP_200_OK)
def test_webhook(
    request: Request[Any, Any, Any], desk: GivenDesk, webhook: FromPath[str]
) -> dict[str, object]:
    """Send an event `webhook.test` now, and tell what came of it."""
    refuse_unknown(request, frozenset())
    return try_resource(desk.services.webhooks.test(desk.organization_id, webhook))
