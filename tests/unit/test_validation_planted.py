"""Errors that are planted are found, all of them and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from rowport.engine import schema_document
from rowport.engine.validation import Validator

OUTLETS = schema_document.parse(
    {
        "fields": [
            {"name": "id", "type": "string", "constraints": {"pattern": "OUT-[0-9]{4}"}},
            {"name": "active", "type": "boolean", "trueValues": ["yes"], "falseValues": ["no"]},
            {"name": "opened", "type": "date", "format": "%d/%m/%Y"},
            {
                "name": "credit",
                "type": "number",
                "decimalChar": ",",
                "groupChar": ".",
                "constraints": {"minimum": 0},
            },
            {"name": "staff", "type": "integer", "constraints": {"maximum": 5000}},
            {"name": "email", "type": "string", "format": "email"},
            {"name": "seen", "type": "datetime", "constraints": {"required": True}},
        ],
        "missingValues": ["", "NA"],
        "primaryKey": "id",
    }
)

GOOD = {
    "id": ["OUT-0001", "OUT-9999"],
    "active": ["yes", "no", "", "NA"],
    "opened": ["29/02/2024", "1/2/1999", ""],
    "credit": ["0", "1.234,56", "12,5", " 7 ", ""],
    "staff": ["0", "+12", "5000", "NA"],
    "email": ["a@example.com", ""],
    "seen": ["2024-01-01T00:00:00Z", "2024-01-01T00:00:00.5+01:00"],
}
BAD = {
    "id": [("", "primary-key"), ("OUT-1", "constraint-error"), ("xOUT-0001", "constraint-error")],
    "active": [("Yes", "type-error"), ("1", "type-error")],
    "opened": [("29/02/2023", "type-error"), ("01/02/24", "type-error"), ("?", "type-error")],
    "credit": [("-1", "constraint-error"), ("1,2,3", "type-error"), ("NaN", "type-error")],
    "staff": [("5001", "constraint-error"), ("1.0", "type-error"), ("1\0", "nul-character")],
    "email": [("a b@c.com", "type-error")],
    "seen": [("NA", "constraint-error"), ("2024-02-30T00:00:00Z", "type-error")],
}


@dataclass(frozen=True, slots=True)
class Row:
    cells: dict[str, str]
    planted: dict[str, str]


@st.composite
def planted_rows(draw: st.DrawFn) -> Row:
    cells = {name: draw(st.sampled_from(values)) for name, values in GOOD.items()}
    planted = {}
    for name in draw(st.sets(st.sampled_from(list(BAD)), max_size=3)):
        cells[name], planted[name] = draw(st.sampled_from(BAD[name]))
    return Row(cells, planted)


@given(st.lists(planted_rows(), max_size=30), st.integers(1, 10**9))
def test_all_planted_errors_are_found_and_none_besides(rows: list[Row], first: int) -> None:
    names = list(GOOD)
    cells = pa.table(
        {name: pa.array([row.cells[name] for row in rows], pa.string()) for name in names}
    )
    found = Validator(OUTLETS, names).run(
        cells, pa.array(range(first, first + len(rows)), pa.int64())
    )
    told = [(e["row"], e["field"], e["code"]) for e in found.errors.to_pylist()]
    wanted = [
        (number, name, row.planted[name])
        for number, row in enumerate(rows, start=first)
        for name in names
        if name in row.planted
    ]
    assert told == wanted
    assert found.row.to_pylist() == [
        number for number, row in enumerate(rows, start=first) if not row.planted
    ]
    assert found.rows.num_rows == len(found.row)
