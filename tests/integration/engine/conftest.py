"""Rowport in this process, on a database of the test's own, without a queue running."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import pytest
from psycopg.rows import dict_row

from rowport.bootstrap import Rowport
from rowport.model.imports import ImportOptions
from rowport.model.states import ImportState
from rowport.model.undo import UndoState
from rowport.ports.ledger import ImportRef
from rowport.runtime.draining import Draining
from rowport.store.database import connect
from rowport.store.migrations import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from rowport.model.imports import Import
    from rowport.model.outcomes import RowOutcome
    from rowport.model.record_types import RecordType
    from rowport.service import Works

HEADER = ("email", "name", "age")
PEOPLE: dict[str, object] = {
    "fields": [
        {"name": "email", "type": "string", "constraints": {"required": True}},
        {"name": "name", "type": "string"},
        {"name": "age", "type": "integer"},
    ],
    "primaryKey": "email",
}
MANY = 1000
"""Steps after which an import that does not end is stuck."""


@dataclass(slots=True, kw_only=True, weakref_slot=True)
class Engine:
    """The use cases of people and of workers, called by hand."""

    rowport: Rowport
    url: str
    _works: list[Works] = field(default_factory=list)

    @property
    def works(self) -> Works:
        """The use cases of one worker, always the same."""
        if not self._works:
            self._works.append(self.rowport.new_works())
        return self._works[0]

    def put(
        self,
        document: dict[str, object] | None = None,
        *,
        name: str = "people",
        **options: Any,  # noqa: ANN401  put's
    ) -> RecordType:
        """Make or change a record type."""
        types = self.rowport.services.record_types
        return types.put(self.rowport.organization, name, document or PEOPLE, **options)

    def land(
        self,
        content: bytes | str | Sequence[Sequence[str]],
        *,
        name: str = "people",
        file_name: str = "people.csv",
        **options: Any,  # noqa: ANN401  ImportOptions'
    ) -> Import:
        """Start an import of a file's bytes, or of rows under HEADER; nothing works on it yet."""
        if not isinstance(content, (bytes, str)):
            content = as_csv([HEADER, *content])
        data = content if isinstance(content, bytes) else content.encode()
        return self.rowport.services.imports.create(
            self.rowport.organization.id,
            name,
            file_name=file_name,
            parts=iter([data]),
            options=ImportOptions(**options),
        )

    def plan(self, imported: Import) -> Import:
        """Read its file, as a worker would."""
        self.works.planning.plan(ref_of(imported))
        return self.get(imported)

    def drain(self, should_stop: Callable[[], bool] = lambda: False) -> None:
        """Load what can be claimed now, as one worker would."""
        start = self.rowport.surroundings().start_trial
        Draining(works=self.works, should_stop=should_stop, start=start).drain()

    def work(self, imported: Import) -> Import:
        """Work on it to its end."""
        if imported.state is ImportState.READING:
            imported = self.plan(imported)
        for _ in range(MANY):
            if imported.state.is_final:
                return imported
            self.hurry()
            self.drain()
            self.works.settling.settle(ref_of(imported))
            imported = self.get(imported)
        faults = self.sql("SELECT number, state, attempts, fault FROM rowport.chunks")
        raise AssertionError(f"{imported.state} does not end: {faults}")

    def hurry(self) -> None:
        """Let all time pass for which a chunk that nobody holds would wait."""
        self.sql(
            "UPDATE rowport.chunks SET run_after = '-infinity' WHERE (import_id, number) IN ("
            "SELECT import_id, number FROM rowport.chunks WHERE state IN ('waiting', 'undoing') "
            "FOR UPDATE SKIP LOCKED)"
        )

    def run(
        self,
        content: bytes | str | Sequence[Sequence[str]],
        **options: Any,  # noqa: ANN401  land's
    ) -> Import:
        """Import a file from its landing to its end."""
        return self.work(self.land(content, **options))

    def get(self, imported: Import) -> Import:
        """Look at it again."""
        return self.rowport.services.imports.get(imported.organization_id, imported.id)

    def cancel(self, imported: Import) -> Import:
        """Ask it to end."""
        return self.rowport.services.imports.cancel(imported.organization_id, imported.id)

    def look(self, imported: Import) -> Import:
        """Look at it as people do: what is to stop stops."""
        return self.rowport.services.imports.look(imported.organization_id, imported.id)

    def pause(self, imported: Import, *, by: str | None = None) -> Import:
        """Ask it to stop for a while."""
        return self.rowport.services.control.pause(imported.organization_id, imported.id, by=by)

    def resume(self, imported: Import) -> Import:
        """Let it go on."""
        return self.rowport.services.control.resume(imported.organization_id, imported.id)

    def retry(self, imported: Import) -> Import:
        """Try again what is not fine."""
        return self.rowport.services.rounds.retry(imported.organization_id, imported.id)

    def fix(
        self, imported: Import, content: bytes | str, *, file_name: str = "failed.csv"
    ) -> Import:
        """Send a mended failed-rows file back."""
        data = content if isinstance(content, bytes) else content.encode()
        return self.rowport.services.rounds.fix(
            imported.organization_id, imported.id, file_name=file_name, parts=iter([data])
        )

    def ask_undo(self, imported: Import, *, by: str | None = None) -> Import:
        """Ask for an import to be taken back; nothing works on it yet."""
        return self.rowport.services.undos.undo(imported.organization_id, imported.id, by=by)

    def undo(self, imported: Import) -> Import:
        """Take an import back, to the end."""
        imported = self.ask_undo(imported)
        for _ in range(MANY):
            if imported.undo is None or imported.undo.state is not UndoState.RUNNING:
                return imported
            self.hurry()
            self.drain()
            self.works.settling.settle(ref_of(imported))
            imported = self.get(imported)
        faults = self.sql("SELECT number, state, attempts, fault FROM rowport.chunks")
        raise AssertionError(f"the undo does not end: {faults}")

    def failed_rows(self, imported: Import, form: str = "csv") -> bytes:
        """Give the failed-rows file."""
        files = self.rowport.services.artifacts
        return b"".join(files.failed_rows(imported.organization_id, imported.id, form))

    def age(self, imported: Import) -> None:
        """Let it have been in its state for a minute."""
        self.sql(
            "UPDATE rowport.imports SET state_since = state_since - interval '1 minute' "
            "WHERE id = %(id)s",
            id=imported.id,
        )

    def rows(self, imported: Import) -> list[RowOutcome]:
        """Give the fate of each row."""
        return list(self.rowport.services.rows.outcomes(imported.organization_id, imported.id))

    def words(self, imported: Import) -> list[str]:
        """Give the fate of each row in one word, with the code where it failed."""
        return [
            f"failed {row.errors[0].code}" if row.errors else row.outcome.word
            for row in self.rows(imported)
        ]

    def sql(self, statement: LiteralString, **parameters: object) -> list[dict[str, Any]]:
        """Run a statement on a connection of its own, as a person with psql would."""
        with psycopg.connect(
            self.url,
            autocommit=True,
            row_factory=dict_row,
            options="-c search_path=rowport_jobs",  # the queue's triggers name their tables bare
        ) as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def people(self) -> list[tuple[Any, ...]]:
        """Give the records of the table `people`."""
        found = self.sql("SELECT email, name, age FROM data_default.people ORDER BY email")
        return [tuple(row.values()) for row in found]

    def chunk_states(self, imported: Import) -> list[str]:
        """Give the states of the import's chunks in order."""
        found = self.sql(
            "SELECT state FROM rowport.chunks WHERE import_id = %(id)s ORDER BY number",
            id=imported.id,
        )
        return [row["state"] for row in found]


def ref_of(imported: Import) -> ImportRef:
    """Give an import's name."""
    return ImportRef(organization_id=imported.organization_id, import_id=imported.id)


def as_csv(rows: Sequence[Sequence[str]]) -> str:
    """Write rows as CSV."""
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


class Makers:
    """What tests need besides the engine."""

    ref_of = staticmethod(ref_of)
    as_csv = staticmethod(as_csv)

    @cached_property
    def people(self) -> dict[str, object]:
        """The Table Schema of people."""
        return PEOPLE


@pytest.fixture
def make() -> Makers:
    """How things are made."""
    return Makers()


@pytest.fixture
def new_engine(database_url: str, tmp_path: Path) -> Iterator[Callable[[], Engine]]:
    """Give ways into one home and one migrated database; each is like a process of its own."""
    with connect(database_url) as connection:
        migrate(connection)
    opened: list[Rowport] = []

    def open_one() -> Engine:
        opened.append(Rowport(home=tmp_path / "home", database_url=database_url))
        return Engine(rowport=opened[-1], url=database_url)

    yield open_one
    for rowport in opened:
        rowport.close()


@pytest.fixture
def engine(new_engine: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Rowport with chunks of seven rows."""
    monkeypatch.setenv("ROWPORT_CHUNK_ROWS", "7")
    return new_engine()
