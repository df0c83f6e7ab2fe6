"""A client as Plannr's documentation shows one; every answer is held to its schema."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import httpx
import jsonschema
import pytest

from rowport.dialects import plannr

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH: Final = "/api/v1/import"
SCHEMAS: Final = Path(plannr.__file__).parent / "schemas"
PATIENCE_S: Final = 60.0
HEADERS: Final = {"first_name": "fname", "last_name": "lname", "email": "email"}
UNKNOWN: Final = "4d94adac-7d98-4a3e-b307-652953eec54b"
ENDS: Final = frozenset({"completed", "failed", "cancelled"})


def fits(document: object, schema: str) -> None:
    """See that an answer has the shape of its schema."""
    jsonschema.validate(document, json.loads((SCHEMAS / f"{schema}.json").read_text()))


def client_of(url: str, credentials: dict[str, Any]) -> httpx.Client:
    """Make a client with the headers that the documentation shows."""
    headers = {
        "Authorization": f"Bearer {credentials['token']}",
        "X-PLANNR-ACCOUNT-UUID": credentials["account_uuid"],
        "Accept": "application/json",
    }
    return httpx.Client(base_url=url, headers=headers, timeout=PATIENCE_S)


@pytest.fixture(scope="session")
def api(web: httpx.Client, credentials: dict[str, Any]) -> Iterator[httpx.Client]:
    """A client of the demonstration organization."""
    with client_of(str(web.base_url), credentials["plannr"]) as client:
        yield client


def people(*emails: str) -> bytes:
    """A file with a row for each."""
    rows = "".join(f"Ann,Lee,{email}\n" for email in emails)
    return f"fname,lname,email\n{rows}".encode()


def fresh() -> str:
    return f"{uuid4().hex}@example.com"


def send(api: httpx.Client, content: bytes, *, mode: str = "store", **more: Any) -> httpx.Response:  # noqa: ANN401  httpx's
    data = {"type": "clients", "mode": mode, **more.pop("data", {})}
    files = more.pop("files", {"file": ("clients.csv", content, "text/csv")})
    return api.post(PATH, data=data, files=files, **more)


def created(api: httpx.Client, content: bytes, *, mode: str = "store") -> dict[str, Any]:
    answer = send(api, content, mode=mode)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    fits(document, "import")
    return document


def mapped(api: httpx.Client, uuid: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    answer = api.post(f"{PATH}/map/{uuid}", json={"headers": headers or HEADERS})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    fits(document, "import")
    return document


def ended(api: httpx.Client, uuid: str) -> dict[str, Any]:
    """Start an import and poll as clients do."""
    answer = api.post(f"{PATH}/start/{uuid}")
    assert answer.status_code == 200, answer.text
    fits(answer.json(), "import")
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        shown: dict[str, Any] = api.get(f"{PATH}/{uuid}").json()
        fits(shown, "import")
        if shown["status"] in ENDS:
            return shown
    raise AssertionError(uuid)


def imported(
    api: httpx.Client,
    content: bytes,
    *,
    mode: str = "store",
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    uuid = created(api, content, mode=mode)["uuid"]
    mapped(api, uuid, headers)
    return ended(api, uuid)


def refusal(answer: httpx.Response, errors: dict[str, list[str]]) -> None:
    """See that the answer is a validation error with these messages."""
    assert answer.status_code == 422, answer.text
    document = answer.json()
    fits(document, "error")
    assert document["errors"] == errors
    assert document["message"].startswith(next(iter(errors.values()))[0])
