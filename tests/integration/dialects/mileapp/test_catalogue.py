"""Saved mappings, data types, flows, hubs, and rows sent inside a request."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.integration.dialects.mileapp.conftest import MONITORING, UPLOAD, MileApp, checked, mail

if TYPE_CHECKING:
    import httpx

CONFIG: Final = "/api/v3/import-config"
BULK: Final = "/api/v3/data/bulk"


def config(mile: MileApp, **changes: object) -> dict[str, Any]:
    """What a saved mapping is made of."""
    return {
        "name": "Orders",
        "description": "Daily orders",
        "collection": "task",
        "referenceType": "flow",
        "referenceId": mile.given["flowId"],
        "fields": [
            {"id": "orderNumber", "headerColumn": "Bestellnr"},
            {"id": "customerName", "headerColumn": "Kunde"},
        ],
        **changes,
    }


NESTED: Final = [
    {"id": "orderNumber", "headerColumn": "Order No"},
    {
        "id": "billItem",
        "sheet": "Bill Items",
        "fields": [{"id": "name", "headerColumn": "Item Name"}],
    },
]


# --------------------------------------------------------------------------------- saved mappings


def test_a_config_lives_from_its_making_to_its_end(mile: MileApp) -> None:
    made = mile.post(CONFIG, config(mile), "config", status=201)
    assert (made["code"], made["message"]) == (201, "Import Config has been added successfully.")
    assert list(made["data"]) == [
        "name", "description", "collection", "referenceType", "referenceId", "fields",
        "organizationId", "updatedTime", "createdTime", "_id",
    ]  # fmt: skip
    path = f"{CONFIG}/{made['data']['_id']}"
    shown = mile.get(path, "config")
    assert (shown["code"], shown["message"]) == (200, "Success.")
    assert next(iter(shown["data"])) == "_id"
    assert shown["data"] == made["data"]
    wanted = config(mile, name="Orders 2", description=None, fields=NESTED)
    changed = checked(mile.http.put(path, json={**shown["data"], **wanted}), "config", 200)
    assert changed["message"] == "Import Config has been updated successfully."
    assert changed["data"]["fields"] == NESTED
    assert changed["data"]["name"] == "Orders 2"
    assert changed["data"]["createdTime"] == made["data"]["createdTime"]
    assert mile.get(path, "config")["data"] == changed["data"]
    checked(mile.http.delete(path), "deleted_config", 200)
    for answer in (mile.http.get(path), mile.http.put(path, json=wanted), mile.http.delete(path)):
        assert checked(answer, "error", 404)["message"] == "Import Config not found"


def test_the_list_of_configs_repeats_the_query_in_its_links(other: MileApp) -> None:
    for number in range(3):
        other.post(CONFIG, config(other, name=f"C{number}"), "config", status=201)
    data = other.get("/api/v3/import-configs", "configs", query={"limit": "2", "a": "b,c"})["data"]
    assert [one["name"] for one in data["data"]] == ["C2", "C1"]
    assert data["next_page_url"] == f"{data['path']}?limit=2&a=b%2Cc&page=2"
    assert data["links"][1]["url"] == f"{data['path']}?limit=2&a=b%2Cc&page=1"
    whole = other.get("/api/v3/import-configs", "configs")["data"]
    assert whole["total"] == 3
    asked = {"page": "2", "a": "b,c", "limit": "2"}
    other_order = other.get("/api/v3/import-configs", "configs", query=asked)["data"]
    assert other_order["prev_page_url"] == f"{data['path']}?a=b%2Cc&limit=2&page=1"
    assert whole["first_page_url"] == f"{whole['path']}?limit=20&page=1"


def test_an_import_can_use_a_config(mile: MileApp) -> None:
    made = mile.post(CONFIG, config(mile), "config", status=201)["data"]
    words = {"flowId": mile.given["flowId"], "importConfigId": made["_id"]}
    content = f"Kunde,Bestellnr\nAnn,{uuid.uuid4().hex}\n"
    assert mile.ended(mile.upload(content, into=words))["status"] == "success"
    missing = mile.ended(mile.upload(f"Kunde\n{uuid.uuid4().hex}\n", into=words))
    assert missing["status"] == "failed"
    assert "'Bestellnr'" in missing["errorMessage"]


def test_a_config_that_does_not_fit_the_import_is_refused(mile: MileApp, other: MileApp) -> None:
    nested = mile.post(CONFIG, config(mile, fields=NESTED), "config", status=201)["data"]["_id"]
    fine = mile.post(CONFIG, config(mile), "config", status=201)["data"]["_id"]
    foreign = other.post(CONFIG, config(other), "config", status=201)["data"]["_id"]
    flow, clients = mile.given["flowId"], mile.given["dataTypeId"]
    for words, said in [
        ({"flowId": flow, "importConfigId": foreign}, "Import Config not found"),
        ({"flowId": flow, "importConfigId": "x"}, "Import Config not found"),
        ({"flowId": flow, "importConfigId": nested}, "second sheet"),
        ({"dataTypeId": clients, "importConfigId": fine}, "not one for this import"),
    ]:
        error = mile.upload("a\nb\n", schema="error", status=422, into=words)
        assert said in error["message"]
        assert error["failedCode"] == "import-002"


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({"name": ""}, 400, "The name field is required."),
        ({"name": 5}, 400, "The name must be a string."),
        ({"description": ["x"]}, 400, "The description must be a string."),
        ({"collection": "x"}, 400, "The selected collection is invalid."),
        ({"referenceType": "hub"}, 400, "The selected reference type is invalid."),
        ({"referenceId": None}, 400, "The reference id field is required."),
        ({"referenceId": "f" * 24}, 422, "Flow not found"),
        ({"referenceType": "visitType"}, 422, "Visit type not found"),
        ({"fields": []}, 400, "The fields field is required."),
    ],
)
def test_configs_that_cannot_be_are_refused(
    mile: MileApp, changes: dict[str, Any], status: int, message: str
) -> None:
    error = mile.post(CONFIG, config(mile, **changes), "error", status=status)
    assert error == {"status": False, "message": message}


def test_a_config_of_another_organization_does_not_exist(mile: MileApp, other: MileApp) -> None:
    made = mile.post(CONFIG, config(mile), "config", status=201)["data"]["_id"]
    answers = [
        other.http.request(method, f"{CONFIG}/{text}", json=config(other))
        for method in ("GET", "PUT", "DELETE")
        for text in (made, "f" * 24, "x", "%00")
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.content for answer in answers} == {
        b'{"status":false,"message":"Import Config not found"}'
    }
    foreign = config(other, referenceId=mile.given["flowId"])
    assert other.post(CONFIG, foreign, "error", status=422)["message"] == "Flow not found"


@pytest.mark.parametrize("path", [CONFIG, BULK, f"{BULK}/upsert"])
@pytest.mark.parametrize("content", [b"{", b"[]", b'"x"', b"\xff", b"NaN", b"[" * 5000, b"5"])
def test_bodies_that_are_no_object_are_refused(mile: MileApp, path: str, content: bytes) -> None:
    answer = mile.http.post(path, content=content, headers={"Content-Type": "application/json"})
    assert checked(answer, "error", 400)["message"].startswith("The request body ")


# ------------------------------------------------------------------------- data types, flows, hubs


def test_data_types_are_listed_with_their_fields(mile: MileApp) -> None:
    data = mile.get("/api/v3/data-types", "data_types", query={"limit": "100"})["data_types"]
    found = {one["name"]: one for one in data["data"]}
    clients, outlets = found["clients"], found["OutletDetail"]
    assert clients["_id"] == mile.given["dataTypeId"]
    assert outlets["_id"] == mile.given["hubDataTypeId"]
    assert (clients["commonData"], outlets["commonData"]) == (True, False)
    assert clients["fields"][2] == {
        "id": "email",
        "title": "E-mail",
        "type": "text",
        "optionData": [],
        "required": True,
        "primaryKey": True,
    }
    assert [field["type"] for field in outlets["fields"]][:3] == ["text", "text", "number"]
    assert "Delivery" not in found
    assert data["first_page_url"] == f"{data['path']}?page=1"
    external = mile.get("/api/v3/data-types", "data_types", query={"provider": "external-api"})
    assert external["data_types"]["total"] == 0


def test_one_data_type_can_be_had(mile: MileApp, other: MileApp) -> None:
    path = f"/api/v3/data-type/{mile.given['dataTypeId']}"
    assert mile.get(path, "data_type") == mile.get(f"{path}/", "data_type")
    for text in (other.given["dataTypeId"], mile.given["flowId"], "f" * 24, "x", "%00"):
        error = mile.get(f"/api/v3/data-type/{text}", "error", status=404)
        assert error == {"status": False, "message": "Data type not found"}


def test_flows_are_listed(mile: MileApp) -> None:
    [flow] = mile.get("/api/v3/flows", "flows")["flows"]["data"]
    assert (flow["_id"], flow["name"]) == (mile.given["flowId"], "Delivery")
    assert next(field["id"] for field in flow["pages"][0]["components"]) == "orderNumber"


def test_hubs_are_listed(mile: MileApp, other: MileApp) -> None:
    [hub] = mile.get("/api/v3/hubs", "hubs")["data"]
    assert hub == {
        "_id": mile.given["hubId"],
        "name": "Main hub",
        "organizationId": mile.given["organizationId"],
    }
    assert other.get("/api/v3/hubs", "hubs")["data"][0]["_id"] == other.given["hubId"]
    assert mile.get("/api/v3/hubs", "hubs", query={"name": "x"})["data"] == []
    assert mile.get("/api/v3/hubs", "hubs", query={"page": "2"})["data"] == []


# ---------------------------------------------------------------------------------- bulk requests


def item(mile: MileApp, **fields: object) -> dict[str, object]:
    return {"dataTypeId": mile.given["dataTypeId"], "limitUser": None, **fields}


def test_upserted_rows_are_answered_in_their_order(mile: MileApp) -> None:
    old, new = mail(), mail()
    mile.post(f"{BULK}/upsert", {"data": [item(mile, email=old)]}, "bulk")
    rows = [
        item(mile, email=old, first_name="Ann"),
        item(mile, email="nobody"),
        item(mile, dataId=new),
        item(mile, first_name="no key"),
    ]
    answer = mile.post(f"{BULK}/upsert", {"data": rows}, "bulk")
    assert (answer["success"], answer["failed"]) == (2, 2)
    updated, invalid, created, keyless = answer["data"]
    assert list(updated) == ["status", "message", "event", "_id"]
    assert (updated["event"], updated["message"]) == (
        "update", "Data has been updated successfully.",
    )  # fmt: skip
    assert (created["event"], created["message"]) == (
        "create", "Data has been created successfully.",
    )  # fmt: skip
    assert "is not an e-mail address" in invalid["message"]
    assert "email" in keyless["message"]


def test_a_field_that_is_not_sent_keeps_its_value(mile: MileApp) -> None:
    email = mail()
    first = {"data": [item(mile, email=email, first_name="Ann", last_name="Lee")]}
    mile.post(f"{BULK}/upsert", first, "bulk")
    mixed = [item(mile, email=email, first_name="Ann"), item(mile, email=mail(), last_name="Ray")]
    mile.post(f"{BULK}/upsert", {"data": mixed}, "bulk")
    mile.post(f"{BULK}/upsert", first, "bulk")
    again = mile.get(MONITORING, "records", query={"limit": "1"})["data"]["data"]
    assert again[0]["status"] == "success"


def test_created_rows_must_be_new(mile: MileApp) -> None:
    email = mail()
    first = mile.post(BULK, {"data": [item(mile, email=email)]}, "bulk", status=201)
    second = mile.post(BULK, {"data": [item(mile, email=email)]}, "bulk", status=201)
    assert (first["success"], second["failed"]) == (1, 1)
    assert "exists already" in second["data"][0]["message"]


def test_rows_that_cannot_be_are_told_beside_those_that_can(mile: MileApp, other: MileApp) -> None:
    outlets = {"dataTypeId": mile.given["hubDataTypeId"], "outletName": "A"}
    rows = [
        5,
        {"email": mail()},
        {"dataTypeId": other.given["dataTypeId"], "email": mail()},
        item(mile, email=mail(), surname="x"),
        {**outlets, "dataId": uuid.uuid4().hex},
        {**outlets, "dataId": uuid.uuid4().hex, "hubId": other.given["hubId"]},
        {**outlets, "dataId": uuid.uuid4().hex, "hubId": mile.given["hubId"]},
        item(mile, email=mail(), first_name="\x00"),
    ]
    answer = mile.post(f"{BULK}/upsert", {"data": rows}, "bulk")
    assert [one["status"] for one in answer["data"]][:7] == [False] * 6 + [True]
    assert [one["message"] for one in answer["data"]][:6] == [
        "The data must be an object.",
        "The data type id field is required.",
        "Data type not found",
        "The field surname is not a field of this data type.",
        "The hub id field is required.",
        "Hub not found",
    ]


@pytest.mark.parametrize("body", [{}, {"data": []}, {"data": 5}, {"data": [{}] * 2001}])
def test_a_bulk_request_has_rows_and_not_too_many(mile: MileApp, body: dict[str, Any]) -> None:
    assert mile.post(BULK, body, "error", status=400)["message"].startswith("The data ")


def test_nobody_gets_at_the_catalogue_without_a_token(web: httpx.Client) -> None:
    for method, path in [
        ("GET", "/api/v3/data-types"), ("GET", "/api/v3/flows"), ("GET", "/api/v3/hubs"),
        ("GET", "/api/v3/import-configs"), ("POST", CONFIG), ("POST", BULK), ("POST", UPLOAD),
    ]:  # fmt: skip
        assert checked(web.request(method, path), "error", 401)["message"] == "Unauthorized"
