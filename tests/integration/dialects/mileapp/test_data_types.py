"""Data types that MileApp's clients make, change and take away."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.integration.dialects.mileapp.conftest import checked

if TYPE_CHECKING:
    from tests.integration.dialects.mileapp.conftest import MileApp

PATH: Final = "/api/v3/data-type"
FIELDS: Final[list[dict[str, Any]]] = [
    {"id": "outletId", "title": "Outlet ID", "type": "primaryKey", "required": True},
    {"id": "hours", "title": "Hours", "type": "number", "default": 12, "optionData": []},
    {"id": "kind", "title": "Kind", "type": "option", "optionData": ["shop", "kiosk"]},
    {"id": "opened", "title": "Opened", "type": "date"},
    {"id": "seen", "title": "Seen", "type": "dateTime", "description": "Last visit"},
    {"id": "opens", "title": "Opens", "type": "time"},
    {"id": "place", "title": "Place", "type": "geolocation"},
    {"id": "phone", "title": "Phone", "type": "phoneNumber"},
    {"id": "weekend", "title": "Weekend", "type": "boolean"},
    {"id": "note", "title": "Note", "type": "text"},
]
HEADER: Final = "outletId,hours,kind,opened,seen,opens,place,phone,weekend,note"
GOOD: Final = [
    '1,12.5,shop,2026-01-31,2026-01-31 12:30:45,09:00:00,"-6.17,106.81",+628 456 7890,true,x',
    '2,12,kiosk,2026-01-31,2026-01-31T12:30:45Z,09:00:00,"-6.17,106.81",0123456789,false,',
    "3,,,,2026-01-31T12:30:45.123+02:00,09:00,,,,",
    "4,,,,2026-01-31T12:30:45+02:00,,,,,",
    "5,,,,2026-01-31T12:30:45,,,,,",
    "6,,,,2026-01-31 12:30:45.123,,,,,",
    "7,,,,2026-01-31 12:30:45+02:00,,,,,",
    "8,,,,2026-01-31 12:30:45.123+02:00,,,,,",
]
BAD: Final = [
    "13,many,,,,,,,,",
    "14,,stall,,,,,,,", "15,,,31 Jan,,,,,,", "16,,,,,,Jakarta,,,", "17,,,,,,,call me,,",
    "18,,,,2026-01-31 25:30:45,,,,,", "19,,,,2026-01-31,,,,,",
]  # fmt: skip


def made(mile: MileApp, **changes: object) -> dict[str, Any]:
    body = {"name": f"Outlet {uuid.uuid4().hex}", "fields": FIELDS, "commonData": True, **changes}
    answer = mile.post(PATH, body, "data_type", status=201)
    assert answer["message"] == "Data type has been added successfully."
    data: dict[str, Any] = answer["data_type"]
    return data


def test_a_data_type_has_the_fields_it_was_made_with(mile: MileApp) -> None:
    data = made(mile, commonData=False, limitUser=True)
    assert [field["type"] for field in data["fields"]] == [field["type"] for field in FIELDS]
    assert (data["commonData"], data["limitUser"]) == (False, True)
    assert data["fields"][0] == {**FIELDS[0], "optionData": [], "primaryKey": True}
    assert data["fields"][1] == {**FIELDS[1], "required": False}
    assert mile.get(f"{PATH}/{data['_id']}", "data_type")["data_type"] == data


def test_files_are_imported_into_it_by_its_rules(mile: MileApp) -> None:
    into = {"dataTypeId": made(mile)["_id"]}
    content = "\n".join([HEADER, *GOOD, *BAD]) + "\n"
    done = mile.ended(mile.upload(content, name="outlets.csv", into=into))
    assert (done["totalValid"], done["totalInvalid"]) == (len(GOOD), len(BAD))


def test_what_a_file_leaves_out_gets_the_default(mile: MileApp) -> None:
    fields = [FIELDS[0], {**FIELDS[1], "required": True}]
    into = {"dataTypeId": made(mile, fields=fields)["_id"]}
    assert mile.ended(mile.upload("outletId,hours\n1,\n", into=into))["status"] == "success"


def test_a_data_type_can_be_replaced_and_changed(mile: MileApp) -> None:
    data = made(mile)
    path = f"{PATH}/{data['_id']}"
    less = {"name": data["name"], "fields": FIELDS[:2]}
    replaced = checked(mile.http.put(path, json=less), "data_type", 200)["data_type"]
    assert [field["id"] for field in replaced["fields"]] == ["outletId", "hours"]
    name = f"Renamed {uuid.uuid4().hex}"
    renamed = checked(mile.http.patch(f"{path}/", json={"name": name}), "data_type", 200)
    assert renamed["data_type"]["name"] == name
    assert renamed["data_type"]["fields"] == replaced["fields"]
    assert renamed["data_type"]["_id"] == data["_id"]


def test_a_deleted_data_type_is_gone_but_its_imports_stay(mile: MileApp) -> None:
    data = made(mile)
    into = {"dataTypeId": data["_id"]}
    queued = mile.upload(f"{HEADER}\n{GOOD[0]}\n", into=into)
    path = f"{PATH}/{data['_id']}"
    checked(mile.http.delete(path), "data_type", 200)
    for answer in (mile.http.get(path), mile.http.delete(path)):
        assert checked(answer, "error", 404)["message"] == "Data type not found"
    error = mile.upload("a\n", schema="error", status=422, into=into)
    assert error["message"] == "Data type not found"
    assert mile.ended(queued)["dataTypeName"] == data["name"]


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({"name": ""}, 400, "The name field is required."),
        ({"name": "clients"}, 422, "The name has already been taken."),
        ({"name": "OutletDetail"}, 422, "The name has already been taken."),
        ({"fields": None}, 400, "The fields field is required."),
        ({"fields": [5]}, 400, "The fields must be an array of objects."),
        ({"fields": [{}] * 501}, 400, "The fields must not have more than 500 items."),
        ({"fields": [{"id": "é"}]}, 400, "The field id é must be letters and digits."),
        ({"fields": [{"id": "a"}]}, 400, "The type field is required."),
        ({"fields": [{"id": "a", "type": "x"}]}, 400, "The type x of the field a is invalid."),
        (
            {"fields": [{"id": "a", "type": "option"}]},
            400,
            "The option data field is required for an option.",
        ),
        ({"fields": [FIELDS[0], FIELDS[0]]}, 400, "The fields have an id twice."),
        ({"commonData": "yes"}, 400, "The common data field must be true or false."),
        (
            {"fields": [{"id": "a", "type": "text", "default": "\0"}]},
            400,
            "The default of the field a must hold no NUL.",
        ),
        (
            {"fields": [{"id": "a", "type": "option", "optionData": ["\0"]}]},
            400,
            "The option data must be an array of strings.",
        ),
        ({"provider": "x"}, 400, "The selected provider is invalid."),
        ({"provider": 7}, 400, "The provider must be a string."),
        (
            {"provider": "external-api", "providerConfig": {"url": "https://example.org"}},
            422,
            "Data types of the provider external-api are not supported.",
        ),
        (
            {"provider": "internal", "providerConfig": {"url": "https://example.org"}},
            400,
            "The provider config must be null for the provider internal.",
        ),
    ],
)  # fmt: skip
def test_data_types_that_cannot_be_are_refused(
    mile: MileApp, changes: dict[str, Any], status: int, message: str
) -> None:
    body = {"name": f"Outlet {uuid.uuid4().hex}", "fields": FIELDS, **changes}
    error = mile.post(PATH, body, "error", status=status)
    assert error == {"status": False, "message": message}


def test_whether_data_is_common_is_settled_for_ever(mile: MileApp) -> None:
    path = f"{PATH}/{made(mile)['_id']}"
    error = checked(mile.http.patch(path, json={"commonData": False}), "error", 400)
    assert error["message"] == "The common data of a data type cannot be changed."


def test_the_provider_is_settled_for_ever(mile: MileApp) -> None:
    path = f"{PATH}/{made(mile, provider='internal', providerConfig=None)['_id']}"
    error = checked(mile.http.patch(path, json={"provider": "external-api"}), "error", 400)
    assert error["message"] == "The provider of a data type cannot be changed."
    shown = checked(mile.http.patch(path, json={"provider": "internal"}), "data_type", 200)
    assert shown["data_type"]["provider"] == "internal"
    assert shown["data_type"]["providerConfig"] is None


@pytest.mark.parametrize(("provider", "found"), [("internal", True), ("external-api", False)])
def test_data_types_are_listed_by_their_provider(
    mile: MileApp, provider: str, *, found: bool
) -> None:
    listed = mile.get(f"{PATH}s", "data_types", query={"provider": provider})["data_types"]
    assert bool(listed["data"]) is found
    error = mile.get(f"{PATH}s", "error", status=400, query={"provider": f"{provider},x"})
    assert error == {"status": False, "message": "Invalid provider value"}


def test_a_name_may_be_in_any_script_and_like_another(mile: MileApp) -> None:
    unique = uuid.uuid4().hex
    names = [f"数据 {unique}", f"A B {unique}", f"A_B {unique}", "数据", "資料", "x" * 255]
    data = [made(mile, name=name) for name in names]
    assert [one["name"] for one in data] == names
    assert len({one["_id"] for one in data}) == len(names)
    for one in data:
        checked(mile.http.delete(f"{PATH}/{one['_id']}"), "data_type", 200)
    again = made(mile, name=names[1])
    assert again["_id"] != data[1]["_id"]


def test_data_belongs_to_a_hub_unless_it_is_said_to_be_common(mile: MileApp) -> None:
    body = {"name": f"Outlet {uuid.uuid4().hex}", "fields": FIELDS}
    data = mile.post(PATH, body, "data_type", status=201)["data_type"]
    assert data["commonData"] is False
    assert "@" in data["createdBy"]
    error = mile.upload(HEADER, schema="error", status=400, into={"dataTypeId": data["_id"]})
    assert error["message"] == "The hub id field is required."


def test_the_default_that_examples_give_a_key_is_kept_and_never_used(mile: MileApp) -> None:
    fields = [{**FIELDS[0], "default": "true"}, FIELDS[9]]
    data = made(mile, fields=fields)
    assert data["fields"][0]["default"] == "true"
    done = mile.ended(mile.upload("outletId,note\n,x\n", into={"dataTypeId": data["_id"]}))
    assert done["status"] == "failed"


def test_fields_can_be_deleted_by_their_ids(mile: MileApp) -> None:
    path = f"{PATH}/{made(mile)['_id']}"
    body = {"name": f"Outlet {uuid.uuid4().hex}", "fields": FIELDS, "deleteFields": ["note"]}
    for change in (mile.http.put, mile.http.patch):
        shown = checked(change(path, json=body), "data_type", 200)["data_type"]
        assert [field["id"] for field in shown["fields"]] == HEADER.split(",")[:-1]
    error = checked(mile.http.patch(path, json={**body, "deleteFields": "note"}), "error", 400)
    assert error["message"] == "The delete fields must be an array of strings."


def test_data_types_are_not_for_readers_and_strangers(
    mile: MileApp, reader: MileApp, other: MileApp
) -> None:
    path = f"{PATH}/{made(mile)['_id']}"
    for method in ("PUT", "PATCH", "DELETE"):
        checked(reader.http.request(method, path, json={}), "error", 403)
        checked(other.http.request(method, path, json={}), "error", 404)
    checked(reader.http.post(PATH, json={}), "error", 403)
