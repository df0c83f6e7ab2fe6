"""The query of the list: filters, order, page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from rowport.dialects.plannr.errors import Refused
from rowport.dialects.plannr.facets import NAME
from rowport.dialects.plannr.words import fates_of, modes_of
from rowport.model.imports import Mode
from rowport.ports.queries import ImportQuery
from rowport.wire.ids import CANONICAL
from rowport.wire.laravel import read_integer, read_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from zoneinfo import ZoneInfo

DEFAULT_PER_PAGE: Final = 15
LARGEST_PER_PAGE: Final = 500
LARGEST_OFFSET: Final = 2**62
SORTS: Final = ("created_at", "updated_at")
INITIATED_BY: Final = "initiatedBy"
FILTER: Final = re.compile(r"filter\[([^\[\]]*)\](\[[0-9]*\])?", re.ASCII)
DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
FIRST_DAY: Final = date(1900, 1, 1)
LAST_DAY: Final = date(9000, 1, 1)
"""Days before and after these are taken for them: no import is so old or so new."""
SHOWN: Final = 60
FILTERS: Final = frozenset(
    {
        "uuid",
        "types",
        "exclude_types",
        "modes",
        "statuses",
        "date_from",
        "date_to",
        "initiated_by",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a list is asked for."""

    query: ImportQuery
    page: int
    per_page: int
    with_account: bool


class _Reader:
    """Reads filters and collects what is wrong with them."""

    def __init__(self, filters: dict[str, list[str]], zone: ZoneInfo) -> None:
        self._filters = filters
        self._zone = zone
        self.faults: dict[str, list[str]] = {}

    def refuse(self, name: str, message: str) -> None:
        self.faults.setdefault(name, []).append(message)

    def words(self, name: str) -> frozenset[str] | None:
        """Give the members of a comma list; None when the filter is not used."""
        said = self._filters.get(name)
        if said is None:
            return None
        members = frozenset(part.strip() for text in said for part in text.split(","))
        return members - {""} or None

    def ids(self, name: str) -> frozenset[UUID] | None:
        words = self.words(name)
        if words is None:
            return None
        if not all(CANONICAL.fullmatch(text) for text in words):
            self.refuse(f"filter.{name}", f"The filter.{name} must be a valid UUID.")
            return frozenset()
        return frozenset(UUID(text) for text in words)

    def one_id(self, name: str) -> UUID | None:
        found = self.ids(name)
        if found is not None and len(found) > 1:
            self.refuse(f"filter.{name}", f"The filter.{name} must be a valid UUID.")
        return min(found) if found else None

    def day(self, name: str, *, days_later: int = 0) -> datetime | None:
        """Give the first moment of a day, or of a later one, in the account's zone."""
        text = "".join(self._filters.get(name, [""])[-1:]).strip()
        if not text:
            return None
        try:
            day = date.fromisoformat(text) if DAY.fullmatch(text) else None
        except ValueError:
            day = None
        if day is None:
            message = f"The filter.{name} does not match the format Y-m-d."
            self.refuse(f"filter.{name}", message)
            return None
        day = min(max(day, FIRST_DAY), LAST_DAY) + timedelta(days=days_later)
        return datetime.combine(day, time(), tzinfo=self._zone)


def read_list(
    items: Sequence[tuple[str, str]], *, zone: ZoneInfo, types: Callable[[], Iterable[str]]
) -> Asked:
    """Read the query of the list.

    Args:
        items: names and values as they were sent
        zone: in which days begin
        types: gives the types that can be imported; called only if they matter

    Raises:
        Refused: a filter, the order or the include is none that there is.
    """
    plain = {name: value.strip() for name, value in items}
    reader = _Reader(_filters(items), zone)
    for name in sorted(_filters(items).keys() - FILTERS):
        reader.refuse(f"filter.{name[:SHOWN]}", f"The selected filter.{name[:SHOWN]} is invalid.")
    sort = plain.get("sort") or SORTS[0]
    if sort.removeprefix("-") not in SORTS:
        reader.refuse("sort", "The selected sort is invalid.")
    includes = {part.strip() for part in plain.get("include", "").split(",")} - {""}
    if includes - {INITIATED_BY}:
        reader.refuse("include", "The selected include is invalid.")
    per_page = min(read_integer(plain.get("per_page")) or DEFAULT_PER_PAGE, LARGEST_PER_PAGE)
    page = read_page(plain.get("page"))
    statuses, modes = reader.words("statuses"), reader.words("modes")
    query = ImportQuery(
        facet=NAME,
        facets=_facets(reader, types),
        ids=reader.ids("uuid"),
        modes=None if modes is None else frozenset[Mode]().union(*map(modes_of, modes)),
        fates=None if statuses is None else frozenset[str]().union(*map(fates_of, statuses)),
        since=reader.day("date_from"),
        until=reader.day("date_to", days_later=1),
        created_by=reader.one_id("initiated_by"),
        sort="updated_at" if sort.endswith("updated_at") else "created_at",
        descending=sort.startswith("-"),
        limit=per_page,
        offset=min((page - 1) * per_page, LARGEST_OFFSET),
    )
    if reader.faults:
        raise Refused(reader.faults)
    return Asked(query=query, page=page, per_page=per_page, with_account=bool(includes))


def _filters(items: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Give the filters by name: `filter[x]` (of several the last), `filter[x][]` (all)."""
    found: dict[str, list[str]] = {}
    for name, value in items:
        if matched := FILTER.fullmatch(name):
            known = found.get(matched[1], []) if matched[2] else []
            found[matched[1]] = [*known, value]
    return found


def _facets(reader: _Reader, types: Callable[[], Iterable[str]]) -> list[dict[str, object]] | None:
    """Give what the record types' attributes must contain; None: anything."""
    wanted, unwanted = reader.words("types"), reader.words("exclude_types")
    if wanted is None and unwanted is None:
        return None
    chosen = set(types())
    if wanted is not None:
        chosen &= wanted
    return [{NAME: {"type": type_}} for type_ in sorted(chosen - (unwanted or frozenset()))]
