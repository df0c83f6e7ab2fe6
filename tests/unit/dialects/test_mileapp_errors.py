"""Errors as MileApp words them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from jsonschema import Draft202012Validator
from litestar import Litestar
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.testing import RequestFactory

import rowport.dialects.mileapp
from rowport.dialects.mileapp.asking import accepts_json
from rowport.dialects.mileapp.errors import Refused, render
from rowport.dialects.mileapp.uploads import FILE_TYPE
from rowport.model.errors import (
    Forbidden,
    ImportNotFound,
    Invalid,
    InvalidOptions,
    RowportError,
    StorageFull,
    Unauthorized,
    Unavailable,
)

if TYPE_CHECKING:
    from litestar import Request, Response

FOLDER: Final = Path(rowport.dialects.mileapp.__file__).parent
SCHEMA: Final = Draft202012Validator(json.loads((FOLDER / "schemas" / "error.json").read_text()))
MONITORING: Final = "/api/v3/import-monitoring"

ERRORS: Final[dict[str, Exception]] = {
    "unauthorized": Unauthorized(),
    "forbidden": Forbidden(),
    "record_not_found": ImportNotFound(),
    "file_required": Refused(400, "The file field is required.", "import-001"),
    "file_type": Refused(422, FILE_TYPE, "import-002"),
    "invalid_status": Refused(400, "Invalid status value", "import-003"),
    "internal": RuntimeError("secret"),
    "method": MethodNotAllowedException(),
    "acceptable": Refused(406, "Not Acceptable"),
    "too_large": HTTPException(status_code=413, detail="body too large"),
    "too_many": Refused(429, "Too Many Requests"),
    "path": NotFoundException(),
}


def asked(path: str = MONITORING) -> Request[Any, Any, Any]:
    # Without its logging, which would take over that of the whole process.
    return RequestFactory(app=Litestar([], logging_config=None)).get(path)


def body(answer: Response[Any]) -> dict[str, Any]:
    assert answer.media_type == "application/json"
    said: dict[str, Any] = answer.content
    SCHEMA.validate(said)
    return said


@pytest.mark.parametrize("name", ERRORS)
def test_each_error_has_its_golden_body(name: str) -> None:
    golden = json.loads((FOLDER / "golden" / f"error_{name}.json").read_text())
    answer = render(asked(), ERRORS[name])
    assert (answer.status_code, json.dumps(body(answer))) == (
        golden["http"],
        json.dumps(golden["body"]),
    )


def test_every_golden_error_is_tested() -> None:
    files = {path.stem.removeprefix("error_") for path in FOLDER.glob("golden/error_*.json")}
    assert files == set(ERRORS)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Invalid("a"), "import-001"),
        (InvalidOptions("a"), "import-002"),
        (StorageFull("a"), None),
        (Unavailable("a"), None),
    ],
)
def test_what_the_service_refuses_keeps_its_status_and_words(
    error: RowportError, code: str | None
) -> None:
    answer = render(asked(), error)
    told = body(answer)
    assert (answer.status_code, told["message"], told.get("failedCode")) == (
        error.status,
        "a",
        code,
    )
    assert ("Retry-After" in answer.headers) == error.transient


@pytest.mark.parametrize("error", [RuntimeError("x"), Invalid("a")])
def test_pages_that_do_not_import_have_no_code_of_imports(error: Exception) -> None:
    assert "failedCode" not in body(render(asked("/api/v3/data-types"), error))


def test_nothing_inside_leaks_and_the_log_names_only_kind_and_place(
    caplog: pytest.LogCaptureFixture,
) -> None:
    try:
        raise RuntimeError("secret cell")  # noqa: TRY301  a traceback is wanted
    except RuntimeError as error:
        answer = render(asked(), error)
    assert "secret" not in json.dumps(body(answer))
    [line] = [record.getMessage() for record in caplog.records]
    assert "secret" not in line
    assert "RuntimeError at" in line


def test_the_log_is_silent_about_what_was_refused(caplog: pytest.LogCaptureFixture) -> None:
    render(asked(), Unauthorized())
    assert caplog.records == []


@pytest.mark.parametrize(
    ("accept", "fine"),
    [
        ("*/*", True), ("application/json", True), ("application/JSON; q=0.5", True), ("", True),
        ("text/html, application/json", True), ("application/*", True), ("text/html", False),
        ("application/xml;q=1", False),
    ],
)  # fmt: skip
def test_only_json_is_acceptable(accept: str, *, fine: bool) -> None:
    assert accepts_json(accept) is fine
