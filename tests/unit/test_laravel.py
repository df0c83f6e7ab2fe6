"""The paginator, held against what Laravel's own says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rowport.wire.laravel import paginate, plain_page, read_page, resource_page

PATH = "http://h/x"


def page_of(total: int, page: int, per_page: int = 20) -> dict[str, Any]:
    count = max(0, min(per_page, total - (page - 1) * per_page))
    return paginate(total=total, per_page=per_page, page=page, count=count, path=PATH)


def labels(said: dict[str, Any]) -> str:
    links = said["links"][1:-1]
    return " ".join(f"*{link['label']}" if link["active"] else link["label"] for link in links)


VECTORS = [
    (0, 1, "*1"),
    (0, 2, "1"),
    (95, 1, "*1 2 3 4 5"),
    (95, 5, "1 2 3 4 *5"),
    (95, 6, "1 2 3 4 5"),
    (260, 7, "1 2 3 4 5 6 *7 8 9 10 11 12 13"),
    (261, 1, "*1 2 3 4 5 6 7 8 9 10 ... 13 14"),
    (280, 7, "1 2 3 4 5 6 *7 8 9 10 ... 13 14"),
    (280, 8, "1 2 ... 5 6 7 *8 9 10 11 12 13 14"),
    (281, 8, "1 2 ... 5 6 7 *8 9 10 11 ... 14 15"),
    (281, 9, "1 2 ... 6 7 8 *9 10 11 12 13 14 15"),
    (400, 10, "1 2 ... 7 8 9 *10 11 12 13 ... 19 20"),
    (400, 14, "1 2 ... 11 12 13 *14 15 16 17 18 19 20"),
    (1000, 51, "1 2 ... 41 42 43 44 45 46 47 48 49 50"),
]


@pytest.mark.parametrize(("total", "page", "window"), VECTORS)
def test_the_window_of_links_is_laravels(total: int, page: int, window: str) -> None:
    assert labels(page_of(total, page)) == window


@pytest.mark.parametrize(
    ("total", "page", "first", "to", "previous", "following"),
    [
        (0, 1, None, None, None, None),
        (0, 2, None, None, "?page=1", None),
        (95, 1, 1, 20, None, "?page=2"),
        (95, 5, 81, 95, "?page=4", None),
        (95, 6, None, None, "?page=5", None),
        (1000, 51, None, None, "?page=50", None),
    ],
)
def test_a_page_past_the_end_is_empty_and_points_back(
    total: int, page: int, first: int | None, to: int | None, previous: str, following: str
) -> None:
    said = page_of(total, page)
    assert (said["from"], said["to"]) == (first, to)
    assert said["prev_page_url"] == (PATH + previous if previous else None)
    assert said["next_page_url"] == (PATH + following if following else None)


def test_the_labels_at_both_ends_are_html_entities() -> None:
    links = page_of(95, 2)["links"]
    assert links[0] == {"url": f"{PATH}?page=1", "label": "&laquo; Previous", "active": False}
    assert links[-1] == {"url": f"{PATH}?page=3", "label": "Next &raquo;", "active": False}


@pytest.mark.parametrize(
    ("raw", "page"),
    [
        (None, 1), ("", 1), ("0", 1), ("-1", 1), ("abc", 1), ("2.5", 1), ("1e1", 1), ("007", 1),
        ("+4", 4), (" 3", 3), ("3\n", 3), ("+", 1), ("1 2", 1), ("٣", 1), ("0x10", 1),
        ("9223372036854775807", 2**63 - 1), ("9223372036854775808", 1), ("9" * 5000, 1),
    ],
)  # fmt: skip
def test_the_page_is_read_as_php_reads_integers(raw: str | None, page: int) -> None:
    assert read_page(raw) == page


def test_what_the_query_repeats_is_escaped_as_rfc_3986_says_and_page_comes_last() -> None:
    said = paginate(
        total=3,
        per_page=2,
        page=1,
        count=2,
        path=PATH,
        query=[("page", "9"), ("a b[]", "1,2~"), ("c", "ä/")],
    )
    assert said["next_page_url"] == f"{PATH}?a%20b%5B%5D=1%2C2~&c=%C3%A4%2F&page=2"


def test_a_path_that_has_a_query_gets_an_ampersand() -> None:
    said = paginate(total=1, per_page=1, page=1, count=1, path=f"{PATH}?a=1")
    assert said["first_page_url"] == f"{PATH}?a=1&page=1"


def test_from_laravel_12_on_each_link_tells_its_page_but_a_gap_does_not() -> None:
    said: dict[str, Any] = paginate(
        total=280, per_page=20, page=8, count=20, path=PATH, page_in_links=True
    )
    links = said["links"]
    assert list(links[0]) == ["url", "label", "page", "active"]
    assert [link.get("page", "none") for link in links[:5]] == [7, 1, 2, "none", 5]
    assert links[-1]["page"] == 9


def test_the_items_stand_second_in_a_plain_page() -> None:
    said = plain_page([{"a": 1}], paginate(total=1, per_page=1, page=1, count=1, path=PATH))
    assert list(said)[:3] == ["current_page", "data", "first_page_url"]
    assert said["data"] == [{"a": 1}]


def test_a_resource_page_has_data_links_and_meta() -> None:
    said: dict[str, Any] = resource_page([{"a": 1}], total=3, per_page=1, page=2, path=PATH)
    assert list(said) == ["data", "links", "meta"]
    assert said["links"] == {
        "first": f"{PATH}?page=1",
        "last": f"{PATH}?page=3",
        "prev": f"{PATH}?page=1",
        "next": f"{PATH}?page=3",
    }
    assert list(said["meta"]) == [
        "current_page", "from", "last_page", "links", "path", "per_page", "to", "total",
    ]  # fmt: skip
    assert (said["meta"]["from"], said["meta"]["to"], len(said["meta"]["links"])) == (2, 2, 5)


REAL: dict[str, Any] = json.loads(
    (Path(__file__).parent / "laravel" / "paginator.json").read_text(encoding="utf-8")
)
"""What Laravel's own paginator said; paginator.php beside it tells how it was asked."""


@pytest.mark.parametrize("real", REAL["pages"], ids=lambda real: f"{real['total']}-{real['page']}")
def test_every_page_is_the_one_that_laravels_own_paginator_gives(real: dict[str, Any]) -> None:
    said = paginate(
        total=real["total"],
        per_page=real["per_page"],
        page=real["page"],
        count=max(0, min(real["per_page"], real["total"] - (real["page"] - 1) * real["per_page"])),
        path=real["path"],
        query=[(name, value) for name, value in real["query"]],
    )
    assert json.dumps(said) == json.dumps(real["said"])
    assert list(plain_page([], said)) == real["keys"]


@pytest.mark.parametrize(("raw", "page"), REAL["read"])
def test_pages_are_read_as_phps_own_filter_reads_them(raw: str, page: int) -> None:
    assert read_page(raw) == page
