"""Files are read as they were written, checked and proposed from, without any database."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from rowport.blobs.file import FileReader
from rowport.bootstrap import open_table, suffixes
from rowport.cli.reading import write
from rowport.engine.schema_document import parse
from rowport.model.errors import Invalid, InvalidOptions, MappingIncomplete, UnreadableFile
from rowport.service.checking import Check, Tally
from rowport.service.inferring import infer, type_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EXAMPLES = Path(__file__).parents[2] / "examples"
characters = st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\ufeff")
cells = st.text(characters | st.sampled_from("\t\r\n,;|~'\" "), max_size=6)
dialects = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from([",", ";", "\t", "|", "~"]),
        "quotechar": st.sampled_from(['"', "'"]),
        "lineterminator": st.sampled_from(["\n", "\r\n", "\r"]),
        "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    }
)
tables = st.integers(2, 4).flatmap(
    lambda columns: st.lists(
        st.lists(cells, min_size=columns, max_size=columns).map(lambda row: ["v", *row]),
        min_size=1,
        max_size=6,
    )
)


def retold(path: Path, given: Mapping[str, object]) -> list[list[str]]:
    """Write the file as it was understood; give what a strict reader makes of that."""
    out = path.with_suffix(".out")
    write(open_table(path, given), out)
    with out.open(newline="", encoding="utf-8") as lines:
        return list(csv.reader(lines, strict=True))


@settings(max_examples=60, deadline=None)
@given(rows=tables, dialect=dialects, encoding=st.sampled_from(["utf-8", "utf-16-le", "gb18030"]))
def test_a_table_in_any_dialect_is_told_as_it_was_written(
    rows: list[list[str]], dialect: dict[str, Any], encoding: str
) -> None:
    text = io.StringIO(newline="")
    if any("\r" in cell or "\n" in cell for row in rows for cell in row):
        dialect["quoting"] = csv.QUOTE_ALL  # the csv module quotes only its own line ends
    header = [f"h{place}" for place in range(len(rows[0]))]
    csv.writer(text, **dialect).writerows([header, *rows])
    given = {
        "format": "csv",
        "encoding": encoding,
        "delimiter": dialect["delimiter"],
        "quote": dialect["quotechar"],
        "escape": "",
        "header_row": 1,
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table"
        path.write_bytes(text.getvalue().encode(encoding))
        assert retold(path, given) == [header, *rows]


plain = st.sampled_from(
    ["Ann", "Bob Smith", "12", "3.50", "2024-02-29", "", "a@example.org", 'the "good" one', "x\ny"]
)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.tuples(plain, plain, plain), min_size=5, max_size=20),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_a_usual_table_needs_no_options(
    rows: list[tuple[str, ...]], delimiter: str, encoding: str
) -> None:
    text = io.StringIO(newline="")
    table = [["number", "name", "note", "remark"]]
    table += [[str(number), *row] for number, row in enumerate(rows)]
    csv.writer(text, delimiter=delimiter).writerows(table)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_bytes(text.getvalue().encode(encoding))
        assert retold(path, {}) == table


def test_ragged_rows_stand_in_their_place_with_the_cells_they_have(tmp_path: Path) -> None:
    path = tmp_path / "ragged.csv"
    path.write_text("a,b\n1,2\n3\n4,5,6\n7,8\n", encoding="utf-8")
    wanted = [["a", "b"], ["1", "2"], ["3"], ["4", "5", "6"], ["7", "8"]]
    assert retold(path, {}) == wanted


def test_quoted_cells_name_their_delimiter_though_others_hold_it_unquoted(tmp_path: Path) -> None:
    path = tmp_path / "spaces.txt"
    rows = [
        f'0{n}:00 {n} red {"very " * (n % 4)}chair "A chair, {n}" "http://x/{n}"' for n in range(9)
    ]
    path.write_text("\n".join(['TIME NO COLOUR WHAT "TEXT" "URL"', *rows]), encoding="utf-8")
    table = retold(path, {})
    assert table[:2] == [
        ["TIME", "NO", "COLOUR", "WHAT", "TEXT", "URL"],
        ["00:00", "0", "red", "chair", "A chair, 0", "http://x/0"],
    ]
    assert [len(row) for row in table[1:]] == [6 + n % 4 for n in range(9)]


def test_prose_that_quotes_words_has_one_column(tmp_path: Path) -> None:
    path = tmp_path / "prose.txt"
    lines = [
        ["what was said"],
        *[[f'He "said" it {"again " * n}and "went" away'] for n in range(9)],
    ]
    path.write_text("\n".join(line for (line,) in lines), encoding="utf-8")
    assert retold(path, {}) == lines


def test_a_file_without_header_gets_none(tmp_path: Path) -> None:
    path = tmp_path / "bare.csv"
    path.write_text("1,2\n3,4\n", encoding="utf-8")
    assert retold(path, {"has_header": False}) == [["1", "2"], ["3", "4"]]


TABLE = [["id", "name"], ["1", "Zoë, the 1st"], ["2", 'say "b"'], ["3", "x\ny"]]
OBJECTS = [dict(zip(TABLE[0], row, strict=True)) for row in TABLE[1:]]


def workbook() -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        page = book.add_worksheet()
        for number, row in enumerate(TABLE):
            page.write_row(number, 0, row)
    return out.getvalue()


def parquet() -> bytes:
    out = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(OBJECTS), out)
    told: bytes = out.getvalue().to_pybytes()
    return told


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.json", json.dumps(OBJECTS).encode()),
        ("t.jsonl", "\n".join(map(json.dumps, OBJECTS)).encode()),
        ("t.parquet", parquet()),
        ("t.xlsx", workbook()),
        ("t.jsonl.gz", gzip.compress("\n".join(map(json.dumps, OBJECTS)).encode())),
    ],
    ids=["json", "jsonl", "parquet", "xlsx", "jsonl.gz"],  # bytes that hold the time name nothing
)
def test_a_table_of_any_format_is_told_as_the_same_records(
    tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert retold(path, {}) == TABLE


def test_a_file_is_read_at_any_place_up_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"0123456789")
    reader = FileReader(path)
    assert reader.size_bytes == 10
    assert [reader.read_at(at, 4) for at in (0, 8, 10, 99)] == [b"0123", b"89", b"", b""]


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="no regular file"):
        open_table(Path("/dev/null"), {})
    with pytest.raises(Invalid, match="No such file"):
        open_table(tmp_path / "none.csv", {})


def test_an_unknown_format_is_refused_with_those_that_are_known(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a\n1\n", encoding="utf-8")
    with pytest.raises(InvalidOptions, match="parquet"):
        open_table(path, {"format": "word"})


# -------------------------------------------------------------------------------------- checking


def schema(**more: Any) -> dict[str, Any]:  # noqa: ANN401  JSON
    fields = [{"name": "id", "type": "integer"}, {"name": "mail"}, {"name": "n", "type": "number"}]
    return {"fields": fields, **more}


def check(
    path: Path, document: Mapping[str, object], key: Sequence[str] = ()
) -> tuple[list[tuple[int, int, str | None, str, str | None]], Tally]:
    """Give (row, line, field, code, value) of each error."""
    tally, told = Tally(), []
    for checked in Check(open_table(path, {}), parse(document), key=key).run():
        tally.add(checked)
        told += [
            (e["row"], e["line"], e["field"], e["code"], e["value"])
            for e in checked.errors.to_pylist()
        ]
    return told, tally


def test_all_errors_are_told_in_the_order_of_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,mail,n\nx,a,y\n2,b\n3,a,1\n3,c,1\n,d,1\n4,a,1\n", encoding="utf-8")
    document = schema(primaryKey="id", uniqueKeys=[["mail"]])
    told, tally = check(path, document)
    assert told == [
        (1, 2, "id", "type-error", "x"),
        (1, 2, "n", "type-error", "y"),
        (2, 3, None, "missing-cell", None),
        (4, 5, "id", "unique-error", "3"),
        (5, 6, "id", "primary-key", ""),
        (6, 7, "mail", "unique-error", "a"),
    ]
    assert (tally.rows, tally.failed, tally.errors) == (6, 5, 6)


def test_a_row_with_another_error_takes_no_key(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,mail,n\n1,a,bad\n01,b,1\n1,c,1\n", encoding="utf-8")
    told, _ = check(path, schema(), key=["id"])
    assert [(row, code, value) for row, _, _, code, value in told] == [
        (1, "type-error", "bad"),
        (3, "unique-error", "1"),
    ]


def test_unique_values_may_be_absent_as_often_as_they_like(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,mail,n\n1,,1\n2,,2\n3,z,3\n4,z,4\n", encoding="utf-8")
    fields = [{"name": "id"}, {"name": "mail", "constraints": {"unique": True}}]
    told, _ = check(path, {"fields": fields})
    assert [(row, field) for row, _, field, _, _ in told] == [(4, "mail")]


@pytest.mark.parametrize(("keep", "rows"), [("first", [5]), ("error", [2, 4, 5])])
def test_rows_that_repeat_others_are_errors_only_if_the_schema_says_so(
    tmp_path: Path, keep: str, rows: list[int]
) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,mail,n\n1,a,1\n2,a,1\n3,b,1\n1,a,1\n3,c,1\n", encoding="utf-8")
    document = schema(primaryKey="id", dedupe={"fields": "mail", "keep": keep})
    told, tally = check(path, document)
    assert sorted({row for row, *_ in told}) == rows
    assert tally.failed == len(rows)


def test_what_only_a_database_knows_is_said_to_be_unchecked(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,mail,n\n1,a,1\n", encoding="utf-8")
    document = {
        "fields": [{"name": "id"}, {"name": "mail", "lookup": {"type": "people", "by": "mail"}}],
        "foreignKeys": [{"fields": "id", "reference": {"resource": "b", "fields": "id"}}],
    }
    checked = Check(open_table(path, {}), parse(document))
    assert checked.unchecked == ("foreignKeys", "lookup")


def test_a_required_field_needs_a_column_and_a_key_a_field(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id\n1\n", encoding="utf-8")
    with pytest.raises(MappingIncomplete, match=r"no column for mail.*--map"):
        check(path, schema(primaryKey="mail"))
    with pytest.raises(InvalidOptions, match="'email' is not a field"):
        check(path, schema(), key=["email"])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", b"id,na\0me\n1,a\n"),
        ("t.csv", "id,na\0me\n1,a\n".encode("utf-16")),
        ("t.csv", b"# made by x\n\nid;na\0me\n1;a\n2;b\n"),
        ("t.json", b'[{"id": 1, "na\\u0000me": "a"}]'),
        ("t.jsonl", b'{"id": 1}\n{"id": 2, "na\\u0000me": "a"}\n'),
    ],
)
def test_a_column_whose_name_holds_a_nul_is_refused_before_any_row_is_read(
    tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnreadableFile) as refused:
        open_table(path, {})
    assert "the name of column 2, 'na\N{SYMBOL FOR NULL}me', holds the character U+0000" in str(
        refused.value
    )


def test_evidence_that_can_be_kept_holds_no_nul(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"# x\0y\n\nid,mail\n1,a\n2,b\n")
    layout = open_table(path, {}).layout
    assert layout.header == ("id", "mail")
    assert layout.evidence["preamble"] == ["# x\N{SYMBOL FOR NULL}y"]


def test_errors_are_grouped_with_three_examples(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,mail\n" + "x,a\n" * 5 + "1,b\n2\n", encoding="utf-8")
    _, tally = check(path, schema())
    first, second = tally.groups
    assert (first.code, first.field, first.count) == ("type-error", "id", 5)
    assert [example["row"] for example in first.examples] == [1, 2, 3]
    assert (second.code, second.field, second.count) == ("missing-cell", None, 1)


def test_the_contacts_fail_exactly_where_faults_were_planted() -> None:
    truth = json.loads((EXAMPLES / "contacts.truth.json").read_text(encoding="utf-8"))
    document = json.loads((EXAMPLES / "contacts.schema.json").read_text(encoding="utf-8"))
    told, tally = check(EXAMPLES / "contacts.csv", document, key=["email"])
    assert (tally.rows, tally.failed) == (truth["total"], truth["failed"])
    found: dict[int, set[tuple[str | None, str]]] = {}
    for row, _, field, code, _ in told:
        found.setdefault(row, set()).add((field, code))
    for bad in truth["bad_rows"]:
        seen = found.pop(bad["row"])
        assert len(seen) == len(bad["errors"])
        for error in bad["errors"]:
            assert seen & {(error["field"], code) for code in error["codes"]}, bad
    assert not found


# ------------------------------------------------------------------------------------- inferring


@pytest.mark.parametrize("name", ["airports", "seattle-weather"])
def test_a_clean_file_is_fine_by_the_schema_it_proposes(name: str) -> None:
    path = EXAMPLES / name / "data.csv"
    inferred = infer(open_table(path, {}))
    told, tally = check(path, inferred.proposal.document)
    assert (told, inferred.broken) == ([], 0)
    assert tally.rows == inferred.proposal.rows > 0


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("orders.csv", "orders"),
        ("Kunden (März).CSV.gz", "kunden_marz"),
        ("2024.05.orders.xlsx", "2024.05.orders"),
        ("数据.csv", "records"),
        (".csv", "csv"),
        ("-_-", "records"),
        ("x" * 100 + ".csv", "x" * 63),
    ],
)
def test_a_record_type_is_named_after_its_file(file: str, name: str) -> None:
    assert type_name(file, suffixes()) == name
