"""What MileApp's requests ask for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import pytest

from rowport.dialects.mileapp.asking import page_of
from rowport.dialects.mileapp.bodies import spoken
from rowport.dialects.mileapp.bulk import read_items
from rowport.dialects.mileapp.configs import read_fields
from rowport.dialects.mileapp.errors import Refused
from rowport.dialects.mileapp.monitoring import read_query
from rowport.dialects.mileapp.present import STATUS_OF_FATE
from rowport.dialects.mileapp.uploads import is_spreadsheet, named_type
from rowport.ports.queries import ImportQuery

OID: Final = "63db2fb476bc679c540369c4"


def query(**said: str) -> ImportQuery:
    return read_query(said, page=1, limit=20)


# ------------------------------------------------------------------------------------- the list


@pytest.mark.parametrize(
    ("page", "limit", "meant"),
    [
        (None, None, (1, 20)), ("3", "5", (3, 5)), ("0", "0", (1, 20)), ("-1", "-1", (1, 20)),
        ("abc", "abc", (1, 20)), ("2.5", "2.5", (1, 20)), ("1e1", "1e1", (1, 20)),
        ("007", "007", (1, 20)), ("+4", "+4", (4, 4)), (" 3", " 3", (3, 3)), ("1", "100", (1, 100)),
        ("1", "101", (1, 100)), ("1", "99999999999999999999", (1, 20)),
    ],
)  # fmt: skip
def test_page_and_limit_are_read_as_php_reads_them(
    page: str | None, limit: str | None, meant: tuple[int, int]
) -> None:
    said = {"page": page, "limit": limit}
    assert page_of({name: text for name, text in said.items() if text is not None}) == meant


def test_nothing_asked_is_all_of_thirty_days_newest_first() -> None:
    assert query() == ImportQuery(
        facet="mileapp",
        newer_than=timedelta(days=30),
        fates=frozenset(STATUS_OF_FATE),
        fate_words=STATUS_OF_FATE,
        limit=20,
    )


def test_filters_are_lists_with_commas() -> None:
    asked = query(type="task, visit", status="success,partially")
    assert asked.facets == [{"mileapp": {"type": "task"}}, {"mileapp": {"type": "visit"}}]
    assert asked.fates == frozenset({"succeeded", "partial"})


def test_a_data_type_asks_for_data_sources_alone() -> None:
    assert query(dataTypeId=OID).type_oid == OID
    assert query(dataTypeId=OID).facets == [{"mileapp": {"type": "datasource"}}]
    assert query(dataTypeId=OID, type="task").facets == []


@pytest.mark.parametrize("text", ["x", "\x00", OID.upper(), OID + "\n", "'; --"])
def test_what_cannot_be_an_id_is_nobodys(text: str) -> None:
    assert query(dataTypeId=text).type_oid == ""


@pytest.mark.parametrize(
    ("name", "sort"),
    [("createdTime", "created_at"), ("updatedTime", "updated_at"), ("status", "fate")],
)
def test_records_sort_by_three_fields_in_both_orders(name: str, sort: str) -> None:
    assert (query(sortBy=name).sort, query(sortBy=name).descending) == (sort, True)
    assert query(sortBy=name, sortOrder="asc").descending is False
    assert query(sortBy=name, sortOrder="DESC").descending is True


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "done"), ("status", "success,done"), ("status", ","), ("status", "SUCCESS"),
        ("type", "string"), ("type", "task,"), ("sortBy", "_id"), ("sortOrder", "up"),
    ],
)  # fmt: skip
def test_unknown_words_are_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(Refused) as refused:
        query(**{name: value})
    assert (refused.value.status, refused.value.code) == (400, "import-003")
    assert refused.value.message == f"Invalid {name} value"


def test_the_furthest_page_is_one_that_the_database_can_count_to() -> None:
    far = read_query({}, page=2**63 - 1, limit=100)
    assert far.offset < 2**63


# --------------------------------------------------------------------------------------- uploads


@pytest.mark.parametrize(
    ("name", "head", "fine"),
    [
        ("a.csv", b"a,b\n", True), ("A.CSV", b"a,b\n", True), ("a.csv", b"\xff\xfea\x00", True),
        ("a.xlsx", b"PK\x03\x04", True), ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", True),
        ("a.xls", b"PK\x03\x04", True), ("a.csv", b"PK\x03\x04", False), ("a.csv", b"", False),
        ("a.xlsx", b"a,b\n", False), ("a.csv", b"%PDF-1.7", False), ("a.txt", b"a,b\n", False),
        ("csv", b"a,b\n", True), ("a.csv.exe", b"a,b\n", False), ("", b"a", False),
    ],
)  # fmt: skip
def test_a_file_is_one_of_three_kinds_by_name_and_content(
    name: str, head: bytes, *, fine: bool
) -> None:
    assert is_spreadsheet(name, head) is fine


@pytest.mark.parametrize("name", ["dataTypeId", "flowId", "visitTypeId", "routeConfigId"])
def test_each_kind_of_import_has_a_field_of_its_own(name: str) -> None:
    assert named_type({"hubId": "x", name: OID}) == (name, OID)


def test_an_upload_says_into_what() -> None:
    with pytest.raises(Refused, match=r"^The data type id field is required\.$"):
        named_type({"dataTypeId": ""})


# ---------------------------------------------------------------------------- configs and bodies


def test_fields_are_columns_or_lists_from_a_second_sheet() -> None:
    fields = [
        {"id": "orderNumber", "headerColumn": "Order No"},
        {"id": "billItem", "sheet": "Items", "fields": [{"id": "qty", "headerColumn": "Qty"}]},
    ]
    assert read_fields(fields) == fields


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (None, "The fields field is required."),
        ([], "The fields field is required."),
        ("x", "The fields must be an array."),
        ([5], "The fields.0 must be an object."),
        ([{"headerColumn": "A"}], "The id field is required."),
        ([{"id": "a"}], "The header column field is required."),
        ([{"id": "a", "headerColumn": 5}], "The header column must be a string."),
        ([{"id": "a", "headerColumn": "\x00"}], "The header column must be a string."),
        (
            [{"id": "a", "headerColumn": "x" * 256}],
            "The header column must not be greater than 255 characters.",
        ),
        ([{"id": "a", "sheet": "S"}], "The fields.0.fields field is required."),
        (
            [{"id": "a", "headerColumn": "A"}, {"id": "b", "headerColumn": "A"}],
            "The fields name a column twice.",
        ),
    ],
)
def test_fields_that_cannot_be_are_told(fields: object, message: str) -> None:
    with pytest.raises(Refused) as refused:
        read_fields(fields)
    assert (refused.value.status, refused.value.message) == (400, message)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "The data field is required."),
        ({"data": []}, "The data field is required."),
        ({"data": {}}, "The data must be an array."),
        ({"data": [{}] * 2001}, "The data must not have more than 2000 items."),
    ],
)
def test_a_bulk_request_has_one_to_two_thousand_items(body: dict[str, Any], message: str) -> None:
    with pytest.raises(Refused) as refused:
        read_items(body)
    assert refused.value.message == message


@pytest.mark.parametrize(
    ("name", "words"), [("name", "name"), ("referenceId", "reference id"), ("a", "a")]
)
def test_field_names_are_spoken_as_laravel_does(name: str, words: str) -> None:
    assert spoken(name) == words
