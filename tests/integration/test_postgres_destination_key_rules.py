"""Key rules of the managed table against a plain model of them."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from tests.integration.conftest import PsycopgTransaction

from rowport.engine import accounting
from rowport.engine.folding import fold
from rowport.engine.met import MetRecords
from rowport.model.ids import new_uuid
from rowport.model.imports import KeyRules, Mode, OnMatch
from rowport.model.outcomes import Outcome
from rowport.model.table_schema import Field
from rowport.ports import LoadBatch, LoadResult

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from tests.integration.conftest import Managed

    from rowport.model.record_types import RecordType

WORDS = ("a", "A", " a", "a\u00a0", "ß", "SS", "ss", "b", "B", "\u212a", "k", "é", "É", None, "")
SCHEMA = pa.schema([("email", pa.large_string())])
CHUNKS = 3


def load(
    managed: Managed, record_type: RecordType, batch: LoadBatch, met: MetRecords
) -> LoadResult:
    """Load a batch in a transaction of its own and remember what it met, as the service does."""
    with managed.connection.transaction():
        tx = PsycopgTransaction(connection=managed.connection)
        result = managed.destination.load(tx, record_type, batch)
    seen = pa.table({"outcome": result.outcome, "record_id": result.record_id})
    met.add(accounting.left_alone(seen))
    return result


@pytest.mark.parametrize("folds", [True, False])
@pytest.mark.parametrize("is_unique", [True, False])
def test_rows_meet_the_records_that_a_plain_model_says(
    managed: Managed,
    make_people: Callable[..., RecordType],
    folds: bool,  # noqa: FBT001  a parameter of a table
    is_unique: bool,  # noqa: FBT001  likewise
) -> None:
    record_type = managed.prepare(
        make_people(Field(name="email"), key=("email",) if is_unique else ())
    )
    rules = KeyRules(
        folds_case=folds, skips_repeats=True, creates_keyless=True, takes_any_field=True
    )
    dice = random.Random(int(folds))  # noqa: S311  the same rows each time
    for _ in range(8):
        managed.sql("TRUNCATE rowport_test.people")
        known: dict[str, bytes] = {}
        for _ in range(CHUNKS):
            import_id, met, row = new_uuid(), MetRecords(), 1
            for _ in range(CHUNKS):
                emails = [dice.choice(WORDS) for _ in range(dice.randint(1, 6))]
                batch = batch_of(emails, import_id, row, met, rules)
                result = load(managed, record_type, batch, met)
                row += len(emails)
                compare(emails, result, known, folds=folds)


def batch_of(
    emails: list[str | None], import_id: UUID, row: int, met: MetRecords, rules: KeyRules
) -> LoadBatch:
    """Give a batch whose first row has this number."""
    return LoadBatch(
        import_id=import_id,
        rows=pa.Table.from_pylist([{"email": email} for email in emails], schema=SCHEMA),
        row=pa.array(range(row, row + len(emails)), pa.int64()),
        key=("email",),
        mode=Mode.UPSERT,
        on_match=OnMatch.SKIP,
        met=met,
        key_rules=rules,
    )


def compare(
    emails: list[str | None], result: LoadResult, known: dict[str, bytes], *, folds: bool
) -> None:
    """See that each row became what the model says; the model learns the new records."""
    for email, outcome, record in zip(
        emails, result.outcome.to_pylist(), result.record_id.to_pylist(), strict=True
    ):
        key = fold(email) if folds and email is not None else email
        if key is not None and key in known:
            assert (outcome, record) == (Outcome.SKIPPED, known[key])
        else:
            assert outcome == Outcome.CREATED
            if key is not None:
                known[key] = record
