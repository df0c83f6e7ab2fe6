"""Records that earlier rows left as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rowport.engine.met import MetRecords
from rowport.model.ids import new_uuid, record_id

if TYPE_CHECKING:
    from uuid import UUID

IMPORTS = [new_uuid(), new_uuid()]
ours = st.builds(record_id, st.sampled_from(IMPORTS), st.integers(0, 50))
foreign = st.uuids()
ids = st.lists(st.one_of(ours, foreign), max_size=40)


def matrix(uuids: list[UUID]) -> np.ndarray:
    return np.frombuffer(b"".join(u.bytes for u in uuids), np.uint8).reshape(-1, 16)


@given(st.lists(ids, max_size=6), ids)
def test_it_remembers_exactly_what_was_added(added: list[list[UUID]], asked: list[UUID]) -> None:
    met = MetRecords()
    for batch in added:
        met.add(matrix(batch))
    known = {u for batch in added for u in batch}
    assert met(matrix(asked)).tolist() == [u in known for u in asked]


def test_an_id_with_an_unknown_prefix_is_not_taken_for_a_known_row() -> None:
    met = MetRecords()
    met.add(matrix([record_id(IMPORTS[0], 7)]))
    assert not met(matrix([record_id(IMPORTS[1], 7)])).any()
