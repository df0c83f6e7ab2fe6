"""The field cases of the reference implementation come out as there, or differ for a reason.

The reasons stand in docs/validation.md under the same words.  Origin and licence of the cases:
tests/data/table-schema/README.md.
"""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pytest

from rowport.engine import schema_document
from rowport.engine.validation import Validator
from rowport.model.errors import InvalidSchema

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT: Final = Path(__file__).parents[2]
CASES: Final = json.loads((ROOT / "tests/data/table-schema/field_read_cases.json").read_text())
REFUSED: Final = "refused schema"
DIFFERENCES: Final[dict[str, Callable[[dict[str, Any]], bool]]] = {
    "format any is refused": lambda case: case["format"] == "any",
    "a time has no offset": lambda case: case["type"] == "time" and case["source"][8:] != "",
    "wkt is no format of the standard": lambda case: case["format"] == "wkt",
}


def read(case: dict[str, Any]) -> object:
    """Read the cell of a case; None where it has no value or an error."""
    field = {"name": "name", "type": case["type"], "format": case["format"], **case["options"]}
    try:
        schema = schema_document.parse({"fields": [field]})
    except InvalidSchema:
        return REFUSED
    cells = pa.table({"name": pa.array([case["source"]], pa.string())})
    found = Validator(schema, ["name"]).run(cells, pa.array([1], pa.int64()))
    return found.rows["name"][0].as_py() if found.rows.num_rows else None


WRITTEN: Final[dict[str, Callable[[Any], object]]] = {
    "object": json.loads,
    "array": json.loads,
    "geojson": json.loads,
    "geopoint": lambda value: [int(part) for part in value.split(",")],
    "yearmonth": lambda value: [int(part) for part in value.split("-")],
    "duration": lambda _: "as written",
    "datetime": datetime.isoformat,
    "date": str,
    "time": str,
}


def written(case: dict[str, Any], value: object) -> object:
    """Write a value as the cases do."""
    if value in {None, REFUSED}:
        return value
    write = WRITTEN.get(case["type"])
    return value if write is None else write(value)


@pytest.mark.parametrize("case", CASES["read"], ids=lambda case: f"{case['type']}-{case['source']}")
def test_a_cell_is_read_as_the_reference_does_or_differs_for_a_reason(case: dict[str, Any]) -> None:
    target: object = case["target"]
    if isinstance(target, str) and case["type"] == "number":
        target = Decimal(target)
    reasons = [reason for reason, applies in DIFFERENCES.items() if applies(case)]
    got = written(case, read(case))
    if got == REFUSED and target is None:
        got = None  # a schema that is refused reads no cell
    assert got == target or reasons


@pytest.mark.parametrize("case", CASES["constraints"], ids=str)
def test_a_constraint_is_for_the_types_of_the_standard(case: dict[str, Any]) -> None:
    field = {"name": "field", "type": case["type"], "constraints": case["constraints"]}
    try:
        schema_document.parse({"fields": [field]})
    except InvalidSchema:
        assert not case["valid"]
    else:
        assert case["valid"]


def test_bounds_of_durations_are_for_durations() -> None:
    document = {"fields": [{"name": "a", "type": "duration", "constraints": {"minimum": "P1D"}}]}
    assert schema_document.parse(document).fields[0].constraints.minimum == "P1D"


@pytest.mark.parametrize("reason", DIFFERENCES)
def test_each_reason_is_documented(reason: str) -> None:
    assert reason in (ROOT / "docs/validation.md").read_text()
