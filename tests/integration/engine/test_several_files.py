"""An import of several files: rows are numbered through all of them."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from rowport.model.ids import new_uuid
from rowport.model.imports import ImportOptions
from rowport.model.states import ImportState, Phase
from rowport.ports.ledger import NewFile

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Engine

    from rowport.model.imports import Import

CSV = "email,name,age\n" + "".join(f"a{n}@x,Ann {n},{n}\n" for n in range(10))
TURNED = "age,email,name\n" + "".join(f"{n},b{n}@x,Bob {n}\n" for n in range(8)) + "old,b9@x,Bo\n"


def jsonl(count: int) -> bytes:
    rows = [{"name": f"Cid {n}", "email": f"c{n}@x", "age": n} for n in range(count)]
    return "\n".join(map(json.dumps, rows)).encode()


def parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"age": [1, 2], "name": ["Dan", "Dora"], "email": ["d@x", None]}), out)
    return out.getvalue()


def landed(engine: Engine, *files: tuple[str, bytes], **options: Any) -> Import:  # noqa: ANN401  ImportOptions'
    rowport = engine.rowport
    found, import_id = [], new_uuid()
    for place, (name, content) in enumerate(files, start=1):
        blob = f"imports/{import_id}/{place}"
        size, sha256 = rowport.services.imports.blobs.write(blob, iter([content]))
        found.append(NewFile(name=name, media_type=None, size_bytes=size, sha256=sha256, blob=blob))
    ledger = rowport.services.imports.ledger
    record_type = rowport.services.record_types.get(rowport.organization.id, "people")
    with ledger.database.tenant(rowport.organization.id) as tx:
        ledger.imports.create(
            tx,
            record_type,
            import_id=import_id,
            options=ImportOptions(**options),
            state=ImportState.READING,
            phase=Phase.READING,
            files=found,
        )
    return rowport.services.imports.get(rowport.organization.id, import_id)


def test_rows_of_all_files_load_whatever_the_order_of_their_columns(engine: Engine) -> None:
    engine.put()
    done = engine.work(
        landed(
            engine,
            ("a.csv", CSV.encode()),
            ("b.csv", TURNED.encode()),
            ("c.jsonl", jsonl(9)),
            ("d.parquet", parquet()),
        )
    )
    assert done.state is ImportState.COMPLETED, done.error
    assert (done.counts.total, done.counts.created, done.counts.failed) == (30, 28, 2)
    rows = engine.rows(done)
    assert [row.row for row in rows] == list(range(1, 31))
    failed = [row for row in rows if row.errors]
    assert [(row.row, row.errors[0].field) for row in failed] == [(19, "age"), (30, "email")]
    assert failed[0].raw == ("b9@x", "Bo", "old")
    people = engine.people()
    assert ("b3@x", "Bob 3", 3) in people
    assert ("c8@x", "Cid 8", 8) in people
    assert ("d@x", "Dan", 1) in people


def test_keys_are_unique_over_all_files(engine: Engine) -> None:
    engine.put()
    again = landed(engine, ("a.csv", CSV.encode()), ("again.csv", CSV.encode()))
    done = engine.work(again)
    assert (done.counts.created, done.counts.failed) == (10, 10)


def test_failed_rows_of_all_files_come_back_mended(engine: Engine) -> None:
    engine.put()
    done = engine.work(landed(engine, ("a.csv", CSV.encode()), ("b.csv", TURNED.encode())))
    mended = engine.failed_rows(done).decode().replace("old", "77")
    done = engine.work(engine.fix(done, mended))
    assert (done.counts.created, done.counts.failed) == (19, 0)
    assert ("b9@x", "Bo", 77) in engine.people()


def test_a_file_with_other_columns_is_refused_by_name(engine: Engine) -> None:
    engine.put()
    other = b"email,name,years\nx@x,X,1\n"
    done = engine.work(landed(engine, ("a.csv", CSV.encode()), ("b.csv", other)))
    assert done.state is ImportState.FAILED
    assert done.error is not None
    for word in ("b.csv", "a.csv", "lacks age", "has years too"):
        assert word in done.error.message


def test_an_import_of_several_files_can_wait_for_its_mapping(engine: Engine) -> None:
    engine.put()
    files = [("a.csv", b"mail,name\na@x,A\n"), ("b.csv", b"name,mail\nB,b@x\n")]
    waiting = engine.plan(landed(engine, *files, waits_for_mapping=True))
    assert waiting.state is ImportState.NEEDS_MAPPING
    services, organization_id = engine.rowport.services, engine.rowport.organization.id
    services.preparing.set_mapping(organization_id, waiting.id, {"mail": "email"})
    services.preparing.start(organization_id, waiting.id)
    done = engine.work(engine.get(waiting))
    assert done.state is ImportState.COMPLETED
    assert [person[:2] for person in engine.people()] == [("a@x", "A"), ("b@x", "B")]
