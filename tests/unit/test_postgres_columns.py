"""Names of columns, and the ids of records."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowport.destinations.postgres.columns import SQL_TYPES, column_name
from rowport.destinations.postgres.twins import first_of_key
from rowport.engine.record_ids import record_id_bytes, record_ids
from rowport.model.ids import new_uuid, record_id
from rowport.model.table_schema import FieldType

ROWS = st.integers(min_value=0, max_value=2**40 - 1)
SYSTEM_ATTRIBUTES = ["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"]
KEYS = st.lists(st.tuples(st.sampled_from(["a", "b", "", None]), st.sampled_from([0, 1, None])))


def test_every_type_of_the_standard_has_a_column_type() -> None:
    assert set(SQL_TYPES) == set(FieldType)


@given(name=st.text(min_size=1).filter(lambda name: name not in SYSTEM_ATTRIBUTES))
def test_a_column_is_named_like_its_field_unless_postgresql_would_cut_it(name: str) -> None:
    column = column_name(name)
    assert len(column.encode()) <= 63
    if len(name.encode()) <= 63:
        assert column == name


def test_long_names_with_the_same_beginning_stay_apart() -> None:
    assert column_name("é" * 40 + "a") != column_name("é" * 40 + "b")


@pytest.mark.parametrize("name", SYSTEM_ATTRIBUTES)
def test_columns_that_every_table_has_get_another_name(name: str) -> None:
    assert column_name(name).startswith(f"{name}_")


@given(rows=st.lists(ROWS))
def test_ids_of_a_batch_are_those_of_its_rows(rows: list[int]) -> None:
    import_id = new_uuid()
    ids = record_ids(import_id, pa.array(rows, pa.int64()))
    assert ids.to_pylist() == [record_id(import_id, row).bytes for row in rows]


@pytest.mark.parametrize("row", [-1, 2**40])
def test_a_row_number_that_an_id_cannot_hold_is_an_error(row: int) -> None:
    with pytest.raises(OverflowError, match="Row numbers"):
        record_id_bytes(new_uuid(), np.array([row]))


@given(keys=KEYS)
def test_the_first_row_of_each_key_is_found_by_real_values(
    keys: list[tuple[str | None, int | None]],
) -> None:
    columns = [[key[0] for key in keys], [key[1] for key in keys]]
    table = pa.table(
        {"x": pa.array(columns[0], pa.string()), "y": pa.array(columns[1], pa.int64())}
    )
    expected = [at if None in key else keys.index(key) for at, key in enumerate(keys)]
    assert first_of_key(table).tolist() == expected
