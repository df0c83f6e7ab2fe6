"""Pause, resume, retry and fix as people type them."""

from __future__ import annotations

import csv
import json
import time
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Home

PEOPLE: dict[str, Any] = {
    "fields": [
        {"name": "email", "type": "string", "constraints": {"required": True}},
        {"name": "age", "type": "integer"},
    ],
    "primaryKey": ["email"],
}
ROWS = "".join(f"u{n}@x.org,{'x' if n in {3, 5} else n}\n" for n in range(1, 9))


def mend(file: Path, cells: dict[str, str]) -> None:
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, rows[0].keys())
        writer.writeheader()
        writer.writerows({**row, "age": cells.get(row["_row"], row["age"])} for row in rows)


def test_failed_rows_are_mended_retried_and_never_loaded_twice(home: Home) -> None:
    schema = home.file("people.json", json.dumps(PEOPLE))
    home.ask("type", "put", "people", schema)
    file = home.file("people.csv", f"email,age\n{ROWS}")
    first = home.run("--json", "import", file, "--type", "people")
    assert first.status == 3
    identity = first.document["id"]
    home.ask("failed-rows", identity, "--out", "failed.csv")
    mend(home.room / "failed.csv", {"3": "33"})
    fixed = home.run("--json", "fix", identity, "--file", "failed.csv")
    assert fixed.status == 3
    assert (fixed.document["id"], fixed.document["counts"]["created"]) == (identity, 7)
    again = home.run("--json", "fix", identity, "--file", "failed.csv")
    assert again.document == fixed.document
    loose = PEOPLE | {"fields": [PEOPLE["fields"][0], {"name": "age", "type": "string"}]}
    home.ask("type", "put", "people", home.file("loose.json", json.dumps(loose)))
    last = home.run("--json", "retry", identity)
    assert last.status == 0
    assert last.document["counts"]["created"] == last.document["counts"]["total"] == 8
    refused = home.run("--json", "retry", identity)
    assert (refused.status, refused.document["error"]["code"]) == (4, "nothing_to_retry")
    unfit = home.run("fix", identity, "--file", "people.csv")
    assert unfit.status == 2
    assert "is no failed-rows file" in unfit.err


def pause_in_time(home: Home) -> tuple[int, dict[str, Any]]:
    """Import ever longer files until a pause comes before the end; gives the rows of the last."""
    for rows in (8_000 << tries for tries in count()):
        lines = "".join(f"u{n}-of-{rows}@x.org,{n}\n" for n in range(rows))
        file = home.file("many.csv", f"email,age\n{lines}")
        detached = home.run("--json", "import", file, "--type", "many", "--detach")
        identity = detached.document["id"]
        while (asked := home.run("--json", "pause", identity)).status == 4:
            if "is completed" in asked.err:
                break
            assert "is reading" in asked.err  # it can be paused once it is read
        else:
            return rows, asked.document
    raise AssertionError


def test_a_paused_import_says_who_paused_it_and_goes_on(home: Home) -> None:
    home = replace(home, environment={"ROWPORT_CHUNK_ROWS": "20"})
    home.ask("type", "put", "many", home.file("people.json", json.dumps(PEOPLE)))
    rows, paused = pause_in_time(home)
    assert paused["state"] == "paused"
    identity = paused["id"]
    told = home.run("status", identity)
    assert "it waits: Paused by " in told.out
    assert home.ask("status", identity)["waiting"]["code"] == "resume"
    assert home.ask("status", identity)["counts"] == paused["counts"]
    done = home.ask("resume", identity)
    assert (done["state"], done["counts"]["created"]) == ("completed", rows)


def test_the_api_steers_imports(home: Home) -> None:
    home.ask("type", "put", "steered", home.file("people.json", json.dumps(PEOPLE)))
    file = home.file("people.csv", f"email,age\n{ROWS}")
    identity = home.run("--json", "import", file, "--type", "steered").document["id"]
    home.ask("failed-rows", identity, "--out", "failed.csv")
    server = home.start("--json", "serve", "--port", "0")
    try:
        assert server.stdout is not None
        url = json.loads(server.stdout.readline())["url"]
        one = f"{url}/v1/imports/{identity}"
        with httpx.Client(timeout=60, headers=home.token()) as client:
            assert client.post(f"{one}/pause").status_code == 409
            assert client.post(f"{one}/resume").status_code == 409
            assert client.post(f"{one}/cancel").status_code == 409
            assert client.post(f"{one}/retry").status_code == 202
            while not client.get(one).json()["finished_at"]:
                time.sleep(0.02)
            mend(home.room / "failed.csv", {"3": "33", "5": "55"})
            content = (home.room / "failed.csv").read_bytes()
            sent = client.post(f"{one}/fix", files={"file": ("failed.csv", content)})
            assert sent.status_code == 202
            while not (now := client.get(one).json())["finished_at"]:
                time.sleep(0.02)
            assert now["counts"]["created"] == 8
            odd = client.post(f"{one}/fix", files={"file": ("x.csv", b"a,b\n1,2\n")})
            assert (odd.status_code, odd.json()["code"]) == (422, "not_mendable")
            refused = client.post(f"{one}/fix", files={"other": ("x.csv", b"a")})
            assert refused.status_code == 400
    finally:
        server.terminate()
        server.communicate(timeout=60)
