"""Errors in Micro's envelope: a golden file for each."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Final

import pytest
from jsonschema import Draft202012Validator
from litestar.exceptions import (
    ClientException,
    InternalServerException,
    MethodNotAllowedException,
    NotFoundException,
)
from litestar.testing import RequestFactory

import rowport.dialects.micro
from rowport.dialects.micro.errors import (
    InvalidRequest,
    Issue,
    KeyInUse,
    KeyMismatch,
    PayloadTooLarge,
    RateLimited,
    UnknownThing,
    UnsupportedMediaType,
    render,
    request_id,
)
from rowport.model.errors import Forbidden, InvalidOptions, StorageFull, Unauthorized, Unavailable

FOLDER: Final = Path(rowport.dialects.micro.__file__).parent
SCHEMA: Final = Draft202012Validator(json.loads((FOLDER / "schemas" / "error.json").read_text()))
REQUEST: Final = RequestFactory().get("/v2/prism/x/imports/y", headers={"x-request-id": "req-1"})
MISSING: Final = Issue(
    field=".body.default.email",
    message="must have required property 'email'",
    rule="required",
)
ERRORS: Final[dict[str, tuple[Exception, int]]] = {
    "invalid_request": (InvalidRequest([MISSING]), 400),
    "invalid_options": (InvalidOptions("The key cannot be."), 400),
    "unauthorized": (Unauthorized("The header x-api-key is missing."), 401),
    "forbidden": (Forbidden("The API key is not valid."), 403),
    "not_found": (UnknownThing("There is no such import job, or it has expired."), 404),
    "no_route": (NotFoundException(), 404),
    "method_not_allowed": (MethodNotAllowedException(), 405),
    "idempotency_key_mismatch": (KeyMismatch(), 409),
    "idempotency_key_in_use": (KeyInUse(), 409),
    "payload_too_large": (PayloadTooLarge("An import takes at most 10000 objects."), 413),
    "unsupported_media_type": (UnsupportedMediaType(), 415),
    "rate_limited": (RateLimited(0.03), 429),
    "internal_error": (ZeroDivisionError("secret cell"), 500),
    "unavailable": (Unavailable("The database does not answer."), 503),
    "insufficient_storage": (StorageFull("No room is left."), 507),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_is_worded_as_its_golden_file_key_by_key(name: str) -> None:
    error, status = ERRORS[name]
    answer = render(REQUEST, error)
    wanted = json.loads((FOLDER / "golden" / f"error_{name}.json").read_text())
    assert json.dumps(answer.content, indent=1) == json.dumps(wanted, indent=1)
    assert answer.status_code == status
    assert answer.headers["x-request-id"] == "req-1"
    SCHEMA.validate(answer.content)


def test_every_golden_file_of_an_error_is_looked_at() -> None:
    found = {path.stem for path in (FOLDER / "golden").glob("error_*.json")}
    assert found == {f"error_{name}" for name in ERRORS}


@pytest.mark.parametrize("error", [KeyMismatch(), KeyInUse()])
def test_a_409_tells_the_client_not_to_try_again_by_itself(error: Exception) -> None:
    assert render(REQUEST, error).headers["x-should-retry"] == "false"


@pytest.mark.parametrize(("wait_s", "said"), [(0.03, "1"), (1.0, "1"), (1.01, "2"), (2592, "2592")])
def test_a_429_says_when_to_try_again_in_whole_seconds(wait_s: float, said: str) -> None:
    assert render(REQUEST, RateLimited(wait_s)).headers["Retry-After"] == said


@pytest.mark.parametrize("error", [ValueError("secret"), InternalServerException(detail="secret")])
def test_what_nobody_foresaw_is_logged_by_place_and_told_to_nobody(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = render(REQUEST, error)
    assert answer.status_code == 500
    assert "secret" not in json.dumps(answer.content) + caplog.text
    assert type(error).__name__ in caplog.text


def test_a_detail_of_the_framework_is_not_told() -> None:
    assert "secret" not in json.dumps(render(REQUEST, ClientException(detail="secret")).content)


@pytest.mark.parametrize("said", ["", "a b", "x" * 129, "é", "a\tb", "<script>"])
def test_an_id_of_the_client_that_is_not_sane_is_replaced(said: str) -> None:
    request = RequestFactory().get("/", headers={"x-request-id": said})
    made = request_id(request)
    assert made != said
    assert len(made) == 36


def test_at_most_a_hundred_issues_are_told() -> None:
    error = InvalidRequest([MISSING] * 101)
    assert len(error.issues) == 100
    assert "(and 100 more)" in error.message
