"""What rows refer to, told once for each distinct value."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowport.engine.references import (
    NO_RECORD,
    NOTHING,
    id_texts,
    reference_errors,
    referral,
    replaced,
)
from rowport.engine.schema_document import parse
from rowport.model.ids import new_oid, new_uuid
from rowport.model.record_types import RecordType
from rowport.model.references import Reference
from rowport.model.table_schema import Lookup


def companies(**number: object) -> RecordType:
    now = datetime.now(UTC)
    return RecordType(
        id=new_uuid(),
        oid=new_oid(),
        organization_id=new_uuid(),
        name="companies",
        version=1,
        schema=parse({"fields": [{"name": "number", **number}, {"name": "country"}]}),
        key=("number",),
        table_schema="s",
        table_name="t",
        created_at=now,
        updated_at=now,
    )


def foreign(*fields: str) -> Reference:
    by = ("number", "country")[: len(fields)]
    return Reference(fields=fields, target=companies(), by=by)


def looked_up(**number: object) -> Reference:
    lookup = Lookup(type="companies", by="number")
    return Reference(fields=("c",), target=companies(**number), by=("number",), lookup=lookup)


def test_each_distinct_value_is_wanted_once_in_the_order_of_the_rows() -> None:
    rows = pa.table({"c": ["x", None, "y", "x"]})
    wanted = referral(foreign("c")).wanted(rows)
    assert wanted.keys.to_pydict() == {"number": ["x", "y"]}
    assert wanted.group.tolist() == [0, NOTHING, 1, 0]
    assert wanted.first.tolist() == [0, 2]
    assert wanted.at(np.array([False, True])).tolist() == [False, False, True, False]
    assert wanted.refers.tolist() == [True, False, True, True]


def test_a_pair_with_one_half_is_that_of_no_record_and_one_without_refers_to_nothing() -> None:
    rows = pa.table({"a": ["x", None, None, "x"], "b": ["1", "1", None, None]})
    wanted = referral(foreign("a", "b")).wanted(rows)
    assert wanted.keys.to_pydict() == {"number": ["x"], "country": ["1"]}
    assert wanted.group.tolist() == [0, NO_RECORD, NOTHING, NO_RECORD]


def test_the_text_of_a_lookup_is_read_as_the_field_that_it_is_looked_up_by() -> None:
    rows = pa.table({"c": ["7", "x", None, " 07", "8", "-1"]})
    reference = looked_up(type="integer", constraints={"minimum": 0})
    wanted = referral(reference).wanted(rows)
    assert wanted.keys.to_pydict() == {"number": [7, 7, 8]}
    assert wanted.keys["number"].type == pa.int64()
    assert wanted.group.tolist() == [0, NO_RECORD, NOTHING, 1, 2, NO_RECORD]
    assert wanted.first.tolist() == [0, 3, 4]


def test_a_text_that_means_no_value_there_is_that_of_no_record() -> None:
    reference = looked_up(missingValues=["n/a"])
    wanted = referral(reference).wanted(pa.table({"c": ["n/a", "x"]}))
    assert wanted.keys.to_pydict() == {"number": ["x"]}
    assert wanted.group.tolist() == [NO_RECORD, 0]


def test_no_rows_want_nothing() -> None:
    for reference in (foreign("c"), looked_up()):
        wanted = referral(reference).wanted(pa.table({"c": pa.array([], pa.string())}))
        assert (wanted.keys.num_rows, wanted.group.size, wanted.first.size) == (0, 0, 0)


@given(st.lists(st.none() | st.uuids()))
def test_ids_are_written_as_uuids(ids: list[UUID | None]) -> None:
    array = pa.array([None if i is None else i.bytes for i in ids], pa.binary(16))
    assert id_texts(array).to_pylist() == [None if i is None else str(i) for i in ids]


def test_ids_of_a_slice_are_those_of_the_slice() -> None:
    ids = [UUID(int=n) for n in range(4)]
    array = pa.array([i.bytes for i in ids], pa.binary(16)).slice(1, 2)
    assert id_texts(array).to_pylist() == [str(ids[1]), str(ids[2])]


def test_a_lookups_column_takes_the_ids_of_its_rows() -> None:
    rows = pa.table({"a": ["1", "2", "3"], "c": ["x", "y", "z"]})
    filled = replaced(rows, "c", np.array([1, NOTHING, 0]), pa.array(["id0", "id1"]))
    assert filled.to_pydict() == {"a": ["1", "2", "3"], "c": ["id1", None, "id0"]}


@pytest.mark.parametrize("text", [pa.string(), pa.large_string()])
def test_the_error_names_field_cell_and_where_it_was_looked_for(text: pa.DataType) -> None:
    cells = {"c": pa.array(["Acme"], text)}
    errors = reference_errors(foreign("c"), pa.array([4]), cells, earlier=True)
    assert errors.to_pylist() == [
        {
            "row": 4,
            "field": "c",
            "code": "foreign-key",
            "value": "Acme",
            "message": '"Acme" is the number of no record of companies and of no earlier row',
        }
    ]
