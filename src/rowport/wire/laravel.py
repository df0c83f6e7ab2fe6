"""Laravel's LengthAwarePaginator: the page that clients of Laravel services know by heart.

Source: illuminate/pagination 8.83 (LengthAwarePaginator, UrlWindow, AbstractPaginator) and
illuminate/http (PaginatedResourceResponse).  `page` in each link came with Laravel 12.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Document = dict[str, object]

ON_EACH_SIDE: Final = 3
EDGE: Final = ON_EACH_SIDE + 4
LONGEST_WITHOUT_GAP: Final = 2 * ON_EACH_SIDE + 7
PREVIOUS: Final = "&laquo; Previous"
NEXT: Final = "Next &raquo;"
GAP: Final[Document] = {"url": None, "label": "...", "active": False}

# PHP's FILTER_VALIDATE_INT: these are trimmed, a sign may stand, a leading zero may not, and the
# number must fit into 64 bits.
TRIMMED: Final = " \t\n\r\v"
INTEGER: Final = re.compile(r"\+?[1-9][0-9]{0,18}", re.ASCII)
LARGEST: Final = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pages:
    """The URLs of all pages, and where in them one stands."""

    page: int
    last: int
    path: str
    query: Sequence[tuple[str, str]]
    page_in_links: bool

    def url(self, page: int) -> str:
        kept = [(name, value) for name, value in self.query if name != "page"]
        told = "&".join(
            f"{quote(name, safe='')}={quote(value, safe='')}"
            for name, value in [*kept, ("page", str(page))]
        )
        return f"{self.path}{'&' if '?' in self.path else '?'}{told}"

    @property
    def previous(self) -> int | None:
        """Also from a page past the last one, to one that may be past it too."""
        return self.page - 1 if self.page > 1 else None

    @property
    def following(self) -> int | None:
        return self.page + 1 if self.page < self.last else None

    def link(self, page: int | None, label: str, *, active: bool = False) -> Document:
        said: Document = {"url": self.url(page) if page is not None else None, "label": label}
        if self.page_in_links:
            said["page"] = page
        return {**said, "active": active}

    def links(self) -> list[Document]:
        shown = [
            GAP.copy() if page is None else self.link(page, str(page), active=page == self.page)
            for page in window(page=self.page, last=self.last)
        ]
        return [self.link(self.previous, PREVIOUS), *shown, self.link(self.following, NEXT)]


def read_page(raw: str | None) -> int:
    """Read the parameter `page` as PHP does: what is no whole number from 1 on means 1.

    The page is not brought down to the last one: Laravel gives an empty page there.
    """
    number = read_integer(raw)
    return number if number is not None else 1


def read_integer(raw: str | None) -> int | None:
    """Read a whole number from 1 on as PHP's FILTER_VALIDATE_INT does; None for anything else."""
    text = (raw or "").strip(TRIMMED)
    if not INTEGER.fullmatch(text):
        return None
    number = int(text)
    return number if number <= LARGEST else None


def window(*, page: int, last: int) -> list[int | None]:
    """Give the pages that get a link; None where some are left out."""
    first_two: list[int | None] = [1, 2, None]
    last_two: list[int | None] = [None, last - 1, last]
    if last <= LONGEST_WITHOUT_GAP:
        return list(range(1, last + 1))
    if page <= EDGE:
        return [*range(1, EDGE + ON_EACH_SIDE + 1), *last_two]
    if page > last - EDGE:
        return [*first_two, *range(last - (EDGE + ON_EACH_SIDE - 1), last + 1)]
    return [*first_two, *range(page - ON_EACH_SIDE, page + ON_EACH_SIDE + 1), *last_two]


def paginate(
    *,
    total: int,
    per_page: int,
    page: int,
    count: int,
    path: str,
    query: Sequence[tuple[str, str]] = (),
    page_in_links: bool = False,
) -> Document:
    """Give everything that a page says of itself, without `data`.

    Args:
        total: items on all pages
        per_page: items that a full page holds
        page: the page asked for, from 1 on; it may be past the last
        count: items on this page
        path: URL without the parameters of paging
        query: parameters that the links repeat (`page` among them is replaced)
        page_in_links: whether each link also tells its page, as Laravel 12 does
    """
    last = max(-(-total // per_page), 1)
    pages = _Pages(page=page, last=last, path=path, query=query, page_in_links=page_in_links)
    first_item = (page - 1) * per_page + 1 if count else None
    return {
        "current_page": page,
        "first_page_url": pages.url(1),
        "from": first_item,
        "last_page": last,
        "last_page_url": pages.url(last),
        "links": pages.links(),
        "next_page_url": pages.url(pages.following) if pages.following is not None else None,
        "path": path,
        "per_page": per_page,
        "prev_page_url": pages.url(pages.previous) if pages.previous is not None else None,
        "to": first_item + count - 1 if first_item is not None else None,
        "total": total,
    }


def plain_page(data: Sequence[Mapping[str, object]], page: Document) -> Document:
    """Put the items where a paginator that is answered as it is has them: second."""
    rest = dict(page)
    return {"current_page": rest.pop("current_page"), "data": list(data), **rest}


def resource_page(
    data: Sequence[Mapping[str, object]],
    *,
    total: int,
    per_page: int,
    page: int,
    path: str,
    query: Sequence[tuple[str, str]] = (),
    page_in_links: bool = False,
) -> Document:
    """Give a page of API resources: `data`, `links` and `meta` (arguments as for `paginate`)."""
    said = paginate(
        total=total,
        per_page=per_page,
        page=page,
        count=len(data),
        path=path,
        query=query,
        page_in_links=page_in_links,
    )
    told = ("current_page", "from", "last_page", "links", "path", "per_page", "to", "total")
    return {
        "data": list(data),
        "links": {
            "first": said["first_page_url"],
            "last": said["last_page_url"],
            "prev": said["prev_page_url"],
            "next": said["next_page_url"],
        },
        "meta": {name: said[name] for name in told},
    }
