"""What Plannr's import API refuses, and in which shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.integration.dialects.plannr.conftest import (
    HEADERS,
    PATH,
    UNKNOWN,
    created,
    fits,
    fresh,
    imported,
    people,
    refusal,
    send,
)

if TYPE_CHECKING:
    import httpx


def test_nothing_can_be_done_twice(api: httpx.Client) -> None:
    uuid = imported(api, people(fresh()))["uuid"]
    twice = {"status": ["The import has already been started."]}
    refusal(api.post(f"{PATH}/start/{uuid}"), twice)
    refusal(api.post(f"{PATH}/map/{uuid}", json={"headers": HEADERS}), twice)


@pytest.mark.parametrize(("name", "kind"), [("a\0.csv", "text/csv"), ("a.csv", "text/c\0sv")])
def test_a_file_described_with_a_nul_is_refused(api: httpx.Client, name: str, kind: str) -> None:
    body = (
        '--b\r\nContent-Disposition: form-data; name="type"\r\n\r\nclients\r\n'
        '--b\r\nContent-Disposition: form-data; name="mode"\r\n\r\nstore\r\n'
        f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        f"Content-Type: {kind}\r\n\r\nemail\r\n--b--\r\n"
    )
    answer = api.post(
        PATH, content=body, headers={"Content-Type": "multipart/form-data; boundary=b"}
    )
    assert answer.status_code == 422
    fits(answer.json(), "error")
    [message] = answer.json()["errors"]["file"]
    assert message.endswith(" characters and no NUL.")


INVALID = "The selected {} is invalid."


def said(name: str, message: str) -> dict[str, list[str]]:
    """One message of one field."""
    return {name: [message.format(name)]}


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"headers": ["The headers field is required."]}),
        ({"headers": {}}, {"headers": ["The headers field is required."]}),
        ({"headers": []}, {"headers": ["The headers field is required."]}),
        ({"headers": {"email": None}}, {"headers": ["The headers field is required."]}),
        ([], {"headers": ["The headers field is required."]}),
        ({"headers": "email"}, {"headers": ["The headers must be an array."]}),
        ({"headers": 7}, {"headers": ["The headers must be an array."]}),
        ({"headers": ["email"]}, {"headers.0": ["The selected headers.0 is invalid."]}),
        ({"headers": {"nick": "fname"}}, said("headers.nick", INVALID)),
        ({"headers": {"email": "mail"}}, said("headers.email", INVALID)),
        ({"headers": {"email": "\0"}}, said("headers.email", INVALID)),
        ({"headers": {"email": ["email"]}}, said("headers.email", "The {} must be a string.")),
        (
            {"headers": {"first_name": "fname", "last_name": "fname", "email": "email"}},
            {
                "headers.first_name": ["The headers.first_name field has a duplicate value."],
                "headers.last_name": ["The headers.last_name field has a duplicate value."],
            },
        ),
    ],
)  # fmt: skip
def test_a_mapping_that_cannot_be_is_refused(
    api: httpx.Client, body: object, errors: dict[str, list[str]]
) -> None:
    uuid = created(api, people(fresh()))["uuid"]
    answer = api.post(f"{PATH}/map/{uuid}", json=body)
    refusal(answer, errors)
    if len(errors) > 1:
        assert answer.json()["message"].endswith(" (and 1 more error)")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"[" * 5000, b'{"headers": {"email": "\\ud800"}}']
)
def test_a_mapping_that_is_no_json_is_a_missing_one(api: httpx.Client, body: bytes) -> None:
    uuid = created(api, people(fresh()))["uuid"]
    answer = api.post(f"{PATH}/map/{uuid}", content=body)
    refusal(answer, {"headers": ["The headers field is required."]})


def test_a_mapping_of_megabytes_is_too_large(api: httpx.Client) -> None:
    uuid = created(api, people(fresh()))["uuid"]
    answer = api.post(f"{PATH}/map/{uuid}", content=b" " * 1_100_000)
    assert (answer.status_code, answer.json()) == (413, {"message": "The POST data is too large."})


def test_everything_that_is_missing_is_told_at_once(api: httpx.Client) -> None:
    errors = {
        "type": ["The type field is required."],
        "mode": ["The mode field is required."],
        "file": ["The file field is required."],
    }
    for answer in (
        api.post(PATH),
        api.post(PATH, json={"kind": "clients"}),
        api.post(PATH, data={"type": " "}, files={"other": ("a.csv", b"a\n", "text/csv")}),
        api.post(PATH, content=b"x", headers={"Content-Type": "multipart/form-data; boundary=b"}),
    ):
        refusal(answer, errors)
        assert answer.json()["message"] == "The type field is required. (and 2 more errors)"


@pytest.mark.parametrize(
    ("data", "file", "errors"),
    [
        ({"type": "charges"}, ("a.csv", b"a\n1\n"), {"type": ["The selected type is invalid."]}),
        ({"type": "\0"}, ("a.csv", b"a\n1\n"), {"type": ["The selected type is invalid."]}),
        ({"mode": "upsert"}, ("a.csv", b"a\n1\n"), {"mode": ["The selected mode is invalid."]}),
        ({"mode": ""}, ("a.csv", b"a\n1\n"), {"mode": ["The mode field is required."]}),
        ({}, ("a.xlsx", b"a\n1\n"), {"file": ["The file must be a file of type: csv."]}),
        ({}, ("a.csv", b"PK\x03\x04rest"), {"file": ["The file must be a file of type: csv."]}),
        ({}, ("a.csv", b""), {"file": ["The file must be a file of type: csv."]}),
        ({"type": "x", "mode": "y"}, ("a.csv", b"a\n1\n"), {
            "type": ["The selected type is invalid."], "mode": ["The selected mode is invalid."],
        }),
    ],
)  # fmt: skip
def test_an_import_that_cannot_be_is_refused(
    api: httpx.Client,
    data: dict[str, str],
    file: tuple[str, bytes],
    errors: dict[str, list[str]],
) -> None:
    refusal(send(api, b"", data=data, files={"file": file}), errors)


def test_a_text_in_the_place_of_the_file_is_no_file(api: httpx.Client) -> None:
    data = {"type": "clients", "mode": "store"}
    parts = {**{n: (None, v.encode()) for n, v in data.items()}, "file": (None, b"a,b")}
    refusal(api.post(PATH, files=parts), {"file": ["The file must be a file of type: csv."]})


@pytest.mark.parametrize("what", ["", "map/", "start/"])
@pytest.mark.parametrize(
    "uuid", [UNKNOWN, "17", "%00", "%ff", "x" * 3000, f"{{{UNKNOWN}}}", UNKNOWN.replace("-", "")]
)
def test_what_is_not_there_is_not_found(api: httpx.Client, what: str, uuid: str) -> None:
    method = "POST" if what else "GET"
    answer = api.request(method, f"{PATH}/{what}{uuid}")
    assert answer.status_code == 404, answer.text
    assert answer.json() == {"message": "Import not found."}


def test_a_foreign_import_is_a_missing_one(
    api: httpx.Client, web: httpx.Client, credentials: dict[str, Any]
) -> None:
    uuid = created(api, people(fresh()))["uuid"]
    token = credentials["other"]["plannr"]["token"]
    headers = {"Authorization": f"Bearer {token}"}
    for method, path in (("GET", ""), ("POST", "map/"), ("POST", "start/")):
        answer = web.request(method, f"{PATH}/{path}{uuid}", headers=headers)
        assert (answer.status_code, answer.json()) == (404, {"message": "Import not found."})


def test_the_account_may_be_left_out_but_not_be_another(
    api: httpx.Client, credentials: dict[str, Any]
) -> None:
    name = "X-PLANNR-ACCOUNT-UUID"
    mine, other = (c["plannr"]["account_uuid"] for c in (credentials, credentials["other"]))
    assert api.get(PATH, headers={name: mine.upper()}).status_code == 200
    assert api.get(PATH, headers={name: ""}).status_code == 200
    for wrong in (other, "17", "x" * 5000):
        answer = api.get(PATH, headers={name: wrong})
        assert (answer.status_code, answer.json()) == (
            403,
            {"message": "This action is unauthorized."},
        )


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Authorization", "Bearer nonsense")],
        [("Authorization", "Bearer")],
        [("Authorization", "Basic YTpi")],
        [("Authorization", "Bearer " + "x" * 10_000)],
        [("Authorization", "Bearer a"), ("Authorization", "Bearer b")],
        [("X-Api-Key", "a")],
    ],
)
def test_who_is_unknown_is_unauthenticated(
    web: httpx.Client, headers: list[tuple[str, str]]
) -> None:
    for method, path in (
        ("GET", PATH),
        ("POST", PATH),
        ("GET", f"{PATH}/{UNKNOWN}"),
        ("POST", f"{PATH}/map/{UNKNOWN}"),
        ("POST", f"{PATH}/start/{UNKNOWN}"),
    ):
        answer = web.request(method, path, headers=headers)
        assert (answer.status_code, answer.json()) == (401, {"message": "Unauthenticated."})


def test_a_token_that_only_looks_may_only_look(
    web: httpx.Client, credentials: dict[str, Any]
) -> None:
    token = credentials["rocketchat"]["plain_auth_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert web.get(PATH, headers=headers).status_code == 200
    for path in (PATH, f"{PATH}/map/{UNKNOWN}", f"{PATH}/start/{UNKNOWN}"):
        answer = web.post(path, headers=headers)
        assert (answer.status_code, answer.json()) == (
            403,
            {"message": "This action is unauthorized."},
        )


def test_what_is_no_endpoint_is_told_in_the_same_shape(api: httpx.Client) -> None:
    for method, path, status in (
        ("DELETE", PATH, 405),
        ("PUT", f"{PATH}/{UNKNOWN}", 405),
        ("GET", f"{PATH}/a/b/c", 404),
    ):
        answer = api.request(method, path)
        assert answer.status_code == status, answer.text
        fits(answer.json(), "error")
        assert list(answer.json()) == ["message"]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", PATH, "GET, HEAD, POST"),
        ("PUT", f"{PATH}/{UNKNOWN}", "GET, HEAD"),
        ("GET", f"{PATH}/map/{UNKNOWN}", "POST"),
        ("HEAD", f"{PATH}/start/{UNKNOWN}", "POST"),
        ("PATCH", f"{PATH}/start/{UNKNOWN}", "POST"),
    ],
)
def test_a_method_that_a_route_has_not_is_told_with_those_that_it_has(
    api: httpx.Client, method: str, path: str, allow: str
) -> None:
    answer = api.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)
    if method != "HEAD":
        message = f"The {method} method is not supported for route {path.strip('/')}. "
        assert answer.json() == {"message": f"{message}Supported methods: {allow}."}


def test_head_is_answered_as_get_without_its_body(api: httpx.Client) -> None:
    for path in (PATH, f"{PATH}/{UNKNOWN}"):
        head, whole = api.head(path), api.get(path)
        assert head.status_code == whole.status_code
        assert head.content == b""
        assert head.headers["content-type"] == "application/json"
        assert head.headers["content-length"] == str(len(whole.content))


def test_a_form_without_a_file_wants_one(api: httpx.Client) -> None:
    words = {"type": "clients", "mode": "store"}
    for answer in (api.post(PATH, data=words), api.post(PATH, json=words)):
        refusal(answer, {"file": ["The file field is required."]})


def test_words_of_a_form_without_a_file_are_looked_at_too(api: httpx.Client) -> None:
    refusal(
        api.post(PATH, json={"type": None, "mode": 5, "file": "x"}),
        {
            "type": ["The type field is required."],
            "mode": ["The selected mode is invalid."],
            "file": ["The file must be a file of type: csv."],
        },
    )
    answer = api.post(PATH, data={"type": "x" * 2_000_000})
    assert (answer.status_code, answer.json()) == (413, {"message": "The POST data is too large."})


def test_every_answer_tells_how_many_calls_are_left(api: httpx.Client) -> None:
    for path in (PATH, f"{PATH}/{UNKNOWN}", f"{PATH}?sort=x"):
        headers = api.get(path).headers
        assert headers["x-ratelimit-limit"] == "500"
        assert 0 <= int(headers["x-ratelimit-remaining"]) < 500
