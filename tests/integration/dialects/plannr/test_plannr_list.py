"""Plannr's list of imports: filters, order, pages."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.integration.dialects.plannr.conftest import (
    PATH,
    UNKNOWN,
    created,
    fits,
    fresh,
    imported,
    mapped,
    people,
    refusal,
)

if TYPE_CHECKING:
    import httpx


@pytest.fixture(scope="module")
def shelf(api: httpx.Client) -> dict[str, dict[str, Any]]:
    """One import of each kind, in the order of their making."""
    made = {"pending": created(api, people(fresh()), mode="update")}
    made["mapped"] = mapped(api, created(api, people(fresh()))["uuid"])
    made["completed"] = imported(api, people(fresh(), "no address"))
    made["failed"] = imported(api, people("no address"), mode="validate")
    return made


@pytest.fixture(scope="module")
def only(shelf: dict[str, dict[str, Any]]) -> dict[str, str]:
    """The filter for these imports alone."""
    return {"filter[uuid]": ",".join(item["uuid"] for item in shelf.values())}


def listed(api: httpx.Client, **words: Any) -> dict[str, Any]:  # noqa: ANN401  httpx's
    answer = api.get(PATH, **words)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    fits(document, "list")
    return document


def uuids(page: dict[str, Any]) -> list[str]:
    return [item["uuid"] for item in page["data"]]


def test_an_item_says_what_the_import_says_but_headers_mapping_and_account(
    api: httpx.Client, shelf: dict[str, dict[str, Any]], only: dict[str, str]
) -> None:
    page = listed(api, params=only)
    for item, whole in zip(page["data"], shelf.values(), strict=True):
        left_out = {"headers", "mapping", "account"}
        expected = {name: value for name, value in whole.items() if name not in left_out}
        if expected["error_report"]:
            assert item["error_report"].pop("download_url")
            del expected["error_report"]["download_url"]
        assert item == expected
        assert list(item) == list(expected)


def test_the_account_is_told_when_it_is_asked_for(
    api: httpx.Client, shelf: dict[str, dict[str, Any]], only: dict[str, str]
) -> None:
    page = listed(api, params={**only, "include": "initiatedBy"})
    assert [item["account"] for item in page["data"]] == [i["account"] for i in shelf.values()]


def test_imports_come_in_the_order_of_their_making_unless_told_otherwise(
    api: httpx.Client, shelf: dict[str, dict[str, Any]], only: dict[str, str]
) -> None:
    made = [item["uuid"] for item in shelf.values()]
    assert uuids(listed(api, params=only)) == made
    assert uuids(listed(api, params={**only, "sort": "created_at"})) == made
    assert uuids(listed(api, params={**only, "sort": "-created_at"})) == made[::-1]
    mapped(api, shelf["mapped"]["uuid"])
    changed = uuids(listed(api, params={**only, "sort": "-updated_at"}))
    assert changed[0] == shelf["mapped"]["uuid"]
    assert uuids(listed(api, params={**only, "sort": "updated_at"})) == changed[::-1]


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"filter[statuses]": "pending"}, ["pending"]),
        ({"filter[statuses]": "mapped"}, ["mapped"]),
        ({"filter[statuses]": "completed, failed"}, ["completed", "failed"]),
        ({"filter[statuses]": "processing,cancelled"}, []),
        ({"filter[statuses]": "onprocess"}, []),
        ({"filter[statuses]": ""}, ["pending", "mapped", "completed", "failed"]),
        ({"filter[statuses][]": ["mapped", "failed"]}, ["mapped", "failed"]),
        ({"filter[statuses]": ["mapped", "failed"]}, ["failed"]),
        ({"filter[modes]": "store"}, ["mapped", "completed"]),
        ({"filter[modes]": "update,validate"}, ["pending", "failed"]),
        ({"filter[modes]": "upsert"}, []),
        ({"filter[types]": "clients"}, ["pending", "mapped", "completed", "failed"]),
        ({"filter[types]": "charges,clients"}, ["pending", "mapped", "completed", "failed"]),
        ({"filter[types]": "charges"}, []),
        ({"filter[types]": "\ud7ff"}, []),
        ({"filter[exclude_types]": "clients"}, []),
        ({"filter[exclude_types]": "charges"}, ["pending", "mapped", "completed", "failed"]),
        ({"filter[types]": "clients", "filter[exclude_types]": "clients"}, []),
        ({"filter[initiated_by]": UNKNOWN}, []),
        ({"filter[modes]": "store", "filter[statuses]": "mapped"}, ["mapped"]),
        ({"unknown": "x"}, ["pending", "mapped", "completed", "failed"]),
    ],
)
def test_filters_choose(
    api: httpx.Client,
    shelf: dict[str, dict[str, Any]],
    only: dict[str, str],
    filters: dict[str, Any],
    names: list[str],
) -> None:
    page = listed(api, params={**only, **filters})
    assert uuids(page) == [shelf[name]["uuid"] for name in names]
    assert page["meta"]["total"] == len(names)


def test_imports_of_a_user_can_be_chosen(
    api: httpx.Client, shelf: dict[str, dict[str, Any]], only: dict[str, str]
) -> None:
    account = shelf["mapped"]["account"]["uuid"]
    page = listed(api, params={**only, "filter[initiated_by]": account})
    assert len(page["data"]) == len(shelf)


def test_days_are_those_of_the_account_and_both_are_included(
    api: httpx.Client, shelf: dict[str, dict[str, Any]], only: dict[str, str]
) -> None:
    day = datetime.fromisoformat(shelf["pending"]["created_at"]).date()

    def count(since: date | None, until: date | None) -> int:
        days = {"filter[date_from]": since, "filter[date_to]": until}
        told = {name: value.isoformat() for name, value in days.items() if value}
        return int(listed(api, params={**only, **told})["meta"]["total"])

    one = timedelta(days=1)
    last = datetime.fromisoformat(shelf["failed"]["created_at"]).date()
    assert count(day, last) == count(day, None) == count(None, last) == len(shelf)
    assert count(last + one, None) == count(None, day - one) == 0
    assert count(date.min, date.max) == len(shelf)
    assert count(date.max, None) == count(None, date.min) == 0


@pytest.mark.parametrize(
    ("words", "errors"),
    [
        ({"sort": "status"}, {"sort": ["The selected sort is invalid."]}),
        ({"sort": "--created_at"}, {"sort": ["The selected sort is invalid."]}),
        ({"include": "firm"}, {"include": ["The selected include is invalid."]}),
        ({"filter[x]": "1"}, {"filter.x": ["The selected filter.x is invalid."]}),
        ({"filter[uuid]": "17"}, {"filter.uuid": ["The filter.uuid must be a valid UUID."]}),
        (
            {"filter[initiated_by]": "x"},
            {"filter.initiated_by": ["The filter.initiated_by must be a valid UUID."]},
        ),
        (
            {"filter[date_from]": "01/02/2026"},
            {"filter.date_from": ["The filter.date_from does not match the format Y-m-d."]},
        ),
        (
            {"filter[date_to]": "2026-02-30"},
            {"filter.date_to": ["The filter.date_to does not match the format Y-m-d."]},
        ),
    ],
)
def test_a_question_that_cannot_be_is_refused(
    api: httpx.Client, words: dict[str, str], errors: dict[str, list[str]]
) -> None:
    refusal(api.get(PATH, params=words), errors)


@pytest.mark.parametrize(
    "words",
    [
        {"page": "\0"},
        {"filter[types]": "clients\0"},
        {"filter[uuid]": "\0"},
        {"x": "\0"},
        {"\0": "x"},
    ],
)
def test_a_query_with_a_nul_is_refused(api: httpx.Client, words: dict[str, str]) -> None:
    for path in (PATH, f"{PATH}/{UNKNOWN}"):
        answer = api.get(path, params=words)
        assert answer.status_code == 400
        assert answer.json() == {"message": "The query holds the character U+0000."}


@pytest.mark.parametrize(
    ("said", "effective"),
    [("", 15), ("0", 15), ("-1", 15), ("x", 15), ("1", 1), ("500", 500), ("501", 500)],
)
def test_a_page_holds_from_1_to_500(api: httpx.Client, said: str, effective: int) -> None:
    page = listed(api, params={"filter[uuid]": UNKNOWN, "per_page": said})
    assert page["meta"]["per_page"] == effective


def test_pages_follow_one_another_by_their_links(
    api: httpx.Client, shelf: dict[str, dict[str, Any]], only: dict[str, str]
) -> None:
    page = listed(api, params={**only, "per_page": "3", "sort": "-created_at"})
    assert list(page) == ["data", "links", "meta"]
    assert list(page["meta"]) == [
        "current_page", "from", "last_page", "links", "path", "per_page", "to", "total",
    ]  # fmt: skip
    assert (page["meta"]["from"], page["meta"]["to"], page["meta"]["last_page"]) == (1, 3, 2)
    assert page["links"]["prev"] is None
    assert page["meta"]["path"] == str(api.base_url).rstrip("/") + PATH
    assert [link["label"] for link in page["meta"]["links"]] == [
        "&laquo; Previous", "1", "2", "Next &raquo;",
    ]  # fmt: skip
    assert "filter%5Buuid%5D=" in page["links"]["next"]
    rest = api.get(page["links"]["next"]).json()
    fits(rest, "list")
    assert uuids(page) + uuids(rest) == [item["uuid"] for item in shelf.values()][::-1]
    assert rest["links"]["next"] is None


@pytest.mark.parametrize("page", ["3", "999999999", "9223372036854775807"])
def test_a_page_past_the_last_is_empty(api: httpx.Client, only: dict[str, str], page: str) -> None:
    found = listed(api, params={**only, "per_page": "500", "page": page})
    assert found["data"] == []
    assert found["meta"]["current_page"] == int(page)
    assert (found["meta"]["from"], found["meta"]["to"]) == (None, None)
    assert found["meta"]["total"] == 4


@pytest.mark.parametrize("page", ["0", "-1", "x", "1e3", ""])
def test_a_page_that_is_none_is_the_first(
    api: httpx.Client, only: dict[str, str], page: str
) -> None:
    assert listed(api, params={**only, "page": page})["meta"]["current_page"] == 1


def test_an_organization_lists_its_own_imports_alone(
    web: httpx.Client, credentials: dict[str, Any], only: dict[str, str]
) -> None:
    token = credentials["other"]["plannr"]["token"]
    page = web.get(PATH, params=only, headers={"Authorization": f"Bearer {token}"}).json()
    assert page["data"] == []


@pytest.mark.parametrize(
    "query", ["?%ff=%fe", "?filter[types]=%ff", "?filter[]=x", "?filter=x", "?a=1&a=2"]
)
def test_no_query_breaks_it(api: httpx.Client, query: str) -> None:
    answer = api.get(PATH + query)
    assert answer.status_code in {200, 422}, answer.text


def sent_natively(web: httpx.Client, token: str, type_name: str, content: bytes) -> str:
    answer = web.post(
        "/v1/imports",
        data={"type": type_name},
        files={"file": ("a.csv", content, "text/csv")},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def test_imports_of_other_faces_are_seen_if_their_record_type_is(
    api: httpx.Client, web: httpx.Client, credentials: dict[str, Any]
) -> None:
    token = credentials["native"]["token"]
    seen = sent_natively(web, token, "clients", f"email\n{fresh()}\n".encode())
    unseen = sent_natively(web, token, "rocketchat_users", f"email\n{fresh()}\n".encode())
    shown = api.get(f"{PATH}/{seen}").json()
    fits(shown, "import")
    assert (shown["type"], shown["mode"]) == ("clients", "store")
    assert api.get(f"{PATH}/{unseen}").status_code == 404
    page = listed(api, params={"filter[uuid]": f"{seen},{unseen}"})
    assert uuids(page) == [seen]
