"""Drafts: rows that come inline, read back and replaced before they are sent on their way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rowport.bootstrap import Rowport
from rowport.model.errors import IllegalTransition, ImportNotFound
from rowport.model.ids import new_uuid
from rowport.model.imports import ImportOptions
from rowport.ports.queries import ImportQuery

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rowport.model.imports import Import

SCHEMA = {"fields": [{"name": "email", "type": "string"}], "primaryKey": "email"}
ROWS: list[dict[str, object]] = [
    {"email": "ä@x.org", "tags": ["a\n", {"b": None}]},
    {"email": "b@x.org"},
]


@pytest.fixture
def rowport(database_url: str, tmp_path: Path) -> Iterator[Rowport]:
    with Rowport(home=tmp_path, database_url=database_url) as opened:
        opened.migrate()
        opened.services.record_types.put(opened.organization, "people", SCHEMA)
        yield opened


@pytest.fixture
def draft(rowport: Rowport) -> Import:
    draft = rowport.services.preparing.draft
    return draft(rowport.organization.id, "people", options=ImportOptions())


def test_rows_are_read_back_as_they_were_sent(rowport: Rowport, draft: Import) -> None:
    preparing, organization_id = rowport.services.preparing, rowport.organization.id
    for row in ROWS:
        preparing.add_rows(organization_id, draft.id, [row])
    assert list(preparing.rows(organization_id, draft.id)) == ROWS
    preparing.submit(organization_id, draft.id)
    assert list(preparing.rows(organization_id, draft.id)) == ROWS


def test_rows_take_the_place_of_those_before(rowport: Rowport, draft: Import) -> None:
    preparing, organization_id = rowport.services.preparing, rowport.organization.id
    preparing.add_rows(organization_id, draft.id, ROWS)
    assert preparing.replace_rows(organization_id, draft.id, ROWS[1:]).counts.total == 1
    assert list(preparing.rows(organization_id, draft.id)) == ROWS[1:]
    assert preparing.replace_rows(organization_id, draft.id, []).counts.total == 0
    assert list(preparing.rows(organization_id, draft.id)) == []


def test_what_was_sent_on_its_way_cannot_be_replaced(rowport: Rowport, draft: Import) -> None:
    preparing, organization_id = rowport.services.preparing, rowport.organization.id
    preparing.add_rows(organization_id, draft.id, ROWS)
    preparing.submit(organization_id, draft.id)
    with pytest.raises(IllegalTransition):
        preparing.replace_rows(organization_id, draft.id, [])
    assert list(preparing.rows(organization_id, draft.id)) == ROWS


def test_rows_of_nobody_are_not_found(rowport: Rowport) -> None:
    with pytest.raises(ImportNotFound):
        rowport.services.preparing.rows(rowport.organization.id, new_uuid())


def test_a_page_can_be_had_without_its_total(rowport: Rowport, draft: Import) -> None:
    find = rowport.services.imports.find
    [found], total = find(rowport.organization.id, ImportQuery(is_counted=False))
    assert (found.id, total) == (draft.id, 0)
    assert find(rowport.organization.id, ImportQuery())[1] == 1
