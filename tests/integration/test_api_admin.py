"""Tokens, organizations and webhooks over HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from rowport.model.ids import new_uuid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Home

PATIENCE_S = 60.0
CLOSED_URL = "http://127.0.0.1:9/hook"


@pytest.fixture(scope="module")
def server(home: Home) -> Iterator[str]:
    """The URL of a running server."""
    allowed = {"ROWPORT_OUTBOUND_ALLOW": "127.0.0.1:9"}
    home = type(home)(path=home.path, room=home.room, environment=allowed)
    process = home.start("serve", "--port", "0", "--json", "--workers", "0")
    assert process.stdout
    yield json.loads(process.stdout.readline())["url"]
    process.terminate()
    process.communicate(timeout=PATIENCE_S)


@pytest.fixture(scope="module")
def admin(home: Home, server: str) -> Iterator[httpx.Client]:
    """A client that may do everything."""
    headers = home.token("admin")
    with httpx.Client(base_url=server, headers=headers, timeout=PATIENCE_S) as client:
        yield client


def test_a_token_made_over_http_works_until_it_is_revoked(admin: httpx.Client) -> None:
    answer = admin.post("/v1/tokens", json={"name": "ci", "scopes": ["import:read"]})
    made = answer.json()
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    path = answer.headers["location"]
    bearer = {"Authorization": f"Bearer {made.pop('secret')}"}
    assert admin.get(path).json() == made
    assert admin.get("/v1/imports", headers=bearer).status_code == 200
    assert admin.post("/v1/tokens", headers=bearer, json={}).status_code == 403
    listed = admin.get("/v1/tokens").json()["items"]
    assert [each["last_used_at"] is None for each in listed if each["id"] == made["id"]] == [False]
    assert "secret" not in json.dumps(listed)
    assert [admin.delete(path).status_code for _ in range(2)] == [204, 204]
    assert admin.get("/v1/imports", headers=bearer).status_code == 401
    assert admin.get(path).json()["revoked_at"] is not None


def test_an_admin_makes_an_organization_and_its_first_token(admin: httpx.Client) -> None:
    answer = admin.post("/v1/organizations", json={"slug": "acme", "name": "Acme"})
    made = answer.json()
    assert (answer.status_code, made["slug"], made["time_zone"]) == (201, "acme", "UTC")
    assert made in admin.get("/v1/organizations").json()["items"]
    path = answer.headers["location"]
    changed = admin.patch(path, json={"time_zone": "Europe/Berlin"}).json()
    assert changed == {**made, "time_zone": "Europe/Berlin"}
    assert admin.get("/v1/organizations/acme").json() == admin.get(path).json() == changed
    body = {"name": "t", "scopes": ["import:read"], "organization": "acme"}
    token = admin.post("/v1/tokens", json=body).json()
    assert token["organization_id"] == made["id"]
    one = f"/v1/tokens/{token['id']}"
    assert admin.get(one).status_code == admin.delete(one).status_code == 404
    assert admin.get(one, params={"organization": "acme"}).status_code == 200
    assert admin.delete(one, params={"organization": made["id"]}).status_code == 204


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("POST", "/v1/tokens", {"name": "t"}, 400, "scopes"),
        ("POST", "/v1/tokens", {"name": "t", "scopes": []}, 422, "at least one scope"),
        ("POST", "/v1/tokens", {"name": "t", "scopes": ["all"]}, 400, "/scopes/"),
        ("POST", "/v1/tokens", {"name": "\0", "scopes": ["admin"]}, 422, "NUL"),
        ("POST", "/v1/tokens", {"name": "t", "scopes": ["admin"], "secret": "x"}, 400, "secret"),
        (
            "POST",
            "/v1/tokens",
            {"name": "t", "scopes": ["admin"], "expires_at": "2020-01-01T00:00:00Z"},
            422,
            "expired already",
        ),
        (
            "POST",
            "/v1/tokens",
            {"name": "t", "scopes": ["admin"], "expires_at": "2099-01-01T00:00:00"},
            400,
            "timezone",
        ),
        (
            "POST",
            "/v1/tokens",
            {"name": "t", "scopes": ["admin"], "organization": "nobody"},
            404,
            "nobody",
        ),
        ("GET", "/v1/tokens?organization=%00", None, 404, "no organization"),
        ("GET", "/v1/tokens/17", None, 400, "UUID"),
        ("POST", "/v1/organizations", {"slug": "Acme"}, 422, "slug"),
        ("POST", "/v1/organizations", {"slug": "default"}, 409, "already"),
        ("POST", "/v1/organizations", {"slug": "x", "time_zone": "Mars"}, 422, "time zone"),
        ("GET", "/v1/organizations/%00", None, 404, "no organization"),
        ("PATCH", "/v1/organizations/default", {"slug": "x"}, 400, "slug"),
        ("PATCH", "/v1/organizations/default", {"name": ""}, 422, "name"),
        ("PUT", "/v1/webhooks/x", {"url": "http://127.0.0.1:10/"}, 422, "not public"),
        ("PUT", "/v1/webhooks/x", {"url": CLOSED_URL, "events": ["all"]}, 400, "/events/"),
        ("PUT", "/v1/webhooks/x", {"url": CLOSED_URL, "events": []}, 422, "told of some"),
        ("PUT", "/v1/webhooks/%00", {"url": CLOSED_URL}, 422, "webhook's name"),
        ("GET", "/v1/webhooks/%00", None, 404, "no webhook"),
        ("GET", "/v1/webhooks/x/deliveries?state=lost", None, 400, "waiting"),
    ],
)
def test_what_cannot_be_is_refused(
    admin: httpx.Client, method: str, path: str, body: dict[str, Any] | None, status: int, said: str
) -> None:
    answer = admin.request(method, path, json=body)
    assert (answer.status_code, said in answer.json()["detail"]) == (status, True), answer.text


def test_a_webhook_is_made_tried_changed_and_forgotten(admin: httpx.Client) -> None:
    path = "/v1/webhooks/ci"
    made = admin.put(path, json={"url": CLOSED_URL})
    assert (made.status_code, made.headers["location"]) == (201, path)
    document = made.json()
    assert document.pop("secret").startswith("whsec_")
    assert admin.get(path).json() == document
    assert document in admin.get("/v1/webhooks").json()["items"]
    again = admin.put(path, json={"url": CLOSED_URL, "events": ["import.failed"]})
    assert (again.status_code, again.json()["secret"]) == (200, None)
    rotated = admin.put(path, json={"url": CLOSED_URL, "rotate": True})
    assert (rotated.status_code, rotated.json()["secret"][:6]) == (200, "whsec_")
    tried = admin.post(f"{path}/test").json()
    assert (tried["number"], tried["status"]) == (1, None)
    assert tried["error"]
    [delivery] = admin.get(f"{path}/deliveries", params={"state": "waiting"}).json()["items"]
    assert delivery["type"] == "webhook.test"
    replayed = admin.post(f"{path}/replay", json={"delivery_id": delivery["id"]})
    assert (replayed.status_code, replayed.json()) == (202, {"replayed": 1})
    nowhere = admin.post(f"{path}/replay", json={"delivery_id": str(new_uuid())})
    assert nowhere.status_code == 404
    assert admin.delete(path).status_code == 204
    assert admin.get(path).status_code == admin.delete(path).status_code == 404
