"""What every destination owes, whatever it is made of."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import Barrier
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rowport.destinations import discover
from rowport.engine.journal import AUTHOR, AUTHOR_ROW, MARK
from rowport.engine.tables import ERRORS_SCHEMA
from rowport.model.ids import new_oid, new_uuid, record_id
from rowport.model.imports import Mode, OnMatch
from rowport.model.outcomes import Outcome, RowErrorCode
from rowport.model.record_types import RecordType
from rowport.model.table_schema import Field, FieldType, TableSchema
from rowport.ports import Destination, LoadBatch, LoadResult
from rowport.store.embedded.client import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerTransaction:
    """A transaction of the ledger's database."""

    connection: psycopg.Connection[Any]

    def savepoint(self) -> AbstractContextManager[object]:
        """Open a savepoint."""
        return self.connection.transaction()


class Place:
    """A destination, the ledger beside it, and a record type of its own."""

    def __init__(self, kind: str, url: str) -> None:
        self.destination: Destination = discover()[kind]
        self._url = url
        now = datetime.now(UTC)
        self.record_type = RecordType(
            id=new_uuid(),
            oid=new_oid(),
            organization_id=new_uuid(),
            name="things",
            version=1,
            schema=TableSchema(fields=(Field(name="k"), Field(name="v", type=FieldType.INTEGER))),
            key=("k",),
            table_schema=f"things_{new_oid()}",
            table_name="things",
            created_at=now,
            updated_at=now,
        )

    @contextmanager
    def transaction(self) -> Iterator[LedgerTransaction]:
        """Open a transaction of the ledger; it commits unless the block raises."""
        with psycopg.connect(self._url) as connection:
            yield LedgerTransaction(connection=connection)

    def batch(self, rows: list[tuple[str | None, int]]) -> LoadBatch:
        """Make a batch of (k, v), rows numbered from 1."""
        return LoadBatch(
            import_id=new_uuid(),
            rows=pa.table(
                {
                    "k": pa.array([k for k, _ in rows], pa.string()),
                    "v": pa.array([v for _, v in rows], pa.int64()),
                }
            ),
            row=pa.array(range(1, len(rows) + 1), pa.int64()),
            key=self.record_type.key,
            mode=Mode.UPSERT,
            on_match=OnMatch.UPDATE,
        )

    def load(self, rows: list[tuple[str | None, int]], **changes: Any) -> LoadResult:  # noqa: ANN401  of a LoadBatch
        """Load (k, v) as one batch in a transaction of its own."""
        batch = replace(self.batch(rows), **changes)
        with self.transaction() as tx:
            return self.destination.load(tx, self.record_type, batch)


class Undone(Exception):
    """The caller changed its mind."""


@pytest.fixture(scope="session")
def ledger_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of the ledger's database."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("ledger")) as server:
        yield server.url()


def _in_the_ledger(kind: str, url: str) -> Place:
    return Place(kind, url)


FACTORIES: dict[str, Callable[[str, str], Place]] = {"postgres": _in_the_ledger}
"""How the tests get at each destination; one that is not here fails its conformance."""


@pytest.fixture(params=sorted(discover()))
def place(request: pytest.FixtureRequest, ledger_url: str) -> Place:
    """A prepared, empty place."""
    made = FACTORIES[request.param](request.param, ledger_url)
    with made.transaction() as tx:
        made.destination.prepare(tx, made.record_type)
    return made


def words(result: LoadResult) -> list[str]:
    return [Outcome(word).word for word in result.outcome.to_pylist()]


def check_whole(result: LoadResult, rows: list[int]) -> None:
    """Check that each row has exactly one fate and the shapes are those of the port."""
    assert result.outcome.type == pa.uint8()
    assert result.record_id.type == pa.binary(16)
    assert len(result.outcome) == len(result.record_id) == len(rows)
    assert Outcome.PENDING not in result.outcome.to_pylist()
    assert result.errors.schema == ERRORS_SCHEMA
    failed = [row for row, word in zip(rows, words(result), strict=True) if word == "failed"]
    assert sorted(set(result.errors["row"].to_pylist())) == failed
    assert result.errors["row"].to_pylist() == sorted(result.errors["row"].to_pylist())
    assert set(result.errors["code"].to_pylist()) <= set(RowErrorCode)
    lost = [at for at, value in enumerate(result.record_id.to_pylist()) if value is None]
    assert [rows[at] for at in lost] == failed
    updated = [row for row, word in zip(rows, words(result), strict=True) if word == "updated"]
    assert (result.before is None) is (not updated)
    if result.before is not None:
        assert result.before["row"].to_pylist() == updated


def test_a_destination_is_found_by_its_kind() -> None:
    assert all(found.kind == kind for kind, found in discover().items())
    assert discover()


def test_preparing_is_repeatable(place: Place) -> None:
    for _ in range(2):
        with place.transaction() as tx:
            place.destination.prepare(tx, place.record_type)
    assert words(place.load([("a", 1)])) == ["created"]


def test_a_new_record_has_the_id_made_of_its_import_and_row(place: Place) -> None:
    import_id = new_uuid()
    result = place.load([("a", 1), ("b", 2)], import_id=import_id, row=pa.array([5, 9]))
    ids = [UUID(bytes=value) for value in result.record_id.to_pylist()]
    assert ids == [record_id(import_id, 5), record_id(import_id, 9)]


def test_a_record_keeps_its_id_when_another_import_meets_it(place: Place) -> None:
    author = new_uuid()
    first = place.load([("a", 1), ("b", 2)], import_id=author)
    again = place.load([("b", 3), ("a", 1)])
    assert words(again) == ["updated", "unchanged"]
    assert again.record_id.to_pylist() == first.record_id.to_pylist()[::-1]
    assert again.before is not None
    [image] = again.before.to_pylist()
    [(mark, _)] = first.written_by
    assert [image.pop(name) for name in (AUTHOR, AUTHOR_ROW, MARK)] == [str(author), 2, mark]
    assert image == {"row": 1, "record_id": first.record_id[1].as_py(), "k": "b", "v": 2}


def test_a_key_loaded_by_an_earlier_row_of_the_import_is_a_unique_error(place: Place) -> None:
    import_id = new_uuid()
    place.load([("a", 1)], import_id=import_id)
    result = place.load(
        [("a", 2), ("b", 1), ("b", 2)], import_id=import_id, row=pa.array([2, 3, 4])
    )
    assert words(result) == ["failed", "created", "failed"]
    assert result.errors["code"].to_pylist() == ["unique-error", "unique-error"]
    assert words(place.load([("a", 1), ("b", 1)])) == ["unchanged", "unchanged"]


def test_records_are_read_back_in_pages_and_alone(place: Place) -> None:
    import_id = new_uuid()
    place.load([*((f"k{n}", n) for n in range(4)), ("last", 2**53 + 1)], import_id=import_id)
    with place.transaction() as tx:
        first = place.destination.records(tx, place.record_type, after=None, limit=3)
        rest = place.destination.records(tx, place.record_type, after=first[-1].id, limit=3)
        one = place.destination.record(tx, place.record_type, record_id(import_id, 5))
        none = place.destination.record(tx, place.record_type, new_uuid())
    assert [each.row for each in (*first, *rest)] == [1, 2, 3, 4, 5]
    assert one == rest[-1]
    assert one.import_id == import_id
    assert one.values == {"k": '"last"', "v": str(2**53 + 1)}
    assert none is None


def test_a_transaction_that_is_rolled_back_leaves_nothing(place: Place) -> None:
    def load_and_undo() -> None:
        with place.transaction() as tx:
            place.destination.load(tx, place.record_type, place.batch([("a", 1)]))
            raise Undone

    with pytest.raises(Undone):
        load_and_undo()
    assert words(place.load([("a", 1)])) == ["created"]


def test_a_dry_run_tells_what_a_load_then_does(place: Place) -> None:
    place.load([("a", 1), ("b", 2)])
    rows = [("a", 1), ("b", 3), ("c", 1), ("c", 2), (None, 1)]
    told = place.load(rows, mode=Mode.VALIDATE)
    done = place.load(rows)
    assert words(told) == words(done)
    assert told.errors.to_pylist() == done.errors.to_pylist()


def keys(*values: str) -> pa.Table:
    return pa.table({"k": pa.array(values, pa.string())})


def test_records_are_found_by_their_values(place: Place) -> None:
    made = place.load([("a", 1), ("b", 2)]).record_id.to_pylist()
    with place.transaction() as tx:
        found = place.destination.find(tx, place.record_type, keys("b", "x", "a"))
        assert found.type == pa.binary(16)
        assert found.to_pylist() == [made[1], None, made[0]]
        both = pa.table({"v": pa.array([2, 2]), "k": ["b", "a"]})
        found = place.destination.find(tx, place.record_type, both)
        assert found.to_pylist() == [made[1], None]
        assert len(place.destination.find(tx, place.record_type, keys())) == 0


def test_of_several_records_with_the_values_the_oldest_is_found(place: Place) -> None:
    first = place.load([("a", 1)]).record_id.to_pylist()
    place.load([("b", 1)])
    with place.transaction() as tx:
        found = place.destination.find(tx, place.record_type, pa.table({"v": pa.array([1])}))
    assert found.to_pylist() == first


def test_a_record_that_several_loaders_want_is_made_once(place: Place) -> None:
    there = place.load([("b", 2)]).record_id.to_pylist()
    wanted = keys("c", "b", "a", "c")
    start = Barrier(4)

    def ensure(row: int) -> list[bytes]:
        with place.transaction() as tx:
            start.wait()
            place.destination.ensure(
                tx,
                place.record_type,
                wanted,
                import_id=new_uuid(),
                row=pa.array([row] * 4, pa.int64()),
            )
            found: list[bytes] = place.destination.find(tx, place.record_type, wanted).to_pylist()
            return found

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ensure, range(1, 5)))
    assert all(answer == answers[0] for answer in answers)
    [c, b, a, again] = answers[0]
    assert [b] == there
    assert c == again
    assert len({a, b, c}) == 3
    assert words(place.load([("b", 2), ("c", 1), ("a", 1)])) == ["unchanged", "updated", "updated"]


ROWS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", "d", "", None]), st.integers(0, 2)), max_size=12
)
SLOWLY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@SLOWLY
@given(first=ROWS, second=ROWS, mode=st.sampled_from(Mode), on_match=st.sampled_from(OnMatch))
def test_every_row_has_exactly_one_fate_and_it_is_the_right_one(
    place: Place,
    first: list[tuple[str | None, int]],
    second: list[tuple[str | None, int]],
    mode: Mode,
    on_match: OnMatch,
) -> None:
    fresh = replace(place.record_type, table_schema=f"t_{new_oid()}")
    place.record_type = fresh
    with place.transaction() as tx:
        place.destination.prepare(tx, fresh)
    check_whole(place.load(first), [*range(1, len(first) + 1)])
    records: dict[str, int] = {}
    for key, value in first:
        if key is not None:
            records.setdefault(key, value)
    result = place.load(second, mode=mode, on_match=on_match)
    told = words(result)
    if mode is Mode.VALIDATE:
        assert result.before is None
    else:
        check_whole(result, [*range(1, len(second) + 1)])
    assert told == expected(records, second, mode, on_match)


def expected(
    records: dict[str, int], rows: list[tuple[str | None, int]], mode: Mode, on_match: OnMatch
) -> list[str]:
    """Say row by row what the port promises."""
    told: list[str] = []
    seen: set[str] = set()
    for key, value in rows:
        word = "failed"
        if key is not None and key not in seen:
            word = one_fate(records.get(key), value, mode, on_match)
            if word != "failed":
                seen.add(key)
        told.append(word)
    return told


def one_fate(there: int | None, value: int, mode: Mode, on_match: OnMatch) -> str:
    if there is None:
        return "failed" if mode is Mode.UPDATE else "created"
    if mode is Mode.INSERT or on_match is OnMatch.ERROR:
        return "failed"
    if on_match is OnMatch.SKIP:
        return "skipped"
    return "unchanged" if there == value else "updated"
