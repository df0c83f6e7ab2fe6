"""Undo as people type it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import psycopg

from rowport.store.embedded.client import EmbeddedPostgres

if TYPE_CHECKING:
    from tests.conftest import Home

PEOPLE: dict[str, Any] = {
    "fields": [
        {"name": "email", "type": "string", "constraints": {"required": True}},
        {"name": "age", "type": "integer"},
    ],
    "primaryKey": ["email"],
}


def put_people(home: Home) -> None:
    home.ask("type", "put", "people", home.file("people.json", json.dumps(PEOPLE)))


def people_file(home: Home, count: int, age: int) -> str:
    lines = "".join(f"u{n}@x.org,{age}\n" for n in range(1, count + 1))
    return str(home.file(f"people{age}.csv", f"email,age\n{lines}"))


def sql(home: Home, statement: str) -> list[tuple[Any, ...]]:
    """Say a statement as a person with psql would."""
    with (
        EmbeddedPostgres(home.path) as server,
        psycopg.connect(server.url(), autocommit=True) as connection,
    ):
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def test_an_import_is_undone_and_says_what_was_kept(home: Home) -> None:
    put_people(home)
    home.run("import", people_file(home, 3, 1), "--type", "people")
    done = home.run("--json", "import", people_file(home, 5, 2), "--type", "people")
    identity = done.document["id"]
    assert done.document["undo"] is None
    sql(home, "UPDATE data_default.people SET age = 9 WHERE email = 'u2@x.org'")
    undone = home.run("undo", identity)
    assert undone.status == 3
    assert "It was undone\n  reversed     4\n  kept         1\n  errored      0\n" in undone.out
    assert f"rowport rows {identity}" in undone.out
    assert sql(home, "SELECT email, age FROM data_default.people ORDER BY email") == [
        ("u1@x.org", 1), ("u2@x.org", 9), ("u3@x.org", 1),
    ]  # fmt: skip
    again = home.run("--json", "undo", identity)
    assert again.status == 3
    assert again.document["state"] == "completed"
    assert again.document["undo"]["state"] == "completed"
    assert again.document["undo"]["asked_by"].endswith("(command line)")
    assert again.document["undo"]["counts"] == {
        "reversed": 4, "kept": 1, "errored": 0, "pending": 0,
    }  # fmt: skip
    status = home.run("status", identity)
    assert "It was undone" in status.out
    rows = home.run("rows", identity).out
    assert "kept: The record was changed since, by no import." in rows
    assert rows.count("reversed") == 4
    refused = home.run("--json", "retry", identity)
    assert (refused.status, refused.document["error"]["code"]) == (4, "already_undone")
    dry = home.run(
        "--json", "import", people_file(home, 3, 7), "--type", "people", "--mode", "validate"
    )
    nothing = home.run("--json", "undo", dry.document["id"])
    assert (nothing.status, nothing.document["error"]["code"]) == (4, "nothing_to_undo")
