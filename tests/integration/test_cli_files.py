"""Reading, validating, proposing and importing files without a record type, as people run it."""

from __future__ import annotations

import csv
import gzip
import json
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import xlsxwriter
from psycopg import sql
from tests.conftest import EXAMPLES, Home, Terminal

if TYPE_CHECKING:
    from pathlib import Path

LATIN = "Stadt;Größe\r\nKöln;1,5\r\n;2\r\nUlm;3;4\r\n".encode("cp1252")
ORDERS = "Order No,Customer,Amount\nA-1,Ann,10\nA-2,Bob,20\nA-3,Cat,30\n"


@pytest.fixture
def desk(tmp_path: Path) -> Home:
    """A place to work in without any database: its home cannot be made."""
    blocked = tmp_path / "blocked"
    blocked.touch()
    return Home(path=blocked / "home", room=tmp_path)


def test_what_was_understood_is_told_with_its_evidence(desk: Home) -> None:
    told = desk.ask("read", desk.file("städte.csv", LATIN))
    shown = {name: told[name] for name in ("file", "format", "delimiter", "quote", "sheet")}
    assert shown == {
        "file": "städte.csv",
        "format": "csv",
        "delimiter": ";",
        "quote": '"',
        "sheet": None,
    }
    assert (told["header_row"], told["columns"]) == (1, ["Stadt", "Größe"])
    assert told["sample_rows"] == [["Köln", "1,5"], ["", "2"], ["Ulm", "3", "4"]]
    assert 0 < told["confidence"] <= 1
    assert told["evidence"]["encoding"]
    assert "Größe" in desk.run("read", "städte.csv").out


def test_a_file_is_written_as_it_was_understood(desk: Home) -> None:
    out = desk.room / "out.csv"
    out.write_text("what stood here before")
    told = desk.ask("read", desk.file("a.csv", LATIN), "--out", out)
    assert out.read_bytes() == 'Stadt,Größe\r\nKöln,"1,5"\r\n,2\r\nUlm,3,4\r\n'.encode()
    assert (told["out"], told["rows"], told["broken"]) == (str(out), 3, 1)
    [broken] = told["broken_rows"]
    assert (broken["row"], broken["line"], broken["code"]) == (3, 4, "extra-cell")
    noted = desk.run("read", "a.csv", "--out", out)
    assert (noted.status, noted.err.count("row 3 line 4")) == (0, 1)


def test_every_part_of_what_was_understood_can_be_said(desk: Home) -> None:
    content = "# made by us\r\na|'x|y'\r\nb|'it''s'\r\n"
    file = desk.file("odd.txt", content.encode("utf-16-le"))
    told = desk.ask(
        *("read", file, "--format", "csv", "--encoding", "utf-16-le", "--delimiter", "|"),
        *("--quote", "'", "--escape", "", "--header-row", "2"),
    )
    assert (told["columns"], told["sample_rows"]) == (["a", "x|y"], [["b", "it's"]])
    bare = desk.file("bare.csv", "a,b\nc,d\n")
    told = desk.ask("read", bare, "--no-header", "--out", desk.room / "bare.out")
    assert (told["has_header"], told["columns"]) == (False, ["column_1", "column_2"])
    assert (desk.room / "bare.out").read_bytes() == b"a,b\r\nc,d\r\n"


def test_an_empty_file_is_written_as_an_empty_file(desk: Home) -> None:
    told = desk.ask("read", desk.file("empty.csv", "\n"), "--out", desk.room / "empty.out")
    assert (told["columns"], told["rows"], told["broken"]) == ([], 0, 0)
    assert (desk.room / "empty.out").read_bytes() == b""


def test_sheets_and_what_is_inside_archives_are_told(desk: Home) -> None:
    path = desk.room / "book.xlsx"
    with xlsxwriter.Workbook(path) as book:
        for name in ("first", "second"):
            book.add_worksheet(name).write_column(0, 0, [name, "x", "y"])
    assert desk.ask("read", path)["sheet"] == "first"
    for word in ("second", "2"):
        told = desk.ask("read", path, "--sheet", word)
        assert (told["sheet"], told["columns"]) == ("second", ["second"])
        assert told["delimiter"] is None
    packed = desk.ask("read", desk.file("a.csv.gz", gzip.compress(LATIN)))
    assert (packed["format"], packed["inside"], packed["delimiter"]) == ("compressed", "csv", ";")


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["read", "none.csv"], 2, "there is no file"),
        (["read", "."], 2, "is a folder"),
        (["read", "/dev/null"], 2, "no regular file"),
        (["read", "empty.csv"], 4, "empty"),
        (["read", "a.csv", "--encoding", "klingon"], 2, "klingon"),
        (["read", "a.csv", "--sheet", "x"], 2, "no option 'sheet'"),
        (["read", "a.csv", "--header-row", "x"], 2, "number of a line"),
        (["read", "a.csv", "--out", "no/such/folder.csv"], 2, "cannot be written"),
        (["validate", "a.csv"], 2, "--schema"),
        (["validate", "a.csv", "--schema", "none.json"], 2, "none.json"),
        (["validate", "empty.csv", "--schema", "s.json"], 4, "empty"),
        (["validate", "a.csv", "--schema", "need.json"], 4, "no column for z"),
        (["validate", "a.csv", "--schema", "s.json", "--key", "q"], 2, "not a field"),
        (["type", "infer", "empty.csv"], 4, "empty"),
        (["import", "a.csv"], 2, "--type NAME, or --yes"),
        (["import", "header.csv", "--yes"], 4, "no row"),
    ],
)
def test_what_cannot_be_is_told(desk: Home, words: list[str], status: int, said: str) -> None:
    desk.file("a.csv", "a,b\n1,2\n")
    desk.file("header.csv", "a,b\n")
    desk.file("empty.csv", "")
    desk.file("s.json", json.dumps({"fields": [{"name": "a"}, {"name": "b"}]}))
    required = {"name": "z", "constraints": {"required": True}}
    desk.file("need.json", json.dumps({"fields": [required]}))
    done = desk.run(*words)
    assert (done.status, done.err.startswith("rowport: ")) == (status, True), done
    assert said in done.err


def test_every_planted_error_is_told_and_no_other(desk: Home) -> None:
    truth = json.loads((EXAMPLES / "contacts.truth.json").read_text(encoding="utf-8"))
    schema = EXAMPLES / "contacts.schema.json"
    words = ("validate", EXAMPLES / "contacts.csv", "--schema", schema, "--key", "email")
    done = desk.run(*words, "--json")
    assert (done.status, done.err) == (3, "")
    *errors, last = done.documents
    assert {bad["row"] for bad in truth["bad_rows"]} == {error["row"] for error in errors}
    assert [error["row"] for error in errors] == sorted(error["row"] for error in errors)
    assert list(errors[0]) == ["row", "line", "field", "code", "value", "message"]
    summary = last["summary"]
    assert (summary["rows"], summary["failed"]) == (truth["total"], truth["failed"])
    assert summary["errors"] == len(errors) == sum(g["count"] for g in summary["groups"])
    said = desk.run(*words)
    assert said.status == 3
    assert f"{truth['total']:,} rows, {truth['total'] - truth['failed']:,} fine" in said.out


def test_a_clean_file_has_a_summary_alone(desk: Home) -> None:
    folder = EXAMPLES / "airports"
    told = desk.ask("validate", folder / "data.csv", "--schema", folder / "schema.json")
    assert told["summary"]["failed"] == 0
    assert told["summary"]["rows"] == told["summary"]["valid"] > 0


def test_a_schema_is_proposed_with_its_evidence(desk: Home) -> None:
    file, out = desk.file("orders.csv", ORDERS), desk.room / "schema.json"
    told = desk.ask("type", "infer", file, "--out", out)
    assert told["schema"] == json.loads(out.read_bytes())
    assert [field["name"] for field in told["schema"]["fields"]] == [
        "order_no",
        "customer",
        "amount",
    ]
    assert told["schema"]["primaryKey"] == ["order_no"]
    assert (told["rows"], told["broken"], told["read"]["delimiter"]) == (3, 0, ",")
    assert [evidence["filled"] for evidence in told["fields"]] == [3, 3, 3]
    printed = desk.run("type", "infer", file)
    assert json.loads(printed.out) == told["schema"]
    assert "order_no" in printed.err
    assert desk.ask("validate", file, "--schema", out)["summary"]["failed"] == 0


# ---------------------------------------------------------------------------- without --type


def shown(home: Home, name: str) -> dict[str, Any]:
    """Give a record type."""
    return home.ask("type", "show", name)


def test_a_file_without_a_type_makes_one_and_is_imported(home: Home) -> None:
    file = home.file("Orders 2026.csv", ORDERS)
    imported = home.ask("import", file, "--yes")
    assert (imported["type"], imported["counts"]["created"]) == ("orders_2026", 3)
    assert shown(home, "orders_2026")["key"] == ["order_no"]
    again = home.ask("import", file, "--yes")
    assert (again["counts"]["unchanged"], shown(home, "orders_2026")["version"]) == (3, 1)


def test_a_name_that_is_taken_by_another_schema_is_refused(home: Home) -> None:
    before = shown(home, "people")
    done = home.run("import", home.file("people.csv", ORDERS), "--yes", "--json")
    assert (done.status, done.document["error"]["code"]) == (2, "invalid_options")
    assert "--type people" in done.err
    assert shown(home, "people") == before


def test_columns_without_or_with_equal_headers_are_all_imported(home: Home) -> None:
    file = home.file("twins.csv", "a b,a_b,,x,x\n1,q,7,2020-01-01,u\n2,r,8,2020-01-02,v\n")
    imported = home.ask("import", file, "--yes", "--header-row", "1")
    assert imported["counts"]["created"] == 2
    names = [field["name"] for field in shown(home, "twins")["schema"]["fields"]]
    assert len(names) == 5
    with psycopg.connect(home.ask("db", "url")["database_url"]) as connection:
        query = sql.SQL("SELECT {} FROM data_default.twins ORDER BY 1").format(
            sql.SQL(", ").join(map(sql.Identifier, names))
        )
        found = [[str(value) for value in row] for row in connection.execute(query)]
    assert found == [["1", "q", "7", "2020-01-01", "u"], ["2", "r", "8", "2020-01-02", "v"]]


def test_reading_options_reach_the_import(home: Home) -> None:
    file = home.file("odd.csv", "email~Full name~age\nz1@x.org~Zoë, the 1st~4\n".encode("utf-16"))
    words = ("--encoding", "utf-16", "--delimiter", "~", "--quote", "")
    imported = home.ask("import", file, "--type", "people", *words)
    assert imported["counts"]["created"] == 1


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("n", 2)])
def test_on_a_terminal_people_are_asked(home: Home, answer: str, status: int) -> None:
    name = f"asked_{answer}"
    file = home.file(f"{name}.csv", ORDERS)
    terminal = Terminal()
    terminal.type(answer)
    done = home.run("import", file, "--json", stdin=terminal.theirs, stderr=terminal.theirs)
    asked = terminal.leave()
    assert done.status == status, done
    assert f"record type {name}" in asked
    assert "Make this record type" in asked
    assert home.run("type", "show", name).status == (0 if status == 0 else 2)
    if status == 0:
        assert done.document["counts"]["created"] == 3


def test_the_written_file_is_imported_as_the_first_one_was(home: Home) -> None:
    out = home.room / "retold.csv"
    home.ask("read", EXAMPLES / "contacts.csv", "--out", out)
    counts = [
        home.run("import", path, "--type", "contacts", "--mode", "validate", "--json").document
        for path in (EXAMPLES / "contacts.csv", out)
    ]
    assert counts[0]["counts"] == counts[1]["counts"]
    with out.open(newline="", encoding="utf-8") as lines:
        assert len(list(csv.reader(lines, strict=True))) == counts[0]["counts"]["total"] + 1
