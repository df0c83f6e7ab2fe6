"""What MoEngage's requests mean, and what they may not say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowport.dialects.moengage.asking import files_asked, imports_asked, read_body
from rowport.dialects.moengage.errors import (
    DATE_SPAN,
    INVALID_DATE,
    INVALID_OFFSET,
    UNABLE,
    Refused,
    Told,
)
from rowport.dialects.moengage.windows import FORMATS, LONGEST, Window, read_window
from rowport.dialects.moengage.words import FATES_OF_FILES, FATES_OF_IMPORTS, FileStatus
from rowport.model.feeds import ScheduleKind, SourceKind

ZONE: Final = ZoneInfo("Asia/Calcutta")
DOCUMENTED: Final = {
    "import_name": "test_import",
    "import_type": ["USERS", "EVENTS", "AUX_DATA"],
    "date": {"start_date": "14/11/2024", "end_date": "14/11/2024", "format": "DD/MM/YYYY"},
    "schedule_type": ["PERIODIC", "ONETIME"],
    "file_source": ["SFTP", "S3", "CSV"],
    "schedule_status": [
        "SUCCESSFUL", "FAILED", "PARTIAL_SUCCESS", "SCHEDULED", "PROCESSING", "QUEUED", "ARCHIVED",
    ],
    "offset": "1",
}  # fmt: skip


def refused(said: object, *, history: bool = False) -> Told:
    """Give the refusal of a body."""
    ask: Any = files_asked if history else imports_asked
    with pytest.raises(Refused) as caught:
        ask(said, ZONE)
    return caught.value.told


def window(start: str, end: str, form: str, zone: Any = ZONE) -> Window:  # noqa: ANN401  a tzinfo
    return read_window({"start_date": start, "end_date": end, "format": form}, zone)


def test_the_documented_request_is_understood() -> None:
    asked = imports_asked(DOCUMENTED, ZONE)
    assert asked.name == "test_import"
    assert asked.types == frozenset({"USERS", "EVENTS", "AUX_DATA"})
    assert asked.sources == frozenset(SourceKind)
    assert asked.schedules == frozenset(ScheduleKind)
    assert asked.fates == frozenset().union(*FATES_OF_IMPORTS.values())
    assert asked.page == 1


def test_an_empty_request_asks_for_everything() -> None:
    asked = imports_asked({}, ZONE)
    assert (asked.import_id, asked.name, asked.types, asked.window) == (None, None, None, None)
    assert (asked.schedules, asked.sources, asked.fates, asked.page) == (None, None, None, 1)


def test_keys_that_nobody_documented_are_not_looked_at() -> None:
    assert imports_asked({"limit": 5, "x": None}, ZONE) == imports_asked({}, ZONE)


@pytest.mark.parametrize("key", ["import_type", "schedule_type", "file_source", "schedule_status"])
def test_a_filter_is_a_word_or_a_list_of_words(key: str) -> None:
    documented = DOCUMENTED[key]
    assert isinstance(documented, list)
    for word in documented:
        assert imports_asked({key: word}, ZONE) == imports_asked({key: [word]}, ZONE)
    assert imports_asked({key: []}, ZONE) == imports_asked({}, ZONE)


@pytest.mark.parametrize("key", ["import_type", "schedule_type", "file_source", "schedule_status"])
@pytest.mark.parametrize("value", ["users", "", None, 1, ["CSV", "csv"], [1], [["CSV"]], {}, True])
def test_a_word_in_another_case_or_no_word_is_refused(key: str, value: object) -> None:
    assert refused({key: value}) == UNABLE


@pytest.mark.parametrize("key", ["import_name", "import_id"])
@pytest.mark.parametrize("value", [None, 1, [], "a\x00b"])
def test_a_name_is_a_text_without_nul(key: str, value: object) -> None:
    assert refused({key: value}) == UNABLE
    assert refused({key: value}, history=True) == UNABLE


def test_the_id_wins_over_the_name() -> None:
    both = {"import_id": "a", "import_name": "b"}
    assert (imports_asked(both, ZONE).import_id, imports_asked(both, ZONE).name) == ("a", None)
    assert (files_asked(both, ZONE).import_id, files_asked(both, ZONE).name) == ("a", None)


def test_history_needs_an_import() -> None:
    assert refused({}, history=True) == UNABLE


def test_the_answer_s_word_for_partial_success_is_taken_too() -> None:
    alias = files_asked({"import_id": "a", "file_status": ["PARTIAL_FAILURE"]}, ZONE)
    assert alias.fates == FATES_OF_FILES["PARTIAL_SUCCESS"]
    assert refused({"import_id": "a", "file_status": ["SCHEDULED"]}, history=True) == UNABLE
    for word in FileStatus:
        assert files_asked({"import_id": "a", "file_status": word.value}, ZONE).fates


@pytest.mark.parametrize(("said", "page"), [(1, 1), ("1", 1), (7, 7), ("07", 7), ("9" * 40, 0)])
def test_the_offset_is_the_number_of_a_page(said: object, page: int) -> None:
    found = imports_asked({"offset": said}, ZONE).page
    assert found == page if page else found > 10**12


@pytest.mark.parametrize(
    "said", [0, -1, "0", "", "-1", "+1", "1.0", 1.0, 1.5, "a", "²", True, None, [1]]
)
def test_any_other_offset_is_refused(said: object) -> None:
    assert refused({"offset": said}) == INVALID_OFFSET
    assert refused({"import_id": "a", "offset": said}, history=True) == INVALID_OFFSET


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"1", b'"a"', b"null", b"{", b"{} {}", b"\xff", b"[" * 100_000, b'{"a":NaN}',
     b'{"offset":' + b"1" * 6000 + b"}", b'{"import_name":"\\ud800"}'],
)  # fmt: skip
def test_a_body_is_a_json_object(body: bytes) -> None:
    with pytest.raises(Refused) as caught:
        read_body(body)
    assert caught.value.told == UNABLE


# ------------------------------------------------------------------------------------------ dates

EXAMPLES: Final = {
    "YYYY-MM-DD": "2022-01-22",
    "YYYY/MM/DD": "2022/01/22",
    "DD/MM/YYYY": "22/01/2022",
    "DD-MM-YYYY": "22-01-2022",
    "DD-MM-YYYY hh:mm:ss": "31-12-2022 12:10:33",
    "DD/MM/YYYY hh:mm:ss": "31/12/2022 12:10:33",
    "YYYY-MM-DD hh:mm:ss": "2019-02-22 17:54:14",
    "YYYY/MM/DD hh:mm:ss": "2019/02/22 17:54:14",
}


def test_the_documented_formats_are_the_known_ones() -> None:
    assert set(EXAMPLES) == set(FORMATS)


@pytest.mark.parametrize("form", EXAMPLES)
def test_each_documented_date_is_read(form: str) -> None:
    found = window(EXAMPLES[form], EXAMPLES[form], form)
    step = timedelta(seconds=1) if "hh" in form else timedelta(days=1)
    assert found.until - found.since == step
    assert found.since.astimezone(ZONE).strftime(FORMATS[form]) == EXAMPLES[form]


def test_a_date_is_one_of_the_workspace_and_the_last_day_counts_whole() -> None:
    found = window("14/11/2024", "15/11/2024", "DD/MM/YYYY")
    assert found.since == datetime(2024, 11, 13, 18, 30, tzinfo=UTC)
    assert found.until == datetime(2024, 11, 15, 18, 30, tzinfo=UTC)


def test_the_key_of_the_prose_is_taken_too() -> None:
    said = {"start_date": "2022-01-22", "end_date": "2022-01-22", "datetime_format": "YYYY-MM-DD"}
    assert read_window(said, ZONE) == window("2022-01-22", "2022-01-22", "YYYY-MM-DD")


def test_thirty_days_are_borne_and_one_second_more_is_not() -> None:
    form = "YYYY-MM-DD hh:mm:ss"
    day = timedelta(days=1)
    seconds = window("2024-01-01 00:00:00", "2024-01-31 00:00:00", form)
    assert seconds.until - seconds.since == 30 * day + timedelta(seconds=1)
    days = window("2024-01-01", "2024-01-31", "YYYY-MM-DD")
    assert days.until - days.since == 31 * day
    for start, end, said in [
        ("2024-01-01 00:00:00", "2024-01-31 00:00:01", form),
        ("2024-01-01", "2024-02-01", "YYYY-MM-DD"),
    ]:
        with pytest.raises(Refused) as caught:
            window(start, end, said)
        assert caught.value.told == DATE_SPAN


@pytest.mark.parametrize(
    "change",
    [
        {"format": "DD-MM-YYYY"},
        {"format": "dd/mm/yyyy"},
        {"format": "DD/MM/YYYY HH:MM:SS"},
        {"format": "%d/%m/%Y"},
        {"format": None},
        {"format": ["DD/MM/YYYY"]},
        {"start_date": "1/11/2024"},
        {"start_date": "31/11/2024"},
        {"start_date": " 14/11/2024"},
        {"start_date": "14/11/2024\x00"},
        {"start_date": "14/11/24"},
        {"start_date": "14/11/0024"},
        {"start_date": "15/11/2024"},
        {"start_date": None},
        {"end_date": 20241114},
        {"end_date": "14/11/2024 00:00:00"},
        {"start_date": "31/12/9999", "end_date": "31/12/9999"},
    ],
)
def test_dates_that_do_not_fit_are_refused(change: dict[str, object]) -> None:
    documented = DOCUMENTED["date"]
    assert isinstance(documented, dict)
    assert refused({"date": documented | change}) == INVALID_DATE
    assert refused({"import_id": "a", "date": documented | change}, history=True) == INVALID_DATE


@pytest.mark.parametrize("key", ["start_date", "end_date", "format"])
def test_a_date_filter_has_all_three_keys(key: str) -> None:
    documented = DOCUMENTED["date"]
    assert isinstance(documented, dict)
    less = {name: value for name, value in documented.items() if name != key}
    assert refused({"date": less}) == INVALID_DATE


@pytest.mark.parametrize("said", [None, "2024-11-14", [], 1])
def test_a_date_filter_is_an_object(said: object) -> None:
    assert refused({"date": said}) == UNABLE


@given(
    start=st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1)),  # noqa: DTZ001  local
    span=st.timedeltas(min_value=timedelta(), max_value=LONGEST - timedelta(days=1)),
    form=st.sampled_from(sorted(FORMATS)),
)
def test_a_window_has_its_own_dates_inside(start: datetime, span: timedelta, form: str) -> None:
    end = start + span
    found = window(start.strftime(FORMATS[form]), end.strftime(FORMATS[form]), form, UTC)
    assert found.since <= start.replace(tzinfo=UTC)
    assert end.replace(tzinfo=UTC) < found.until
