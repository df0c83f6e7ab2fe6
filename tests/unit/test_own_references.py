"""Rows that refer to rows before them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from rowport.engine.own_references import NONE, OwnReference, own_reference, settle
from rowport.engine.references import NO_RECORD, NOTHING, Wanted


def naive(
    wants: list[list[int]], has: list[list[int]], refused: list[bool], bears: list[bool]
) -> tuple[list[bool], list[list[int]]]:
    """Go from row to row, as the words say."""
    bad, makers = [], []
    made: list[tuple[int, list[int]]] = []
    for place, row in enumerate(wants):
        chosen = []
        for at, want in enumerate(row):
            fit = [other for other, owns in made if owns[at] == want >= 0]
            own = [place] if has[place][at] == want >= 0 else []
            chosen.append(next(iter([*fit, *own]), NONE))
        lost = [
            want != NOTHING and maker == NONE and not bears[at]
            for at, (want, maker) in enumerate(zip(row, chosen, strict=True))
        ]
        bad.append(any(lost))
        makers.append(chosen)
        if not any(lost) and not refused[place]:
            made.append((place, has[place]))
    return bad, makers


values = st.sampled_from([NOTHING, NO_RECORD, 0, 1, 2, 3])
owned = st.sampled_from([NONE, 0, 1, 2, 3])


@given(
    st.lists(
        st.tuples(st.tuples(values, values), st.tuples(owned, owned), st.booleans()),
        min_size=1,
        max_size=15,
    ),
    st.tuples(st.booleans(), st.booleans()),
)
def test_a_reference_holds_exactly_if_a_good_row_before_it_has_the_value(
    rows: list[tuple[tuple[int, int], tuple[int, int], bool]], bears: tuple[bool, bool]
) -> None:
    wants, has = [[*row[0]] for row in rows], [[*row[1]] for row in rows]
    refused = [row[2] for row in rows]
    told = settle(
        [
            OwnReference(
                wants=np.array([row[at] for row in wants]),
                has=np.array([row[at] for row in has]),
                bears_missing=bears[at],
            )
            for at in range(2)
        ],
        np.array(refused),
    )
    bad, makers = naive(wants, has, refused, [*bears])
    assert told.bad.tolist() == bad
    good = [at for at, is_bad in enumerate(bad) if not is_bad]
    assert [told.maker[at].tolist() for at in good] == [makers[at] for at in good]


def test_values_are_numbered_alike_in_those_who_want_and_those_who_have_them() -> None:
    wanted = Wanted(
        keys=pa.table({"id": [7, 8, 7]}),
        group=np.array([0, NOTHING, 2, 1, NO_RECORD]),
        first=np.array([0, 3, 2]),
    )
    rows = pa.table({"id": pa.array([8, 7, None, 9, 7]), "boss": ["7", None, "07", "8", "x"]})
    known = np.array([True, False, False, False, False])
    own = own_reference(wanted, rows, by=("id",), known=known, bears_missing=False)
    assert own.wants.tolist() == [NOTHING, NOTHING, 0, 1, NO_RECORD]
    assert own.has.tolist() == [1, 0, NONE, NONE, 0]


def test_rows_without_the_column_have_nothing() -> None:
    wanted = Wanted(keys=pa.table({"id": [7]}), group=np.array([0]), first=np.array([0]))
    rows = pa.table({"boss": ["7"]})
    known = np.array([False])
    own = own_reference(wanted, rows, by=("id",), known=known, bears_missing=True)
    assert (own.wants.tolist(), own.has.tolist()) == ([0], [NONE])
