"""The date filter: eight formats, the workspace's zone, at most thirty days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from rowport.dialects.moengage.errors import DATE_SPAN, INVALID_DATE, UNABLE, Refused

if TYPE_CHECKING:
    from datetime import tzinfo

DATES: Final = {
    "YYYY-MM-DD": "%Y-%m-%d",
    "YYYY/MM/DD": "%Y/%m/%d",
    "DD/MM/YYYY": "%d/%m/%Y",
    "DD-MM-YYYY": "%d-%m-%Y",
}
FORMATS: Final = DATES | {f"{said} hh:mm:ss": f"{form} %H:%M:%S" for said, form in DATES.items()}
"""The documented formats, and how Python writes them; `hh` is of 24 hours."""
LONGEST: Final = timedelta(days=30)
LONGEST_TEXT: Final = len("YYYY-MM-DD hh:mm:ss")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From `since` until before `until`."""

    since: datetime
    until: datetime


def read_window(said: object, zone: tzinfo) -> Window:
    """Read `{start_date, end_date, format}`; a last day is meant to its end.

    Raises:
        Refused: it is no such object, the dates are not in the format, or lie too far apart.
    """
    if not isinstance(said, Mapping):
        raise Refused(UNABLE)
    form = said.get("format", said.get("datetime_format"))
    if not isinstance(form, str) or form not in FORMATS:
        raise Refused(INVALID_DATE)
    start = _moment(said.get("start_date"), FORMATS[form])
    end = _moment(said.get("end_date"), FORMATS[form])
    if end < start:
        raise Refused(INVALID_DATE)
    if end - start > LONGEST:
        raise Refused(DATE_SPAN)
    step = timedelta(days=1) if form in DATES else timedelta(seconds=1)
    try:
        return Window(since=_utc(start, zone), until=_utc(end + step, zone))
    except OverflowError:  # the edges of the calendar
        raise Refused(INVALID_DATE) from None


def _utc(moment: datetime, zone: tzinfo) -> datetime:
    return moment.replace(tzinfo=zone).astimezone(UTC)


def _moment(said: object, form: str) -> datetime:
    """Read a date; `strptime` alone also takes `1/2/2024` and blanks."""
    if not isinstance(said, str) or len(said) > LONGEST_TEXT:
        raise Refused(INVALID_DATE)
    try:
        moment = datetime.strptime(said, form)  # noqa: DTZ007  the zone is given by the workspace
    except ValueError:
        raise Refused(INVALID_DATE) from None
    if moment.strftime(form) != said:
        raise Refused(INVALID_DATE)
    return moment
