"""MoEngage's error bodies, each as it is published."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import jsonschema
import pytest
from litestar import Litestar
from litestar.exceptions import (
    ClientException,
    HTTPException,
    InternalServerException,
    MethodNotAllowedException,
    NotFoundException,
)
from litestar.status_codes import HTTP_413_REQUEST_ENTITY_TOO_LARGE
from litestar.testing import RequestFactory

from rowport.dialects import moengage
from rowport.dialects.moengage import errors
from rowport.dialects.moengage.errors import Refused, Told, render
from rowport.model.errors import (
    Conflict,
    Forbidden,
    ImportNotFound,
    InvalidOptions,
    StorageFull,
    Unauthorized,
    Unavailable,
)

if TYPE_CHECKING:
    from litestar import Response

FOLDER: Final = Path(moengage.__file__).parent
BASE: Final = "/v1.0/data/fileimports"
STATUS: Final = f"{BASE}/import/status"
HISTORY: Final = f"{BASE}/import/run/history"
TRIGGER: Final = f"{BASE}/trigger/abc"
SCHEMA: Final = json.loads((FOLDER / "schemas" / "error.json").read_text(encoding="utf-8"))

REQUESTS: Final = RequestFactory(app=Litestar(logging_config=None, openapi_config=None))

GOLDEN: Final[dict[str, Told]] = {
    "invalid_date": errors.INVALID_DATE,
    "date_span": errors.DATE_SPAN,
    "invalid_offset": errors.INVALID_OFFSET,
    "no_import": errors.NO_IMPORT,
    "unable": errors.UNABLE,
    "too_large": errors.TOO_LARGE,
    "header_missing": errors.HEADER_MISSING,
    "header_mismatch": errors.HEADER_MISMATCH,
    "password_invalid": errors.PASSWORD_INVALID,
    "suspended": errors.suspended(),
    "forbidden": errors.forbidden(),
    "not_found": errors.not_found(STATUS),
    "not_found_trigger": errors.not_found(TRIGGER),
    "method": errors.METHOD,
    "unsupported": errors.unsupported(STATUS),
    "unsupported_history": errors.unsupported(HISTORY),
    "too_many": errors.too_many(),
    "trigger_not_found": errors.TRIGGER_NOT_FOUND,
    "trigger_too_soon": errors.TRIGGER_TOO_SOON,
    "trigger_invalid_state": errors.invalid_state("Only a periodic import can be triggered."),
    "server_error": errors.server_error("GlQhUzvM"),
}


def masked(body: dict[str, Any]) -> dict[str, Any]:
    """Give the body with an id that is the same for every request."""
    match body:
        case {"error": {"request_id": str()} as error}:
            return body | {"error": error | {"request_id": "ofHUEaEQ"}}
        case _:
            return body


@pytest.mark.parametrize("name", GOLDEN)
def test_an_error_is_as_its_golden_file_says(name: str) -> None:
    told = {"status": GOLDEN[name].status, "body": masked(GOLDEN[name].body)}
    expected = (FOLDER / "golden" / f"error_{name}.json").read_text(encoding="utf-8")
    assert json.dumps(told, indent=2) + "\n" == expected


def test_every_golden_error_is_looked_at() -> None:
    known = {file.stem for file in (FOLDER / "golden").glob("error_*.json")}
    assert known == {f"error_{name}" for name in GOLDEN}


@pytest.mark.parametrize("name", GOLDEN)
def test_an_error_keeps_its_schema(name: str) -> None:
    jsonschema.validate(GOLDEN[name].body, SCHEMA)


def rendered(error: Exception, path: str = STATUS) -> Response[dict[str, object]]:
    answer = render(REQUESTS.post(path), error)
    jsonschema.validate(answer.content, SCHEMA)
    return answer


@pytest.mark.parametrize(
    ("error", "path", "told"),
    [
        (Refused(errors.NO_IMPORT), HISTORY, errors.NO_IMPORT),
        (Unauthorized(), STATUS, errors.PASSWORD_INVALID),
        (ImportNotFound(), STATUS, errors.not_found(STATUS)),
        (ImportNotFound(), TRIGGER, errors.not_found(TRIGGER)),
        (NotFoundException(), f"{BASE}/nothing", errors.not_found(STATUS)),
        (NotFoundException(), f"{BASE}/trigger", errors.not_found(TRIGGER)),
        (MethodNotAllowedException(), STATUS, errors.METHOD),
        (HTTPException(status_code=HTTP_413_REQUEST_ENTITY_TOO_LARGE), STATUS, errors.TOO_LARGE),
        (HTTPException(status_code=415), STATUS, errors.unsupported(STATUS)),
        (HTTPException(status_code=415), HISTORY, errors.unsupported(HISTORY)),
        (ClientException(), STATUS, errors.UNABLE),
        (InvalidOptions(), STATUS, errors.UNABLE),
        (Conflict(), TRIGGER, errors.UNABLE),
    ],
)
def test_each_error_has_its_body(error: Exception, path: str, told: Told) -> None:
    answer = rendered(error, path)
    assert (answer.status_code, answer.content) == (told.status, told.body)


def test_a_key_that_may_not_is_told_in_the_shape_of_the_published_403() -> None:
    answer = rendered(Forbidden())
    assert answer.status_code == 403
    assert masked(answer.content) == masked(errors.forbidden().body)


def test_401_names_the_scheme() -> None:
    assert rendered(Unauthorized()).headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize("error", [Unavailable(), StorageFull()])
def test_what_may_work_later_says_so(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.CRITICAL):
        answer = rendered(error)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


@pytest.mark.parametrize("error", [ValueError("secret"), InternalServerException("secret")])
def test_the_unforeseen_is_logged_without_its_words_and_told_without_anything(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    answer = rendered(error)
    assert answer.status_code == 500
    [line] = [record.getMessage() for record in caplog.records]
    assert type(error).__name__ in line
    assert str(answer.content["code"]) in line
    assert "secret" not in line + json.dumps(answer.content)


def test_each_request_has_another_id() -> None:
    assert len({errors.new_code() for _ in range(50)}) == 50
