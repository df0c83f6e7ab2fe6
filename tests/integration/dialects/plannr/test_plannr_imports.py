"""Plannr's import API through a running server: create, map, start, show."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from tests.integration.dialects.plannr.conftest import (
    HEADERS,
    PATH,
    created,
    fresh,
    imported,
    mapped,
    people,
    refusal,
)

if TYPE_CHECKING:
    import httpx
    from tests.integration.dialects.conftest import Served


def stored(dialect_server: Served, email: str) -> list[tuple[Any, ...]]:
    """What the database holds of a client of the demonstration organization."""
    table = sql.Identifier(*_table(dialect_server))
    query = sql.SQL("SELECT first_name, last_name FROM {} WHERE email = %s").format(table)
    with psycopg.connect(dialect_server.database_url) as connection:
        return connection.execute(query, [email]).fetchall()


def _table(dialect_server: Served) -> tuple[str, str]:
    query = (
        "SELECT t.table_schema, t.table_name FROM rowport.record_types AS t JOIN "
        "rowport.organizations AS o ON o.id = t.organization_id "
        "WHERE o.slug = 'demo' AND t.name = 'clients'"
    )
    with psycopg.connect(dialect_server.database_url) as connection:
        row = connection.execute(query).fetchone()
    assert row
    return row[0], row[1]


def test_a_new_import_is_read_and_waits_for_its_mapping(
    api: httpx.Client, credentials: dict[str, Any]
) -> None:
    shown = created(api, people(fresh(), fresh()))
    assert shown["status"] == "pending"
    assert shown["headers"] == ["fname", "lname", "email"]
    assert shown["mapping"] == {}
    assert (shown["total_jobs"], shown["jobs_remaining"], shown["failed_jobs"]) == (2, 2, 0)
    assert (shown["progress"], shown["errors"], shown["error_report"]) == (0, [], None)
    assert (shown["type"], shown["mode"]) == ("clients", "store")
    assert shown["account"]["email"] == "admin@demo.example"
    assert shown["account"]["role"] == "admin"
    assert credentials["plannr"]["account_uuid"] == credentials["organization"]["id"]


def test_the_keys_stand_in_their_order(api: httpx.Client) -> None:
    assert list(created(api, people(fresh()))) == [
        "uuid", "created_at", "updated_at", "type", "mode", "headers", "mapping", "status",
        "total_jobs", "progress", "jobs_remaining", "failed_jobs", "error_report", "errors",
        "account",
    ]  # fmt: skip


def test_an_import_is_not_started_before_it_is_mapped_even_if_its_headers_are_the_fields(
    api: httpx.Client,
) -> None:
    content = b"first_name,last_name,email\nAnn,Lee," + fresh().encode() + b"\n"
    shown = created(api, content)
    assert (shown["status"], shown["mapping"]) == ("pending", {})
    refusal(
        api.post(f"{PATH}/start/{shown['uuid']}"),
        {"status": ["The import must be mapped before it can be started."]},
    )


def test_a_mapping_is_answered_in_the_reverse_of_its_request(api: httpx.Client) -> None:
    uuid = created(api, people(fresh()))["uuid"]
    shown = mapped(api, uuid)
    assert shown["status"] == "mapped"
    assert shown["mapping"] == {"fname": "first_name", "lname": "last_name", "email": "email"}
    again = mapped(api, uuid, {"email": "email"})
    assert again["mapping"] == {"email": "email"}


def test_a_mapping_without_a_required_field_leaves_the_import_pending(api: httpx.Client) -> None:
    uuid = created(api, people(fresh()))["uuid"]
    shown = mapped(api, uuid, {"first_name": "fname"})
    assert (shown["status"], shown["mapping"]) == ("pending", {"fname": "first_name"})
    assert api.post(f"{PATH}/start/{uuid}").status_code == 422


def test_rows_are_stored_and_the_end_is_told(api: httpx.Client, dialect_server: Served) -> None:
    email = fresh()
    shown = imported(api, people(email, fresh()))
    assert (shown["status"], shown["progress"], shown["jobs_remaining"]) == ("completed", 100, 0)
    assert (shown["total_jobs"], shown["failed_jobs"], shown["error_report"]) == (2, 0, None)
    assert stored(dialect_server, email) == [("Ann", "Lee")]


def test_store_creates_and_never_changes(api: httpx.Client, dialect_server: Served) -> None:
    email = fresh()
    imported(api, people(email))
    again = imported(api, f"fname,lname,email\nBob,Lee,{email}\nAnn,Lee,{fresh()}\n".encode())
    assert (again["status"], again["failed_jobs"]) == ("completed", 1)
    assert stored(dialect_server, email) == [("Ann", "Lee")]


def test_update_changes_and_never_creates(api: httpx.Client, dialect_server: Served) -> None:
    email, unknown = fresh(), fresh()
    imported(api, people(email))
    content = f"fname,lname,email\nBob,Lee,{email}\nAnn,Lee,{unknown}\n".encode()
    shown = imported(api, content, mode="update")
    assert (shown["mode"], shown["status"], shown["failed_jobs"]) == ("update", "completed", 1)
    assert stored(dialect_server, email) == [("Bob", "Lee")]
    assert stored(dialect_server, unknown) == []


def test_update_erases_by_an_empty_cell_and_leaves_what_is_not_mapped(
    api: httpx.Client, dialect_server: Served
) -> None:
    email = fresh()
    imported(api, people(email))
    headers = {"first_name": "fname", "email": "email"}
    imported(api, f"fname,lname,email\n,Kay,{email}\n".encode(), mode="update", headers=headers)
    assert stored(dialect_server, email) == [(None, "Lee")]


def test_validate_writes_nothing(api: httpx.Client, dialect_server: Served) -> None:
    email = fresh()
    shown = imported(api, people(email, "no address"), mode="validate")
    assert (shown["mode"], shown["status"], shown["failed_jobs"]) == ("validate", "completed", 1)
    assert stored(dialect_server, email) == []


def test_a_failed_row_is_told_as_it_was_mapped(api: httpx.Client) -> None:
    shown = imported(api, people("no address", fresh()))
    [error] = shown["errors"]
    assert list(error) == ["client", "errors"]
    assert error["client"] == {"first_name": "Ann", "last_name": "Lee", "email": "no address"}
    assert list(error["errors"]) == ["email"]
    assert shown["failed_jobs"] == 1


def test_the_first_25_failed_rows_are_told_in_order(api: httpx.Client) -> None:
    rows = "".join(f"Row {n},Lee,no address {n}\n" for n in range(1, 121))
    shown = imported(api, f"fname,lname,email\n{rows}".encode())
    assert (shown["status"], shown["failed_jobs"], shown["progress"]) == ("failed", 120, 100)
    assert [e["client"]["first_name"] for e in shown["errors"]] == [
        f"Row {n}" for n in range(1, 26)
    ]


def test_the_error_report_is_the_file_it_says(api: httpx.Client, web: httpx.Client) -> None:
    shown = imported(api, people("no address", fresh(), "=1+1"))
    report = shown["error_report"]
    assert report["filename"] == f"errors_{shown['uuid']}.csv"
    assert (report["extension"], report["status"], report["progress"]) == ("csv", "uploaded", "100")
    answer = web.get(report["download_url"])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert len(answer.content) == int(report["size"])
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["email"] for row in rows] == ["no address", "'=1+1"]
    assert api.get(f"{PATH}/{shown['uuid']}").json()["error_report"]["uuid"] == report["uuid"]


def test_a_file_without_rows_fails(api: httpx.Client) -> None:
    shown = created(api, b"fname,lname,email\n")
    assert (shown["status"], shown["progress"], shown["total_jobs"]) == ("failed", 100, 0)
    answer = api.post(f"{PATH}/map/{shown['uuid']}", json={"headers": HEADERS})
    assert answer.status_code == 422
    assert answer.json()["message"].startswith("The import has failed: ")


def test_times_are_told_in_the_zone_of_the_account(api: httpx.Client) -> None:
    shown = created(api, people(fresh()))
    for name in ("created_at", "updated_at"):
        at = datetime.fromisoformat(shown[name])
        assert at.microsecond == 0
        assert shown[name][-6:] in {"+00:00", "+01:00"}  # never +05:30, the organization's own
