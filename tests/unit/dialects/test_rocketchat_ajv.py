"""Bodies are checked, and turned to their types, as Ajv does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowport.dialects.rocketchat.ajv import Mismatch, check
from rowport.dialects.rocketchat.bodies import ADD_USERS, NOTHING

if TYPE_CHECKING:
    from collections.abc import Mapping

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def one(kind: str, *, nullable: bool = False) -> Mapping[str, Any]:
    return {"type": kind, "nullable": nullable}


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("string", 1523, "1523"),
        ("string", 1523.0, "1523"),
        ("string", 1.5, "1.5"),
        ("string", True, "true"),
        ("string", None, ""),
        ("number", "-3.5", -3.5),
        ("number", " 1e3 ", 1000),
        ("number", True, 1),
        ("number", None, 0),
        ("boolean", "true", True),
        ("boolean", 1, True),
        ("boolean", "false", False),
        ("boolean", 0, False),
        ("boolean", None, False),
    ],
)
def test_a_value_is_turned_to_its_type(kind: str, value: object, expected: object) -> None:
    found = check(one(kind), value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("string", {}),
        ("string", []),
        ("number", "abc"),
        ("number", ""),
        ("number", "1_000"),
        ("number", "NaN"),
        ("boolean", "yes"),
        ("boolean", 2),
        ("array", "x"),
        ("array", None),
        ("object", []),
        ("object", "x"),
    ],
)
def test_what_cannot_be_turned_is_named_by_the_type_it_lacks(kind: str, value: object) -> None:
    with pytest.raises(Mismatch, match=f"^must be {kind}$"):
        check(one(kind), value)


@pytest.mark.parametrize(
    ("kind", "value"), [("number", ""), ("array", ""), ("array", 0), ("array", False)]
)
def test_what_is_empty_becomes_null_where_null_may_be(kind: str, value: object) -> None:
    assert check(one(kind, nullable=True), value) is None


@given(json_values)
def test_any_value_is_taken_or_refused_in_words(value: object) -> None:
    said = ""
    try:
        taken: Any = check(ADD_USERS, value)
    except Mismatch as error:
        said = str(error)
    else:
        assert taken.keys() == {"users"}
    assert not said or said.startswith("must ")


@given(st.lists(json_values))
def test_what_was_taken_once_is_taken_again_as_it_is(values: list[object]) -> None:
    body = {"users": [{"emails": values, "importIds": values}]}
    try:
        taken = check(ADD_USERS, body)
    except Mismatch:
        return
    assert check(ADD_USERS, taken) == taken


def test_the_first_error_alone_is_told() -> None:
    with pytest.raises(Mismatch, match=r"^must have required property 'users'$"):
        check(ADD_USERS, {"x": 1})
    with pytest.raises(Mismatch, match=r"^must NOT have additional properties$"):
        check(NOTHING, {"x": 1})


def test_unknown_keys_of_a_user_are_kept() -> None:
    user = {"emails": ["a"], "importIds": [1], "shoe": {"size": 9}}
    taken: Any = check(ADD_USERS, {"users": [user]})
    assert taken == {"users": [{**user, "importIds": ["1"]}]}
