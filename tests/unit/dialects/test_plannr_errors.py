"""Errors in Laravel's shapes: a golden file for each."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Final

import jsonschema
import pytest
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ServiceUnavailableException,
)
from litestar.testing import RequestFactory

from rowport.dialects import plannr
from rowport.dialects.plannr.errors import (
    RATE_KEY,
    ImportMissing,
    PayloadTooLarge,
    Refused,
    TooManyAttempts,
    render,
    summary,
)
from rowport.model.errors import (
    Forbidden,
    IllegalTransition,
    InvalidOptions,
    RecordTypeNotFound,
    StorageFull,
    Unauthorized,
    Unavailable,
)
from rowport.wire.limits import Verdict

FOLDER: Final = Path(plannr.__file__).parent
ERRORS: Final[dict[str, tuple[Exception, int]]] = {
    "unauthenticated": (Unauthorized("secret words"), 401),
    "forbidden": (Forbidden("secret words"), 403),
    "not_found": (ImportMissing(), 404),
    "validation": (Refused({"mode": ["The selected mode is invalid."]}), 422),
    "validation_of_two": (
        Refused({"type": ["The type field is required."], "mode": ["The mode field is required."]}),
        422,
    ),
    "start_before_map": (
        Refused({"status": ["The import must be mapped before it can be started."]}),
        422,
    ),
    "too_many_attempts": (TooManyAttempts(), 429),
    "payload_too_large": (PayloadTooLarge(), 413),
    "route_not_found": (NotFoundException(), 404),
    "method_not_allowed": (
        MethodNotAllowedException(headers={"Allow": "GET, POST"}),
        405,
    ),
    "server_error": (ZeroDivisionError("secret words"), 500),
    "unavailable": (Unavailable("secret words"), 503),
    "storage_full": (StorageFull("secret words"), 507),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_is_told_as_its_golden_file_has_it(name: str) -> None:
    error, status = ERRORS[name]
    answer = render(RequestFactory().delete("/api/v1/import"), error)
    assert answer.status_code == status
    schema = json.loads((FOLDER / "schemas/error.json").read_text(encoding="utf-8"))
    jsonschema.validate(answer.content, schema)
    golden = (FOLDER / "golden" / f"error_{name}.json").read_text(encoding="utf-8")
    assert json.dumps(answer.content, indent=2) + "\n" == golden
    assert "secret" not in golden


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidOptions("no"), 422),
        (IllegalTransition("no"), 409),
        (RecordTypeNotFound("no"), 404),
        (HTTPException(status_code=415), 415),
        (ServiceUnavailableException(), 500),
    ],
)
def test_whatever_is_raised_has_a_shape(error: Exception, status: int) -> None:
    answer = render(RequestFactory().get("/api/v1/import"), error)
    assert answer.status_code == status
    assert answer.content["message"]


def test_an_answer_tells_the_limit_only_after_somebody_was_counted() -> None:
    request = RequestFactory().get("/api/v1/import")
    assert "X-RateLimit-Limit" not in render(request, Unauthorized()).headers
    now = time.time()
    request.state[RATE_KEY] = Verdict(
        allowed=False,
        limit=500,
        remaining=0,
        retry_after_s=0.1,
        reset_at_s=now,
        reset_after_s=0.1,
    )
    headers = render(request, TooManyAttempts()).headers
    assert headers["Retry-After"] == "1"
    assert headers["X-RateLimit-Remaining"] == "0"
    assert int(headers["X-RateLimit-Reset"]) >= now


def test_what_may_work_later_says_when() -> None:
    request = RequestFactory().get("/api/v1/import")
    assert render(request, Unavailable()).headers["Retry-After"] == "1"


def test_the_first_message_and_the_number_of_the_others_are_the_summary() -> None:
    assert summary({"a": ["One."]}) == "One."
    assert summary({"a": ["One."], "b": ["Two."]}) == "One. (and 1 more error)"
    assert summary({"a": ["One.", "Two."], "b": ["Three."]}) == "One. (and 2 more errors)"
