"""Whose chunk comes next: the claims themselves are asked, in order."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from rowport.model.errors import IllegalTransition
from rowport.model.imports import ImportOptions, Priority
from rowport.model.states import ImportState
from rowport.ports.ledger import Circumstances
from rowport.service.loading import OthersRun

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from tests.integration.engine.conftest import Engine, Makers

    from rowport.model.imports import Import
    from rowport.model.organizations import Organization
    from rowport.ports.ledger import ClaimedChunk

ROWS_A_CHUNK = 7
serial = count()


class Office:
    """Imports of several organizations, and who is claimed next."""

    def __init__(self, engine: Engine, make: Makers) -> None:
        self.engine = engine
        self.make = make
        self.names: dict[UUID, str] = {}

    def organization(self, slug: str) -> Organization:
        access = self.engine.rowport.services.access
        made = access.create_organization(slug)
        self.engine.rowport.services.record_types.put(made, "people", self.make.people)
        return made

    def land(
        self, organization: Organization, name: str, *, priority: Priority = Priority.NORMAL
    ) -> Import:
        """Send a file; nobody reads it yet."""
        return self._land(organization, name, chunks=1, priority=priority)

    def _land(
        self, organization: Organization, name: str, *, chunks: int, priority: Priority
    ) -> Import:
        first = next(serial) * 100_000
        rows = [(f"u{first + n}@x.org", "U", "1") for n in range(chunks * ROWS_A_CHUNK)]
        landed = self.engine.rowport.services.imports.create(
            organization.id,
            "people",
            file_name="people.csv",
            parts=iter([self.make.as_csv([("email", "name", "age"), *rows]).encode()]),
            options=ImportOptions(),
            around=Circumstances(priority=priority),
        )
        self.names[landed.id] = name
        return landed

    def queue(
        self,
        organization: Organization,
        name: str,
        *,
        chunks: int,
        priority: Priority = Priority.NORMAL,
    ) -> Import:
        """Send a file and read it."""
        landed = self._land(organization, name, chunks=chunks, priority=priority)
        return self.engine.plan(landed)

    def claim(self) -> ClaimedChunk | None:
        with self.engine.rowport.database.at_once() as tx:
            return self.engine.works.ledger.chunks.claim(tx)

    def claims(self, most: int) -> str:
        """Claim up to so many chunks; gives the names of their imports."""
        found = (self.claim() for _ in range(most))
        return "".join(self.names[each.ref.import_id] for each in found if each)

    def finish(self, imported: Import) -> None:
        """Let it have come to its end."""
        self.engine.sql(
            "UPDATE rowport.chunks SET state = 'void' WHERE import_id = %(i)s", i=imported.id
        )
        self.engine.sql(
            "UPDATE rowport.imports SET previous_state = 'running', state = 'completed', "
            "result = 'succeeded', finished_at = now() WHERE id = %(i)s",
            i=imported.id,
        )


@pytest.fixture
def office(engine: Engine, make: Makers) -> Office:
    return Office(engine, make)


def test_a_small_import_comes_at_once_beside_a_large_one_of_another_organization(
    office: Office,
) -> None:
    large, small = office.organization("large"), office.organization("small")
    office.queue(large, "L", chunks=30)
    assert office.claims(12) == "L" * 12
    office.queue(small, "s", chunks=3)
    claimed = office.claims(7)
    assert claimed.index("s") <= 1
    assert claimed.rindex("s") <= 5
    assert claimed.count("s") == 3


def test_many_imports_of_one_organization_weigh_no_more_than_one_of_another(
    office: Office,
) -> None:
    many, one = office.organization("many"), office.organization("one")
    for name in "abcdefgh":
        office.queue(many, name, chunks=3)
    office.queue(one, "1", chunks=8)
    claimed = office.claims(16)
    assert claimed.count("1") == 8
    assert set("abcdefgh") < set(claimed)  # and each of them has had its turn
    assert "11" not in claimed[2:]


def test_nobody_saves_up_turns_by_waiting(office: Office) -> None:
    busy, idle = office.organization("busy"), office.organization("idle")
    office.queue(idle, "i", chunks=1)
    office.queue(busy, "b", chunks=40)
    office.claims(21)
    office.queue(idle, "I", chunks=10)
    claimed = office.claims(10)
    assert 4 <= claimed.count("I") <= 6
    assert "III" not in claimed


def test_an_organization_of_twice_the_weight_has_twice_the_turns(office: Office) -> None:
    light, heavy = office.organization("light"), office.organization("heavy")
    office.engine.rowport.services.access.set_shares(heavy.id, running_limit=None, weight=2)
    office.queue(light, "l", chunks=12)
    office.queue(heavy, "h", chunks=12)
    assert office.claims(12).count("h") == 8


def test_imports_of_one_organization_take_turns_by_their_priorities(office: Office) -> None:
    mine = office.organization("mine")
    for name, priority in zip("lnh", Priority, strict=True):
        office.queue(mine, name, chunks=30, priority=priority)
    claimed = office.claims(42)
    assert claimed[0] == "h"  # though it came last
    assert claimed.count("h") == pytest.approx(32, abs=2)
    assert claimed.count("n") == pytest.approx(8, abs=2)
    assert claimed.count("l") == pytest.approx(2, abs=1)


def test_urgent_imports_that_keep_coming_do_not_keep_another_waiting_for_ever(
    office: Office,
) -> None:
    mine = office.organization("mine")
    office.queue(mine, "l", chunks=3, priority=Priority.LOW)
    claimed = ""
    for _ in range(40):
        urgent = office.queue(mine, "h", chunks=1, priority=Priority.HIGH)
        claimed += office.claims(1)
        if "l" in claimed:
            break
        office.finish(urgent)
    assert claimed[:2] == "hh"
    assert "l" in claimed


def test_urgency_of_one_organization_takes_nothing_from_another(office: Office) -> None:
    loud, calm = office.organization("loud"), office.organization("calm")
    office.queue(calm, "c", chunks=10, priority=Priority.LOW)
    office.queue(loud, "l", chunks=10, priority=Priority.HIGH)
    assert office.claims(10).count("c") == 5


def test_a_priority_can_be_changed_under_way(office: Office) -> None:
    mine = office.organization("mine")
    first = office.queue(mine, "1", chunks=20)
    office.queue(mine, "2", chunks=20)
    assert office.claims(8).count("1") == 4
    control = office.engine.rowport.services.control
    changed = control.set_priority(mine.id, first.id, Priority.HIGH)
    assert changed.priority is Priority.HIGH
    assert office.claims(10).count("1") == pytest.approx(8, abs=1)
    office.finish(first)
    with pytest.raises(IllegalTransition, match="until it ends"):
        control.set_priority(mine.id, first.id, Priority.LOW)


def test_turns_outlive_a_crash_that_loses_them(office: Office) -> None:
    mine, theirs = office.organization("mine"), office.organization("theirs")
    office.queue(mine, "m", chunks=9)
    office.queue(theirs, "t", chunks=9)
    office.claims(4)
    office.engine.sql("TRUNCATE rowport.organization_turns, rowport.import_turns")
    assert office.claims(8).count("m") == 4


# ------------------------------------------------------------------------------ running at once


def test_an_import_above_the_limit_waits_and_begins_when_another_ends(office: Office) -> None:
    engine, mine = office.engine, office.organization("mine")
    presence = engine.rowport.surroundings().presence
    presence.announce()
    engine.rowport.services.access.set_shares(mine.id, running_limit=1, weight=1)
    other = office.organization("other")
    first, second, third = (office.queue(mine, name, chunks=2) for name in "123")
    office.queue(other, "o", chunks=1)
    run(office)
    assert engine.get(first).state is ImportState.RUNNING
    assert office.claims(9) == "o1"  # nothing else may be begun, and others are not in it
    with engine.rowport.database.transaction() as tx:
        assert not engine.works.ledger.chunks.any_waits(tx)
    waits = engine.rowport.services.waits
    told = waits.explain(mine.id, [engine.get(second), engine.get(third)])
    reasons = [each.waiting for each in told]
    assert [reason.code for reason in reasons if reason] == ["limit", "limit"]
    assert [reason.message.rsplit(" and ", 1)[1][0] for reason in reasons if reason] == ["0", "1"]
    presence.leave()
    office.finish(first)
    with engine.rowport.database.transaction() as tx:
        assert engine.works.ledger.chunks.any_waits(tx)
    assert office.claims(1) == "2"


def test_two_workers_that_begin_at_once_stay_within_the_limit(
    office: Office, new_engine: Callable[[], Engine]
) -> None:
    engine, mine = office.engine, office.organization("mine")
    engine.rowport.services.access.set_shares(mine.id, running_limit=1, weight=1)
    first, second = (office.queue(mine, name, chunks=1) for name in "12")
    claimed = [office.claim(), office.claim()]  # both, as neither runs yet
    assert [each.ref.import_id for each in claimed if each] == [first.id, second.id]
    other = new_engine()
    with engine.rowport.database.transaction() as tx:
        assert engine.works.ledger.turns.may_run(tx, mine.id)
        engine.works.ledger.imports.move(
            tx, office.make.ref_of(first), ImportState.QUEUED, ImportState.RUNNING
        )
    assert claimed[1]
    with pytest.raises(OthersRun):
        other.works.loading.load(claimed[1])
    assert engine.get(second).state is ImportState.QUEUED


def test_without_a_limit_of_its_own_an_organization_has_that_of_the_installation(
    office: Office, new_engine: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROWPORT_RUNNING_IMPORTS", "1")
    limited = Office(new_engine(), office.make)
    mine, free = limited.organization("mine"), limited.organization("free")
    limited.engine.rowport.services.access.set_shares(free.id, running_limit=2, weight=1)
    for organization, name in ((mine, "m"), (mine, "n"), (free, "f"), (free, "g")):
        limited.queue(organization, name, chunks=4)
    for _ in range(3):
        run(limited)
    assert set(limited.claims(20)) == {"f", "g", "m"}


# ---------------------------------------------------------------------------- files to be read


def plan_jobs(office: Office) -> list[dict[str, Any]]:
    found = office.engine.sql(
        "SELECT args ->> 'import_id' AS id, queue_name, priority FROM procrastinate_jobs "
        "WHERE task_name = 'plan' AND status = 'todo' ORDER BY priority DESC, id"
    )
    names = {str(key): name for key, name in office.names.items()}
    return [row | {"name": names[row["id"]]} for row in found]


def names_of(jobs: Sequence[dict[str, Any]]) -> str:
    return "".join(job["name"] for job in jobs)


def test_the_nth_file_of_an_organization_is_read_beside_the_nth_of_others(office: Office) -> None:
    many, one = office.organization("many"), office.organization("one")
    for name in "abc":
        office.land(many, name)
    office.land(one, "1")
    urgent = office.land(one, "2", priority=Priority.HIGH)
    assert names_of(plan_jobs(office)) == "2a1bc"
    office.engine.rowport.services.control.set_priority(one.id, urgent.id, Priority.LOW)
    assert names_of(plan_jobs(office)) == "a1bc2"
    before = [job["priority"] for job in plan_jobs(office)]
    with office.engine.rowport.database.transaction() as tx:
        office.engine.works.ledger.turns.grow_urgent(tx)
    assert [job["priority"] for job in plan_jobs(office)] == [each + 1 for each in before]


def test_large_files_wait_in_a_line_of_their_own(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = office.organization("mine")
    monkeypatch.setattr("rowport.service.imports.LARGE_FILE", 100)
    office.queue(mine, "L", chunks=3)
    monkeypatch.undo()
    office.land(mine, "s")
    assert {job["name"]: job["queue_name"] for job in plan_jobs(office)} == {
        "L": "large",
        "s": "control",
    }


def run(office: Office) -> None:
    """Claim the next chunk and load it."""
    claimed = office.claim()
    assert claimed is not None
    office.engine.works.loading.load(claimed)
    office.engine.works.settling.settle(claimed.ref.whole)
