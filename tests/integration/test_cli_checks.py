"""Checks on the command line: put and refused with a type, held by `validate` and `import`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Home

CHECK = "total = price * count"
ROWS = "price,count,total\n2.50,2,5\n2.50,2,5.01\n1,,7\n"
SAYS = f"the row breaks the check {CHECK} (total = 5.01, price = 2.50, count = 2)"


def schema(home: Home, check: str) -> Path:
    fields = [
        {"name": "price", "type": "number"},
        {"name": "count", "type": "integer"},
        {"name": "total", "type": "number"},
    ]
    document = {"fields": fields, "rules": [{"check": check}]}
    return home.file("orders.schema.json", json.dumps(document))


def test_a_file_is_validated_by_a_check(home: Home) -> None:
    path = home.file("orders.csv", ROWS)
    done = home.run("validate", path, "--schema", schema(home, CHECK), "--json")
    [error, last] = done.documents
    summary = last["summary"]
    assert (error["row"], error["line"], error["code"]) == (2, 3, "row-constraint")
    assert error["message"] == SAYS
    assert (summary["rows"], summary["failed"]) == (3, 1)


def test_a_file_is_imported_by_a_check(home: Home) -> None:
    home.ask("type", "put", "orders", schema(home, CHECK))
    done = home.run("import", home.file("orders.csv", ROWS), "--type", "orders", "--json")
    assert done.status == 3
    assert done.document["counts"] | {"created": 2, "failed": 1} == done.document["counts"]


def test_a_check_that_is_none_is_refused_when_the_type_is_put(home: Home) -> None:
    hostile = "pg_read_file('/etc/passwd') = ''"
    done = home.run("type", "put", "orders2", schema(home, hostile))
    assert done.status != 0
    assert "/rules/0: cannot be used: " in done.err
    assert "pg_read_file is no function of the language of checks" in done.err
