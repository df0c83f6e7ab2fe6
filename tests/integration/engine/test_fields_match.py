"""Imports of files whose columns are not those that the record type asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rowport.model.errors import FieldsMismatch
from rowport.model.states import ImportState

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Engine, Makers


def test_an_import_of_a_file_with_an_unknown_column_fails_and_says_which(
    engine: Engine, make: Makers
) -> None:
    engine.put(make.people | {"fieldsMatch": "superset"})
    ended = engine.work(engine.land("email,shoe size\na@x,43\n"))
    assert ended.state is ImportState.FAILED
    assert ended.error is not None
    assert ended.error.code == "fields_mismatch"
    assert "'shoe size'" in ended.error.message
    assert engine.people() == []


def test_an_unknown_column_may_be_left_out_by_hand(engine: Engine, make: Makers) -> None:
    engine.put(make.people | {"fieldsMatch": "superset"})
    done = engine.run("email,shoe size\na@x,43\n", mapping={"shoe size": ""})
    assert engine.words(done) == ["created"]


def test_an_import_waits_for_a_mapping_of_every_field(engine: Engine, make: Makers) -> None:
    engine.put(make.people | {"fieldsMatch": "equal"})
    waiting = engine.plan(engine.land("email,name,years,other\na@x,Ann,43,1\n"))
    assert waiting.state is ImportState.NEEDS_MAPPING
    ids = waiting.organization_id, waiting.id
    set_mapping = engine.rowport.services.preparing.set_mapping
    with pytest.raises(FieldsMismatch, match="'other'"):
        set_mapping(*ids, {"years": "age"})
    ready = set_mapping(*ids, {"years": "age", "other": ""})
    assert ready.state is ImportState.READY
