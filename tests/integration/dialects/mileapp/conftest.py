"""A client of MileApp's import API that checks every answer against its schema."""

from __future__ import annotations

import io
import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
import xlsxwriter
from jsonschema import Draft202012Validator
from tests.conftest import PATIENCE_S, until

import rowport.dialects.mileapp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.dialects.conftest import Served

SCHEMAS: Final = {
    path.stem: Draft202012Validator(json.loads(path.read_text("utf-8")))
    for path in (Path(rowport.dialects.mileapp.__file__).parent / "schemas").glob("*.json")
}
MONITORING: Final = "/api/v3/import-monitoring"
UPLOAD: Final = "/api/v3/data/import"


class MileApp:
    """A client as MileApp's are."""

    def __init__(self, url: str, given: dict[str, Any], secret: str) -> None:
        self.given = given
        self.http = httpx.Client(
            base_url=url, timeout=PATIENCE_S, headers={"Authorization": f"Bearer {secret}"}
        )

    def get(
        self, path: str, schema: str, *, status: int = 200, query: dict[str, str] | None = None
    ) -> dict[str, Any]:
        return checked(self.http.get(path, params=query), schema, status)

    def post(self, path: str, body: object, schema: str, *, status: int = 200) -> dict[str, Any]:
        return checked(self.http.post(path, json=body), schema, status)

    def upload(
        self,
        content: bytes | str,
        *,
        name: str = "clients.csv",
        schema: str = "queued",
        status: int = 200,
        into: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        words = into or {"dataTypeId": self.given["dataTypeId"]}
        answer = self.http.post(UPLOAD, files={"file": (name, content)}, data=words)
        return checked(answer, schema, status)

    def ended(self, queued: dict[str, Any]) -> dict[str, Any]:
        path = f"{MONITORING}/{queued['data']['_id']}"
        until(lambda: self.get(path, "record")["data"]["status"] != "onprocess")
        data: dict[str, Any] = self.get(path, "record")["data"]
        return data


def checked(answer: httpx.Response, schema: str, status: int) -> dict[str, Any]:
    """Give the document of an answer that is what it should be."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    said: dict[str, Any] = answer.json()
    SCHEMAS[schema].validate(said)
    return said


@pytest.fixture(scope="module")
def mile(dialect_server: Served) -> Iterator[MileApp]:
    given = dialect_server.credentials["mileapp"]
    made = MileApp(dialect_server.url, given, given["token"])
    with made.http:
        yield made


@pytest.fixture(scope="module")
def other(dialect_server: Served) -> Iterator[MileApp]:
    given = dialect_server.credentials["other"]["mileapp"]
    made = MileApp(dialect_server.url, given, given["token"])
    with made.http:
        yield made


@pytest.fixture(scope="module")
def reader(dialect_server: Served) -> Iterator[MileApp]:
    given = dialect_server.credentials["mileapp"]
    made = MileApp(dialect_server.url, given, given["readonly_token"])
    with made.http:
        yield made


def mail() -> str:
    return f"{uuid.uuid4().hex}@x.org"


def rows(good: int, bad: int = 0) -> str:
    """A file of clients."""
    lines = [f"{mail()},Ann" for _ in range(good)] + [f"none {n},Bob" for n in range(bad)]
    return "\n".join(["email,first_name", *lines]) + "\n"


def workbook(*lines: list[str]) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        for number, line in enumerate(lines):
            sheet.write_row(number, 0, line)
    return file.getvalue()
