"""Pages of imports, as dialects ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rowport.bootstrap import Rowport
from rowport.model.ids import new_uuid
from rowport.model.imports import ImportOptions
from rowport.ports.queries import ImportQuery
from rowport.service.links import Link

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rowport.model.organizations import Organization

SCHEMA = {"fields": [{"name": "email", "type": "string"}], "primaryKey": "email"}
KINDS = ("red", "blue")


@pytest.fixture
def rowport(database_url: str, tmp_path: Path) -> Iterator[Rowport]:
    with Rowport(home=tmp_path, database_url=database_url) as opened:
        opened.migrate()
        yield opened


@pytest.fixture
def mine(rowport: Rowport) -> Organization:
    """An organization with two imports of each kind; the second of each is canceled."""
    made = rowport.services.access.ensure_organization("mine", "Mine")
    for kind in KINDS:
        rowport.services.record_types.put(made, kind, SCHEMA, attributes={"face": {"kind": kind}})
    for turn in range(2):
        for kind in KINDS:
            job = rowport.services.imports.create(
                made.id,
                kind,
                file_name="people.csv",
                parts=iter([b"email\na@example.com\n"]),
                options=ImportOptions(),
            )
            if turn:
                rowport.services.imports.cancel(made.id, job.id)
    return made


@pytest.mark.parametrize("kinds", [(), ("red",), ("blue", "red"), ("green",)])
def test_record_types_are_chosen_by_what_their_attributes_contain(
    rowport: Rowport, mine: Organization, kinds: tuple[str, ...]
) -> None:
    query = ImportQuery(facets=[{"face": {"kind": kind}} for kind in kinds])
    found, total = rowport.services.imports.find(mine.id, query)
    assert total == len(found) == 2 * len(set(kinds) & set(KINDS))
    assert {job.type_name for job in found} == set(kinds) & set(KINDS)


def test_imports_sort_by_the_words_of_the_face_that_asks(
    rowport: Rowport, mine: Organization
) -> None:
    query = ImportQuery(
        sort="fate", descending=False, fate_words={"reading": "z-working", "canceled": "a-over"}
    )
    found, _ = rowport.services.imports.find(mine.id, query)
    assert [str(job.state) for job in found] == ["canceled", "canceled", "reading", "reading"]
    assert found[0].oid < found[1].oid
    unnamed = ImportQuery(sort="fate", descending=False, fate_words={"reading": "a"})
    first = rowport.services.imports.find(mine.id, unnamed)[0][0]
    assert str(first.state) == "reading"


@pytest.mark.parametrize("descending", [True, False])
def test_pages_follow_one_another_in_every_order(
    rowport: Rowport, mine: Organization, *, descending: bool
) -> None:
    whole, total = rowport.services.imports.find(mine.id, ImportQuery(descending=descending))
    paged = [
        rowport.services.imports.find(
            mine.id, ImportQuery(descending=descending, limit=1, offset=offset)
        )[0][0].id
        for offset in range(total)
    ]
    assert paged == [job.id for job in whole]
    assert [job.created_at for job in whole] == sorted(
        (job.created_at for job in whole), reverse=descending
    )


def test_many_links_are_signed_for_one_look_at_the_key(
    rowport: Rowport, mine: Organization
) -> None:
    links = [
        Link(organization_id=mine.id, kind="template", subject=kind, form="csv", file_name="é")
        for kind in KINDS
    ]
    signed = rowport.services.links.sign_all(links)
    assert [rowport.services.links.open(text) for text in signed] == links
    assert rowport.services.links.sign_all([]) == []


def age(rowport: Rowport) -> None:
    """Let an hour pass for all imports."""
    with rowport.database.transaction() as tx:
        tx.connection.execute(
            "UPDATE rowport.imports SET created_at = created_at - interval '1 hour'"
        )


def send(rowport: Rowport, organization: Organization, kind: str) -> None:
    rowport.services.imports.create(
        organization.id,
        kind,
        file_name="people.csv",
        parts=iter([b"email\na@example.com\n"]),
        options=ImportOptions(),
    )


def test_the_total_is_right_at_every_look(rowport: Rowport, mine: Organization) -> None:
    def total(**words: Any) -> int:  # noqa: ANN401  ImportQuery's
        return rowport.services.imports.find(mine.id, ImportQuery(limit=1, **words))[1]

    age(rowport)
    for made in range(4):
        assert total() == total(facet="face") == 4 + made
        assert total(facets=[{"face": {"kind": "red"}}]) == 2 + made
        assert total(fates=frozenset({"canceled"})) == 2
        assert total(created_by=new_uuid()) == 0
        send(rowport, mine, "red")


def test_the_total_follows_a_record_type_that_shows_itself_later(
    rowport: Rowport, mine: Organization
) -> None:
    age(rowport)
    query = ImportQuery(facet="another")
    assert rowport.services.imports.find(mine.id, query) == ([], 0)
    rowport.services.record_types.set_attributes(mine.id, "red", {"another": {}})
    assert rowport.services.imports.find(mine.id, query)[1] == 2


def test_an_organization_counts_its_own_imports_alone(rowport: Rowport, mine: Organization) -> None:
    other = rowport.services.access.ensure_organization("other", "Other")
    rowport.services.record_types.put(other, "red", SCHEMA)
    for organization, number in ((mine, 4), (other, 0), (mine, 4), (other, 0)):
        assert rowport.services.imports.find(organization.id, ImportQuery())[1] == number
