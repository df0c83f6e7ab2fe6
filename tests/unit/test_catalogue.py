"""The named statements: each is said, and none sees another organization's rows by mistake."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rowport.store import catalogue
from rowport.store.migrations import FILE, migrations

SOURCES = Path(catalogue.__file__).parents[1]
TENANT_FREE = {
    "claim_chunk": "workers serve all organizations, in the order of turns",
    "any_chunk_waits": "likewise",
    "open_imports": "likewise: the tick looks at all of them",
    "is_busy": "likewise: it tells a worker whether to stay",
    "due_to_expire": "likewise: rules of all organizations are kept by one job",
    "publish_events": "likewise: commits of all are numbered in one order",
    "list_events_of_all": "likewise: one process hands them on to the watchers of each",
    "newest_event_of_all": "likewise",
    "figures": "likewise: they are of the whole installation",
    "due_feeds": "likewise: the tick looks at all of them",
    "waiting_feed_runs": "likewise",
    "claim_feed_run": "likewise",
    "claim_delivery": "likewise: what is due longest goes first",
    "drop_old_events": "likewise: it grows old for all alike",
    "drop_old_replays": "likewise",
    "unfinished_telling": "likewise",
    "insert_organization": "it makes one",
    "organization_by_slug": "it finds one",
    "organization_by_id": "likewise",
    "list_organizations": "whoever runs the installation looks at all",
    "lock_first_token": "it is the first of the installation",
    "has_admin_token": "likewise",
    "has_secret": "a secret is of one token in the installation",
}


def tenant_tables() -> set[str]:
    """Give the tables that have a column organization_id."""
    found = set()
    for migration in migrations():
        for name, body in re.findall(
            r"CREATE (?:UNLOGGED )?TABLE (rowport\.\w+) \((.*?)\n\)", migration.sql, re.DOTALL
        ):
            if "organization_id" in body:
                found.add(name)
    return found


def test_every_statement_is_said_somewhere() -> None:
    program = "".join(path.read_text(encoding="utf-8") for path in SOURCES.rglob("*.py"))
    # A page and its count are said in pairs: find_x and count_x by the word x.
    unsaid = {
        name
        for name in catalogue.names()
        if f'"{name}"' not in program and f'"{re.sub("^(find|count)_", "", name)}"' not in program
    }
    assert unsaid == set()


def test_every_statement_is_one_or_a_part_of_one() -> None:
    for name in catalogue.names() - {"create_schemas"}:
        text = re.sub(r"--.*", "", catalogue.statement(name))
        assert ";" not in text.rstrip().removesuffix(";"), name


def test_every_part_is_brought_in() -> None:
    assert not [n for n in catalogue.names() if "-- include" in catalogue.statement(n)]


def test_there_are_tables_of_tenants() -> None:
    assert {"rowport.imports", "rowport.chunks", "rowport.record_types"} <= tenant_tables()


@pytest.mark.parametrize("name", sorted(catalogue.names() - TENANT_FREE.keys()))
def test_a_statement_on_tenant_data_names_the_organization(name: str) -> None:
    text = catalogue.statement(name)
    touched = {table for table in tenant_tables() if re.search(rf"{re.escape(table)}\b", text)}
    assert not touched or "organization_id" in text


def test_every_exception_is_still_needed() -> None:
    assert TENANT_FREE.keys() <= catalogue.names()


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(KeyError):
        catalogue.statement("nothing")


def test_migrations_are_numbered_without_a_gap() -> None:
    assert [m.number for m in migrations()] == list(range(1, len(migrations()) + 1))
    assert all(FILE.match(m.name) for m in migrations())
