"""Every command of the command line, through the real program."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import fastexcel
import psycopg
import pytest

from rowport import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Home

GOOD = "email,Full name,age\na@x.org,Ann,30\nb@x.org,Bob,\n"
MIXED = 'email,Full name,age\nc@x.org,"Cat, the\ncat",7\nd@x.org,=Dan,old\n,Eve,x\n'


@pytest.fixture(scope="module")
def mixed(home: Home) -> dict[str, Any]:
    """An import of which some rows failed."""
    done = home.run("import", home.file("mixed.csv", MIXED), "--type", "people", "--json")
    assert done.status == 3, done
    return done.document


def test_the_version_is_told(home: Home) -> None:
    assert home.run("--version").out == f"rowport {__version__}\n"


@pytest.mark.parametrize("words", [["--help"], ["type", "--help"], ["import", "-h"]])
def test_help_is_on_stdout(home: Home, words: list[str]) -> None:
    done = home.run(*words)
    assert (done.status, done.err) == (0, "")
    assert "--home DIR" in done.out
    assert "--json" in done.out


def test_help_needs_no_database_and_no_data_library() -> None:
    code = "import sys; from rowport.cli.app import run; run(['--help']); print(*sys.modules)"
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, encoding="utf-8"
    )
    loaded = set(out.stdout.split())
    assert "click" in loaded
    assert loaded.isdisjoint({"polars", "pyarrow", "psycopg", "litestar", "rich"})


def test_types_are_put_listed_and_shown(home: Home) -> None:
    schema = home.file("t.json", json.dumps({"fields": [{"name": "a"}, {"name": "b"}]}))
    put = home.ask("type", "put", "things", schema, "--key", "a,b")
    assert (put["name"], put["version"], put["key"]) == ("things", 1, ["a", "b"])
    assert home.ask("type", "put", "things", schema, "--key", "a,b")["version"] == 1
    assert home.ask("type", "show", "things") == put
    listed = home.run("type", "list", "--json").documents
    assert [document["name"] for document in listed] == ["contacts", "people", "things"]
    assert "things  version 1, 2 fields, key a, b" in home.run("type", "show", "things").out
    assert "  email: string, key, required" in home.run("type", "show", "people").out


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_a_template_can_be_imported(home: Home, suffix: str) -> None:
    path = home.room / f"template.{suffix}"
    assert home.ask("type", "template", "contacts", "--out", path)["path"] == str(path)
    assert home.run("import", path, "--type", "contacts", "--mode", "validate").status == 0


def test_json_may_be_asked_for_before_or_after(home: Home, mixed: dict[str, Any]) -> None:
    before = home.run("--json", "status", mixed["id"])
    after = home.run("status", mixed["id"], "--json")
    assert before == after
    assert before.document == mixed


def test_the_home_may_be_said_before_or_after(home: Home, tmp_path: Path) -> None:
    home_word = ["--home", str(home.path)]
    elsewhere = {"ROWPORT_HOME": str(tmp_path / "nowhere")}
    other = type(home)(path=tmp_path / "other", room=tmp_path, environment=elsewhere)
    before = other.run(*home_word, "type", "list", "--json")
    after = other.run("type", "list", "--json", *home_word)
    assert before.documents == after.documents == home.run("type", "list", "--json").documents
    assert not (tmp_path / "nowhere").exists()


def test_the_newest_import_is_shown_when_none_is_named(home: Home) -> None:
    made = home.ask("import", home.file("newest.csv", GOOD), "--type", "people")
    assert home.ask("status") == made
    assert home.ask("list", "--limit", "1") == made
    assert made["id"] in home.run("list", "--limit", "1").out


def test_an_import_is_said_in_full(mixed: dict[str, Any]) -> None:
    assert mixed["state"] == "completed"
    assert mixed["result"] == "partial"
    assert mixed["counts"] == {
        "total": 3,
        "created": 1,
        "updated": 0,
        "unchanged": 0,
        "skipped": 0,
        "failed": 2,
        "pending": 0,
    }
    assert mixed["files"][0]["name"] == "mixed.csv"
    assert mixed["files"][0]["size_bytes"] == len(MIXED)
    assert mixed["chunks"] == {"total": 1, "done": 1}
    assert mixed["mapping"] == {"email": "email", "Full name": "name", "age": "age"}
    assert mixed["created_at"] <= mixed["started_at"] <= mixed["finished_at"]


def test_every_row_is_told_with_its_line(home: Home, mixed: dict[str, Any]) -> None:
    rows = home.run("rows", mixed["id"], "--json").documents
    assert [(row["row"], row["line"], row["outcome"]) for row in rows] == [
        (1, 2, "created"),
        (2, 4, "failed"),
        (3, 5, "failed"),
    ]
    assert rows[0]["record_id"]
    assert rows[1]["raw"] == ["d@x.org", "=Dan", "old"]
    assert [error["code"] for error in rows[1]["errors"]] == ["type-error"]
    assert rows[1]["errors"][0]["field"] == "age"
    assert rows[1]["errors"][0]["value"] == "old"
    assert {error["field"] for error in rows[2]["errors"]} == {"email", "age"}


def test_rows_can_be_asked_for_by_outcome(home: Home, mixed: dict[str, Any]) -> None:
    failed = home.run("rows", mixed["id"], "--outcome", "failed", "--json").documents
    assert [row["row"] for row in failed] == [2, 3]
    shown = home.run("rows", mixed["id"], "--outcome", "created").out
    assert shown.startswith("row 1 line 2  created")


def test_whoever_stops_reading_does_no_harm(home: Home, mixed: dict[str, Any]) -> None:
    process = home.start("rows", mixed["id"])
    assert process.stdout
    process.stdout.close()
    assert process.stderr
    with process:
        assert process.stderr.read() == ""


def test_rows_can_be_asked_for_by_the_page(home: Home, mixed: dict[str, Any]) -> None:
    page = home.run("rows", mixed["id"], "--after", "1", "--limit", "1", "--json").documents
    assert [row["row"] for row in page] == [2]
    behind = home.run("rows", mixed["id"], "--after", "1", "--json").documents
    assert [row["row"] for row in behind] == [2, 3]
    first = home.run("rows", mixed["id"], "--limit", "1", "--outcome", "failed", "--json")
    assert [row["row"] for row in first.documents] == [2]


def test_errors_are_told_by_kind(home: Home, mixed: dict[str, Any]) -> None:
    groups = home.run("errors", mixed["id"], "--json").documents
    assert [(group["code"], group["field"], group["count"]) for group in groups] == [
        ("type-error", "age", 2),
        ("primary-key", "email", 1),
    ]
    assert [(e["row"], e["value"]) for e in groups[0]["examples"]] == [(2, "old"), (3, "x")]
    shown = home.run("errors", mixed["id"]).out.splitlines()
    assert shown[0].split() == ["2", "age", "[type-error]"]
    assert shown[1].strip().startswith('row 2: "old"')


def test_an_import_without_errors_says_so(home: Home) -> None:
    done = home.run("import", home.file("good.csv", GOOD), "--type", "people", "--json")
    told = home.run("errors", done.document["id"])
    assert (told.status, told.out, told.err) == (0, "", "rowport: no row has an error\n")


def test_failed_rows_go_home_as_csv(home: Home, mixed: dict[str, Any]) -> None:
    path = home.room / "failed.csv"
    path.write_text("what stood here before")
    told = home.ask("failed-rows", mixed["id"], "--out", path)
    assert told == {"import_id": mixed["id"], "path": str(path), "rows": 2}
    with path.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.reader(lines))
    assert rows[0] == ["email", "Full name", "age", "_row", "_line", "_errors", "_extra"]
    assert rows[1][:5] == ["d@x.org", "'=Dan", "old", "2", "4"]
    assert rows[1][5].startswith("age: ")
    assert rows[2][:5] == ["", "Eve", "x", "3", "5"]
    assert not list(home.room.glob(".rowport-*"))


def test_failed_rows_go_home_as_a_spreadsheet(home: Home, mixed: dict[str, Any]) -> None:
    path = home.room / "failed.xlsx"
    home.ask("failed-rows", mixed["id"], "--out", path)
    sheet = fastexcel.read_excel(path).load_sheet(0, dtypes="string").to_polars()
    assert sheet.row(0)[:5] == ("d@x.org", "=Dan", "old", "2", "4")


def test_an_import_that_has_ended_cannot_be_canceled(home: Home, mixed: dict[str, Any]) -> None:
    done = home.run("cancel", mixed["id"], "--json")
    assert done.status == 4
    assert done.document["error"]["code"] == "illegal_transition"


def test_the_database_can_be_asked_directly(home: Home) -> None:
    assert home.ask("db", "migrate") == {"applied": []}
    worker = home.start("worker", "--until-idle")
    url = home.ask("db", "url")["database_url"]
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT count(*) FROM data_default.people").fetchone()
    assert found
    assert worker.wait(60) == 0
    worker.communicate()


def test_people_are_told_what_can_be_done_about_failed_rows(home: Home) -> None:
    path = home.file("again.csv", MIXED)
    done = home.run("import", path, "--type", "people", "--home", home.path)
    assert done.status == 3
    assert "unchanged    1" in done.out
    assert "Worst columns" in done.out
    command = next(line for line in done.out.splitlines() if "failed-rows" in line).split()
    assert command[:2] == ["rowport", "failed-rows"]
    assert home.run(*command[1:]).status == 0
    assert (home.room / "failed.csv").stat().st_size > 0
