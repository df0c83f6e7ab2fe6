"""Batches that load at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

from rowport.model.ids import new_uuid
from rowport.model.table_schema import Field, FieldType

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from tests.integration.conftest import Loaded, Managed

    from rowport.model.record_types import RecordType

LOADERS = 4
KEYS = 300


@pytest.fixture
def record_type(managed: Managed, make_people: Callable[..., RecordType]) -> RecordType:
    """People with an e-mail as their key."""
    fields = (Field(name="email"), Field(name="age", type=FieldType.INTEGER))
    return managed.prepare(make_people(*fields, key=("email",)))


def load_at_once(
    managed: Managed,
    record_type: RecordType,
    batches: list[tuple[UUID, int, list[dict[str, Any]]]],
) -> list[Loaded]:
    """Load batches (import, first row, rows) from connections of their own, all at once."""
    start = Barrier(len(batches))

    def one(batch: tuple[UUID, int, list[dict[str, Any]]]) -> Loaded:
        import_id, first_row, rows = batch
        loader = managed.another()
        with loader.connection:
            start.wait()
            return loader.load(record_type, rows, import_id=import_id, first_row=first_row)

    with ThreadPoolExecutor(len(batches)) as pool:
        return list(pool.map(one, batches))


def some_rows(loader: int) -> list[dict[str, Any]]:
    """Give the same keys to all loaders, each in another order, so that they can deadlock."""
    turned = [*range(KEYS)][:: 1 if loader % 2 else -1]
    return [{"email": f"e{number}", "age": loader} for number in turned]


def test_overlapping_imports_neither_fail_nor_double(
    managed: Managed, record_type: RecordType
) -> None:
    batches = [(new_uuid(), 1, some_rows(loader)) for loader in range(LOADERS)]
    told = load_at_once(managed, record_type, batches)
    words = [word for loaded in told for word in loaded.outcomes]
    assert words.count("created") == KEYS
    assert words.count("updated") == KEYS * (LOADERS - 1)
    assert managed.sql("SELECT count(*), count(DISTINCT email) FROM rowport_test.people") == [
        (KEYS, KEYS)
    ]


def test_overlapping_chunks_of_one_import_load_each_key_once(
    managed: Managed, record_type: RecordType
) -> None:
    import_id = new_uuid()
    batches = [(import_id, 1 + loader * KEYS, some_rows(loader)) for loader in range(LOADERS)]
    told = load_at_once(managed, record_type, batches)
    words = [word for loaded in told for word in loaded.outcomes]
    assert words.count("created") == KEYS
    assert {code for loaded in told for code in loaded.codes.values()} == {"unique-error"}
    assert words.count("failed") == KEYS * (LOADERS - 1)


def test_concurrent_updates_of_the_same_records_all_succeed(
    managed: Managed, record_type: RecordType
) -> None:
    managed.load(record_type, some_rows(99))
    batches = [(new_uuid(), 1, some_rows(loader)) for loader in range(LOADERS)]
    told = load_at_once(managed, record_type, batches)
    assert {word for loaded in told for word in loaded.outcomes} == {"updated"}
    # Each loader saw what the one before it wrote: no update was lost.
    seen = [loaded.before[0]["age"] for loaded in told]
    assert len(set(seen)) == LOADERS


def test_concurrent_updates_by_chunks_of_one_import_update_each_record_once(
    managed: Managed, record_type: RecordType
) -> None:
    managed.load(record_type, some_rows(99))
    import_id = new_uuid()
    batches = [(import_id, 1 + loader * KEYS, some_rows(loader)) for loader in range(LOADERS)]
    told = load_at_once(managed, record_type, batches)
    words = [word for loaded in told for word in loaded.outcomes]
    assert words.count("updated") == KEYS
    assert words.count("failed") == KEYS * (LOADERS - 1)


def test_prepares_at_the_same_time_make_one_table(
    managed: Managed, make_people: Callable[..., RecordType]
) -> None:
    record_type = make_people(Field(name="email"), key=("email",))
    start = Barrier(LOADERS)

    def one(_: int) -> RecordType:
        loader = managed.another()
        with loader.connection:
            start.wait()
            return loader.prepare(record_type)

    with ThreadPoolExecutor(LOADERS) as pool:
        assert len(list(pool.map(one, range(LOADERS)))) == LOADERS
    assert managed.load(record_type, [{"email": "a"}]).outcomes == ["created"]
