"""All errors of an import by kind."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from rowport.engine.accounting import encode
from rowport.engine.error_groups import EXAMPLES, ErrorGroups
from rowport.engine.tables import ERRORS_SCHEMA

Error = tuple[str, str | None, str | None]
chunks = st.lists(
    st.lists(
        st.tuples(
            st.sampled_from(["type-error", "unique-error"]),
            st.sampled_from(["a", "b", None]),
            st.sampled_from(["x", "y", None]),
        ),
        max_size=8,
    ),
    max_size=6,
)


def tables(found: list[list[Error]]) -> list[pa.Table]:
    """Write errors as the chunks of an import, a row each."""
    row, made = 0, []
    for chunk in found:
        rows = [
            {
                "row": row + at,
                "field": field,
                "code": code,
                "value": value,
                "message": f"{row + at}",
            }
            for at, (code, field, value) in enumerate(chunk, start=1)
        ]
        row += len(rows)
        made.append(pa.Table.from_pylist(rows, schema=ERRORS_SCHEMA))
    return made


@given(chunks)
def test_each_kind_is_counted_and_has_its_first_errors_as_examples(
    found: list[list[Error]],
) -> None:
    groups, stored = ErrorGroups(), ErrorGroups()
    for table in tables(found):
        groups.add(table)
        if (encoded := encode(table)) is not None:
            stored.add_encoded(encoded)
    flat = [
        (code, field, {"row": row, "value": value, "message": f"{row}"})
        for row, (code, field, value) in enumerate((e for chunk in found for e in chunk), start=1)
    ]
    assert {(g.code, g.field) for g in groups.groups} == {(c, f) for c, f, _ in flat}
    for group in groups.groups:
        mine = [shown for code, field, shown in flat if (code, field) == (group.code, group.field)]
        assert group.count == len(mine)
        assert [*group.examples] == mine[:EXAMPLES]
    assert [g.count for g in groups.groups] == sorted(g.count for g in groups.groups)[::-1]
    assert stored.groups == groups.groups


def test_the_line_is_told_where_it_is_known() -> None:
    [table] = tables([[("type-error", "a", "x")]])
    groups = ErrorGroups()
    groups.add(table.add_column(1, "line", pa.array([7])))
    assert groups.groups[0].examples == ({"row": 1, "line": 7, "value": "x", "message": "1"},)
