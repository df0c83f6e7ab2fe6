"""A schema is proposed from the whole file, with its evidence, and loses nothing."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rowport.engine import schema_document
from rowport.engine.infer import Inference, field_names
from rowport.engine.validation import Validator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rowport.engine.infer import Proposal


def infer(*chunks: Sequence[str | None], header: str = "a") -> Proposal:
    inference = Inference([header])
    for chunk in chunks:
        inference.add(pa.table({"0": pa.array(chunk, pa.string())}))
    return inference.propose()


def described(cells: list[str]) -> dict[str, Any]:
    field: dict[str, Any] = dict(infer(list(cells) * 20).document["fields"][0])
    for known in ("name", "constraints"):
        field.pop(known, None)
    return field


@pytest.mark.parametrize(
    ("cells", "field"),
    [
        (["1", "-20", "0"], {"type": "integer"}),
        (["00835", "12345"], {"type": "string"}),
        (["+49 30 1", "+49 30 2"], {"type": "string"}),
        (["1234567890123456789012"], {"type": "number"}),
        (["1.5", "2", "1e-05"], {"type": "number"}),
        (["1,5", "2,25"], {"type": "number", "decimalChar": ","}),
        (["1,234", "999"], {"type": "integer", "groupChar": ","}),
        (["1,234.5", "999"], {"type": "number", "groupChar": ",", "decimalChar": "."}),
        (["1.234,5", "999"], {"type": "number", "groupChar": ".", "decimalChar": ","}),
        (["yes", "No"], {"type": "boolean", "trueValues": ["yes"], "falseValues": ["No"]}),
        (["1", "0"], {"type": "integer"}),
        (["2024-02-29", "2023-12-31"], {"type": "date"}),
        (["31/12/2023", "01/02/2023"], {"type": "date", "format": "%d/%m/%Y"}),
        (["12/31/2023", "01/02/2023"], {"type": "date", "format": "%m/%d/%Y"}),
        (["5 Mar 2024"], {"type": "date", "format": "%d %b %Y"}),
        (["2024-02-29T10:00:00Z"], {"type": "datetime"}),
        (["2024-02-29 10:00:00"], {"type": "datetime", "format": "%Y-%m-%d %H:%M:%S"}),
        (["2/29/2024 9:05 PM"], {"type": "datetime", "format": "%m/%d/%Y %I:%M %p"}),
        (["10:00:00"], {"type": "time"}),
        (["10:30"], {"type": "time", "format": "%H:%M"}),
        (["2024-02"], {"type": "yearmonth"}),
        (["a@example.com"], {"type": "string", "format": "email", "semantic": "email"}),
        (["a@intranet.local"], {"type": "string", "format": "email"}),
        (["https://example.com/x"], {"type": "string", "format": "uri", "semantic": "url"}),
        (["ftp://example.com/x"], {"type": "string", "format": "uri"}),
        (
            ["95ecc380-afe9-11e4-9b6c-751b66dd541e"],
            {"type": "string", "format": "uuid", "semantic": "uuid"},
        ),
        (["+49 30 901820", "+1 (212) 555-2368"], {"type": "string", "semantic": "phone"}),
        (["DE89370400440532013000"], {"type": "string", "semantic": "iban"}),
        (["DE89370400440532013001"], {"type": "string"}),
        (["Germany", "France", "Deutschland", "日本"], {"type": "string"}),
        (["Germany", "France", "Italy", "日本"], {"type": "string", "semantic": "country"}),
        (["Germany", "France", "Italy", "Congo"], {"type": "string"}),
        (["DE", "FR", "IT", "CA"], {"type": "string"}),
        (["EUR", "USD", "GBP"], {"type": "string", "semantic": "currency"}),
        (["ALL", "TOP"], {"type": "string"}),
        (
            ["Germany", "France", "Italy", "-"],
            {"type": "string", "semantic": "country", "missingValues": ["", "-"]},
        ),
        (['{"a": 1}', "{}"], {"type": "object"}),
        (["[1]", "[]"], {"type": "array"}),
        (["red", "Berlin"], {"type": "string"}),
        (["", ""], {"type": "string"}),
        (["1", "NA"], {"type": "integer", "missingValues": ["", "NA"]}),
    ],
)
def test_a_column_is_read_as_the_best_type_that_loses_nothing(
    cells: list[str], field: dict[str, Any]
) -> None:
    assert described(cells) == field


@pytest.mark.parametrize(
    ("header", "cells", "semantic"),
    [
        ("Country code", ["DE", "FR", "NA"], "country"),
        ("Land", ["Deutschland", "Italien"], "country"),
        ("Customer country", ["Congo", "DE"], None),
        ("State", ["CA", "GA", "PA"], None),
        ("Currency", ["$"], None),
        ("Währung", ["Euro", "CHF"], "currency"),
    ],
)
def test_a_header_that_says_so_lets_codes_and_other_languages_count(
    header: str, cells: list[str], semantic: str | None
) -> None:
    proposal = infer(cells * 20, header=header)
    field = proposal.document["fields"][0]
    assert field.get("semantic") == semantic
    assert proposal.fields[0].fits == 20 * len(cells)
    assert ("enum" in field["constraints"]) == (semantic is None)


def test_a_few_cells_that_do_not_mean_it_are_named() -> None:
    phones = [f"+49 30 9018{number:02}" for number in range(99)]
    (evidence,) = infer([*phones, "+49 1"]).fields
    assert (evidence.fits, evidence.misfits) == (99, ("+49 1",))


def test_dates_in_several_formats_get_the_date_transform() -> None:
    field = described(["2024-02-29", "29.02.2024", "29 Feb 2024", "2023-01-01"])
    (step,) = field["transforms"]
    assert set(step["date"]["formats"]) == {"default", "%d.%m.%Y", "%d %b %Y"}


def test_a_date_that_could_be_another_names_the_alternative() -> None:
    (evidence,) = infer(["01/02/2023"] * 30).fields
    assert evidence.alternatives == ("date %m/%d/%Y",)


def test_a_few_cells_that_do_not_fit_are_named_and_do_not_hide_the_type() -> None:
    proposal = infer(["5"] * 990 + ["five"] * 10)
    (evidence,) = proposal.fields
    assert proposal.document["fields"][0]["type"] == "integer"
    assert (evidence.filled, evidence.fits, evidence.misfits) == (1000, 990, ("five",))


def test_too_many_cells_that_do_not_fit_make_it_text() -> None:
    assert infer(["5"] * 90 + ["five"] * 10).document["fields"][0]["type"] == "string"


def test_the_whole_file_counts_not_its_beginning() -> None:
    proposal = infer(["1"] * 5000, ["x"] * 5000)
    assert proposal.document["fields"][0]["type"] == "string"
    late = infer([""] * 5000, ["2024-01-01"] * 10)
    assert late.document["fields"][0] == {"name": "a", "type": "date"}


def test_columns_without_an_empty_cell_are_required_and_few_values_are_an_enum() -> None:
    (field,) = infer(["x", "y"] * 10).document["fields"]
    assert field["constraints"] == {"required": True, "enum": ["x", "y"]}
    (gappy,) = infer(["x", "y", None] * 10).document["fields"]
    assert gappy["constraints"] == {"enum": ["x", "y"]}


def test_a_unique_column_that_is_called_like_a_key_is_the_key() -> None:
    inference = Inference(["Name", "Outlet ID"])
    for first in (0, 50):
        names = [f"n{i}" for i in range(first, first + 50)]
        keys = [f"k{i}" for i in range(first, first + 50)]
        inference.add(pa.table({"0": names, "1": keys}))
    assert inference.propose().document["primaryKey"] == ["outlet_id"]


def test_a_column_whose_values_repeat_in_another_chunk_is_no_key() -> None:
    proposal = infer(["a", "b"], ["c", "a"], header="id")
    assert "primaryKey" not in proposal.document
    assert proposal.fields[0].repeats == 1


def test_field_names_are_plain_and_differ() -> None:
    header = ["Outlet No.", "outlet-no", "", "Größe (cm)", "名前"]
    assert field_names(header) == ["outlet_no", "outlet_no_2", "column_3", "grösse_cm", "名前"]


def test_the_header_stays_as_title() -> None:
    assert infer(["x"], header="Outlet No.").document["fields"][0]["title"] == "Outlet No."


MEANING = [
    st.sampled_from(["Germany", "France", "Italy", "NA", "-"]),
    st.sampled_from(["EUR", "USD", "GBP"]),
    st.sampled_from(["a@example.org", "b@example.org", "c@x.local"]),
    st.sampled_from(["+49 30 901820", "+12125552368", "+49 1"]),
]
CELLS = st.one_of(
    st.sampled_from(["", "1", "0", "-5", "1,5", "yes", "no", "2024-01-31", "31/01/2024", "NA"]),
    st.text(max_size=6).filter(lambda text: "\0" not in text and text.isprintable()),
    st.decimals(allow_nan=False, allow_infinity=False, places=2).map(str),
    st.dates().map(str),
    st.datetimes().map(lambda moment: moment.strftime("%d/%m/%Y %H:%M")),
)


@settings(max_examples=80, deadline=None)
@given(
    st.one_of([st.lists(cells, min_size=1, max_size=40) for cells in (CELLS, *MEANING)]),
    st.integers(0, 1),
)
def test_the_proposal_is_a_schema_that_reads_the_file_as_its_evidence_says(
    cells: list[str], copies: int
) -> None:
    column = cells * (1 + copies * 60)
    random.Random(1).shuffle(column)  # noqa: S311  any order
    proposal = infer(column[:70], column[70:])
    schema = schema_document.parse(proposal.document)
    rows = pa.array(range(len(column)), pa.int64())
    found = Validator(schema, ["a"]).run(pa.table({"a": pa.array(column, pa.string())}), rows)
    (evidence,) = proposal.fields
    known = sum(cell in (schema.fields[0].missing_values or ()) and cell != "" for cell in column)
    assert found.errors.num_rows == evidence.filled - evidence.fits - known
