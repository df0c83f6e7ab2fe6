"""Many imports looked at together: their failed rows, users, ids, modes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rowport.bootstrap import Rowport, open_rowport
from rowport.model.ids import new_uuid
from rowport.model.imports import ImportOptions, Mode
from rowport.model.states import ImportState
from rowport.ports.ledger import Circumstances, ImportRef
from rowport.ports.queries import ImportQuery
from rowport.service.rows import header_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from tests.conftest import Home

    from rowport.model.imports import Import

CHUNK_ROWS = "3"
SCHEMA = '{"fields": [{"name": "n", "type": "integer"}], "primaryKey": "n"}'


@pytest.fixture(scope="module")
def filled(new_home: Callable[[], Home]) -> Iterator[tuple[Rowport, list[UUID]]]:
    """A home with three imports in small chunks: 8 of 10, none of 2, and 2 of 4 rows failed."""
    made = new_home()
    home = type(made)(
        path=made.path, room=made.room, environment={"ROWPORT_CHUNK_ROWS": CHUNK_ROWS}
    )
    with open_rowport(home=home.path, database_url=None) as rowport:
        home.ask("type", "put", "things", home.file("s.json", SCHEMA))
        ids = []
        for name, cells in (
            ("a", ["1", *(f"bad {n}" for n in range(8)), "2"]),
            ("b", ["3", "4"]),
            ("c", ["=x", "5", "6", "y"]),
        ):
            file = home.file(f"{name}.csv", "n\n" + "".join(f"{cell}\n" for cell in cells))
            done = home.run("--json", "import", file, "--type", "things")
            ids.append(done.document["id"])
        organization = rowport.organization.id
        found, _ = rowport.services.imports.find(organization, ImportQuery(descending=False))
        assert [str(job.id) for job in found] == ids
        yield rowport, [job.id for job in found]


def failed(rowport: Rowport, ids: list[UUID], limit: int | None) -> dict[UUID, list[int]]:
    rows = rowport.services.rows.failed_of(rowport.organization.id, ids, limit=limit)
    return {import_id: [row.row for row in found] for import_id, found in rows}


@pytest.mark.parametrize("limit", [None, 1, 2, 3, 5, 8, 9])
def test_the_first_failed_rows_of_each_import_are_given(
    filled: tuple[Rowport, list[UUID]], limit: int | None
) -> None:
    rowport, ids = filled
    everything = {ids[0]: list(range(2, 10)), ids[2]: [1, 4]}
    expected = {import_id: rows[:limit] for import_id, rows in everything.items()}
    assert failed(rowport, ids, limit) == expected


def test_a_failed_row_is_the_same_alone_and_among_many(
    filled: tuple[Rowport, list[UUID]],
) -> None:
    rowport, ids = filled
    organization = rowport.organization.id
    many = rowport.services.rows.failed_of(organization, ids)
    for import_id, rows in many:
        assert list(rows) == list(rowport.services.rows.failed(organization, import_id).rows)


def test_nobody_sees_the_failed_rows_of_others(filled: tuple[Rowport, list[UUID]]) -> None:
    rowport, ids = filled
    other = rowport.services.access.ensure_organization("other", "Other")
    assert list(rowport.services.rows.failed_of(other.id, ids)) == []
    assert failed(rowport, [], None) == {}


def test_a_failed_rows_file_has_the_size_that_is_told(
    filled: tuple[Rowport, list[UUID]],
) -> None:
    rowport, ids = filled
    organization, services = rowport.organization.id, rowport.services
    jobs = [services.imports.get(organization, import_id) for import_id in ids]
    assert header_of(jobs[0]) == ("n",)
    sizes = services.artifacts.failed_rows_sizes(organization, jobs)
    assert sizes == {
        import_id: len(b"".join(services.artifacts.failed_rows(organization, import_id, "csv")))
        for import_id in (ids[0], ids[2])
    }


def test_imports_are_chosen_by_id_and_mode(filled: tuple[Rowport, list[UUID]]) -> None:
    rowport, ids = filled

    def chosen(query: ImportQuery) -> tuple[list[UUID], int]:
        found, total = rowport.services.imports.find(rowport.organization.id, query)
        return [job.id for job in found], total

    few = frozenset({ids[0], ids[2], new_uuid()})
    assert chosen(ImportQuery(ids=few, descending=False)) == ([ids[0], ids[2]], 2)
    assert chosen(ImportQuery(ids=frozenset())) == ([], 0)
    assert chosen(ImportQuery(modes=frozenset({Mode.UPSERT})))[1] == 3
    assert chosen(ImportQuery(modes=frozenset({Mode.INSERT, Mode.UPDATE}))) == ([], 0)


def test_users_are_given_together_and_to_their_organization_alone(
    filled: tuple[Rowport, list[UUID]],
) -> None:
    rowport, _ = filled
    access, mine = rowport.services.access, rowport.organization
    made = [access.ensure_user(mine, email=f"{name}@example.com") for name in "ab"]
    ids = [user.id for user in made]
    assert access.users(mine.id, [*ids, new_uuid()]) == dict(zip(ids, made, strict=True))
    assert access.users(mine.id, []) == {}
    other = access.ensure_organization("other", "Other")
    assert access.users(other.id, ids) == {}


def read(rowport: Rowport, schema: dict[str, object], content: bytes) -> Import:
    """Make an import that takes given columns alone, and let it be read here."""
    services, organization = rowport.services, rowport.organization
    services.record_types.put(organization, "free", schema)
    job = services.imports.create(
        organization.id,
        "free",
        file_name="f.csv",
        parts=iter([content]),
        options=ImportOptions(matches_by_name=False),
        around=Circumstances(starts_by_itself=False),
    )
    rowport.new_works().planning.plan(ImportRef(organization_id=organization.id, import_id=job.id))
    return services.imports.get(organization.id, job.id)


def test_an_import_that_takes_given_columns_alone_waits_for_some(
    filled: tuple[Rowport, list[UUID]],
) -> None:
    rowport, _ = filled
    job = read(rowport, {"fields": [{"name": "n"}, {"name": "m"}]}, b"n,m\n1,2\n")
    assert (job.state, job.mapping) == (ImportState.NEEDS_MAPPING, {})
    job = rowport.services.preparing.set_mapping(job.organization_id, job.id, {"n": "m"})
    assert (job.state, job.mapping) == (ImportState.READY, {"n": "m"})
    job = rowport.services.preparing.set_mapping(job.organization_id, job.id, {})
    assert (job.state, job.mapping) == (ImportState.NEEDS_MAPPING, {})
