"""What was used is told by month and organization, and adds up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from litestar.testing import TestClient

from rowport.api.app import create_app
from rowport.model.access import Scope
from rowport.model.counts import Counts
from rowport.model.ids import new_uuid
from rowport.model.imports import ImportOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.engine.conftest import Engine, Makers

ROWS = [("a@x.org", "Ann", "1"), ("b@x.org", "Bob", "old"), ("c@x.org", "Cid", "3")]


@pytest.fixture
def api(engine: Engine) -> Iterator[TestClient[Any]]:
    app = create_app(services=engine.rowport.services, count_workers=engine.rowport.alive_workers)
    with TestClient(app, raise_server_exceptions=False) as client:
        client.headers.update(bearing(engine, Scope.IMPORT_READ))
        yield client


def bearing(engine: Engine, *scopes: Scope) -> dict[str, str]:
    """Make a token; give the header that carries it."""
    access, organization = engine.rowport.services.access, engine.rowport.organization
    issued = access.issue_in(organization, name="t", scopes=frozenset(scopes))
    return {"Authorization": f"Bearer {issued.secret}"}


def test_a_month_sums_its_imports_up(engine: Engine, api: TestClient[Any]) -> None:
    assert api.get("/v1/usage").json() == {"items": []}
    engine.put()
    first, second = engine.run(ROWS), engine.run(ROWS[:1])
    [month] = api.get("/v1/usage").json()["items"]
    assert month["organization"]["slug"] == "default"
    assert month["month"] == f"{first.created_at:%Y-%m}"
    assert month["imports"] == 2
    total = first.counts + second.counts
    assert total == Counts(created=2, unchanged=1, failed=1)
    assert month["rows"] == {
        "total": 4, "created": 2, "updated": 0, "unchanged": 1, "skipped": 0, "failed": 1,
        "pending": 0,
    }  # fmt: skip
    sent = first.files[0].size_bytes + second.files[0].size_bytes
    assert month["received_bytes"] == month["kept_bytes"]["uploads"] == sent
    assert month["kept_bytes"]["results"] > 0


def test_what_is_kept_no_more_is_not_counted_as_kept(engine: Engine, api: TestClient[Any]) -> None:
    engine.put()
    imported = engine.run(ROWS)
    engine.sql(
        "UPDATE rowport.imports SET expired = "
        """'{"upload": {"at": "2026-01-01T00:00:00Z", "days": 1, "gone": true}}'"""
    )
    engine.sql("DELETE FROM rowport.chunk_results")
    [month] = api.get("/v1/usage").json()["items"]
    assert month["received_bytes"] == imported.files[0].size_bytes
    assert month["kept_bytes"] == {"uploads": 0, "results": 0}


def test_months_are_those_of_the_organizations_time_zone(
    engine: Engine, api: TestClient[Any]
) -> None:
    engine.put()
    imported = engine.run(ROWS)
    engine.sql("UPDATE rowport.organizations SET time_zone = 'Pacific/Kiritimati'")  # UTC+14
    engine.sql(
        "UPDATE rowport.imports SET created_at = date_trunc('month', now(), 'UTC') "
        "- interval '10 hours' WHERE id = %(id)s",
        id=imported.id,
    )
    [row] = engine.sql("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM') AS month")
    found = api.get("/v1/usage?months=2").json()["items"]
    assert [month["month"] for month in found] == [row["month"]]


def test_only_as_many_months_are_told_as_are_asked_for(
    engine: Engine, api: TestClient[Any]
) -> None:
    engine.put()
    for months in range(3):
        imported = engine.run(ROWS)
        engine.sql(
            "UPDATE rowport.imports SET created_at = date_trunc('month', now()) "
            "- make_interval(months => %(months)s) + interval '1 day' WHERE id = %(id)s",
            id=imported.id,
            months=months,
        )
    found = api.get("/v1/usage").json()["items"]
    assert len(found) == 3
    assert [each["month"] for each in found] == sorted(
        (each["month"] for each in found), reverse=True
    )
    assert api.get("/v1/usage?months=2").json()["items"] == found[:2]


@pytest.mark.parametrize("query", ["months=0", "months=121", "months=x", "organization=default"])
def test_what_cannot_be_asked_is_refused(api: TestClient[Any], query: str) -> None:
    assert api.get(f"/v1/usage?{query}").status_code == 400


def test_an_admin_sees_all_organizations_and_others_their_own(
    engine: Engine, api: TestClient[Any], make: Makers
) -> None:
    services = engine.rowport.services
    engine.put()
    engine.run(ROWS)
    other = services.access.create_organization("other")
    services.record_types.put(other, "people", make.people)
    services.imports.create(
        other.id,
        "people",
        file_name="theirs.csv",
        parts=iter([b"email\nz@x.org\n"]),
        options=ImportOptions(),
    )
    admin = bearing(engine, Scope.ADMIN)
    found = api.get("/v1/usage?organization=all", headers=admin).json()["items"]
    assert [each["organization"]["slug"] for each in found] == ["default", "other"]
    [mine] = api.get("/v1/usage", headers=admin).json()["items"]
    assert mine == found[0]
    assert api.get("/v1/usage").json()["items"] == [mine]
    refused = api.get("/v1/usage?organization=all")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


def test_each_file_of_an_import_has_its_own_counts(engine: Engine, api: TestClient[Any]) -> None:
    engine.put()
    imported = engine.run(ROWS)
    [file] = api.get(f"/v1/imports/{imported.id}/files").json()["items"]
    assert (file["name"], file["sha256"]) == ("people.csv", imported.files[0].sha256)
    assert file["counts"]["created"] + file["counts"]["failed"] == file["counts"]["total"] == 3
    assert file["chunks"] == {"total": 1, "done": 1}
    assert file["layout"]["header"] == ["email", "name", "age"]
    assert "blob" not in file
    missing = api.get(f"/v1/imports/{new_uuid()}/files")
    assert (missing.status_code, missing.json()["code"]) == (404, "import_not_found")
