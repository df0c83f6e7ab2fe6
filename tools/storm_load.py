"""The load of the storm: files whose fate is known beforehand, and what became of them."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx
import psycopg

from rowport.bootstrap import Rowport

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SCHEMA: Final = {
    "fields": [
        {"name": "email", "type": "string", "constraints": {"required": True}},
        {"name": "name", "type": "string", "constraints": {"required": True}},
        {"name": "age", "type": "integer"},
    ],
    "primaryKey": ["email"],
}
BAD: Final = 50
"""One row in so many has no name."""
AGAIN: Final = 40
"""One row in so many repeats the key of the row before it."""
AFTER_A_GOOD_ONE: Final = 3
SHARED: Final = 20
"""One row in so many has a key that stands in every file."""
OPEN: Final = 4
"""Imports that go on at any time."""
ROWS: Final = 4_000
ANSWER_S: Final = 60.0
POLL_S: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file, and what has to come of it."""

    name: str
    content: bytes
    good: frozenset[str]
    failed: int

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return len(self.good) + self.failed


def make_file(number: int, rows: int = ROWS) -> File:
    """Make the file of this number: own rows, shared ones, bad ones and repeated keys."""
    lines, good, failed, last = ["email,name,age"], set(), 0, ""
    for row in range(rows):
        email = f"s{row}@x.org" if row % SHARED == 0 else f"u{number}-{row}@x.org"
        name = f"N {email}"
        if row % BAD == 1:
            name, failed = "", failed + 1
        elif row % AGAIN == AFTER_A_GOOD_ONE:
            email, failed = last, failed + 1
        else:
            good.add(email)
            last = email
        lines.append(f"{email},{name},7")
    return File(
        name=f"storm-{number}.csv",
        content="\n".join(lines).encode(),
        good=frozenset(good),
        failed=failed,
    )


@dataclass(slots=True, kw_only=True)
class Load:
    """Somebody who keeps sending files, whatever happens to the server."""

    url: str
    database_url: str
    token: str
    rows: int = ROWS
    sent: dict[str, File] = field(default_factory=dict)
    repeated: int = 0
    """Requests that were sent again because their answer was lost."""
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to send."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Send no more files; the one being sent is sent to its end."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the database, however long it takes to answer."""
        while True:
            with suppress(psycopg.Error), psycopg.connect(self.database_url) as connection:
                return connection.execute(query.encode()).fetchall()
            time.sleep(POLL_S)

    def open_imports(self) -> int:
        """Count the imports that have not ended."""
        [(count,)] = self.ask("SELECT count(*) FROM rowport.imports WHERE finished_at IS NULL")
        return int(count)

    def _run(self) -> None:
        while not self._stop.is_set():
            if self.open_imports() < OPEN:
                self._send(make_file(len(self.sent), self.rows))
            self._stop.wait(POLL_S)

    def _send(self, file: File) -> None:
        """Send it until it is there: an answer that was lost is looked up, not guessed."""
        self.sent[file.name] = file
        while True:
            with suppress(httpx.HTTPError):
                answer = httpx.post(
                    f"{self.url}/v1/imports",
                    files={"file": (file.name, file.content)},
                    data={"type": "people"},
                    headers={"Authorization": f"Bearer {self.token}"},
                    timeout=ANSWER_S,
                )
                if answer.is_success:
                    return
            if self._is_there(file):
                return
            self.repeated += 1
            time.sleep(POLL_S)

    def _is_there(self, file: File) -> bool:
        found = self.ask(f"SELECT 1 FROM rowport.import_files WHERE name = '{file.name}'")  # noqa: S608  our own name
        return bool(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of everything that was sent."""

    imports: int
    rows: int
    lost: int
    doubled: int
    wrong: list[str]
    """Imports whose counters, state or row fates are not what they must be, with the reason."""
    not_ended: int

    @property
    def is_clean(self) -> bool:
        """Tell whether nothing at all went wrong."""
        return not (self.lost or self.doubled or self.wrong or self.not_ended)


def judge(load: Load, home: Path) -> Verdict:
    """Compare the table, the counters and the fate of each row with what was sent."""
    there = [email for (email,) in load.ask("SELECT email FROM data_default.people")]
    good = frozenset[str]().union(*(file.good for file in load.sent.values()))
    with Rowport(home=home, database_url=load.database_url) as rowport:
        wrong, created, seen = [], 0, Counter[str]()
        organization_id = rowport.organization.id
        for import_id, name in load.ask("SELECT import_id, name FROM rowport.import_files"):
            imported = rowport.services.imports.get(organization_id, import_id)
            fates = Counter(
                row.outcome.word
                for row in rowport.services.rows.outcomes(organization_id, import_id)
            )
            seen[name] += 1
            created += imported.counts.created
            wrong += _faults(load.sent[name], imported, fates)
    wrong += [f"{name}: {seen[name]} imports" for name in load.sent if seen[name] != 1]
    return Verdict(
        imports=len(load.sent),
        rows=sum(file.rows for file in load.sent.values()),
        lost=len(good - set(there)),
        doubled=len(there)
        - len(set(there))
        + max(created - len(there), 0)
        + len(set(there) - good),
        wrong=wrong,
        not_ended=load.open_imports(),
    )


def _faults(file: File, imported: Any, fates: Counter[str]) -> list[str]:  # noqa: ANN401  an Import
    counts = imported.counts
    loaded = counts.created + counts.updated + counts.unchanged
    told = {
        word: number
        for word in ("created", "updated", "unchanged", "skipped", "failed", "pending")
        if (number := getattr(counts, word))
    }
    checks = {
        f"is {imported.state} ({imported.error})": imported.state == "completed",
        f"counts {told}": (loaded, counts.failed, counts.total)
        == (len(file.good), file.failed, file.rows),
        f"rows {dict(fates)}, counters {told}": dict(fates) == told,
    }
    return [
        f"{file.name} {imported.id} {what}" for what, is_right in checks.items() if not is_right
    ]


def write_schema(path: Path) -> Path:
    """Write the schema of the load's record type."""
    path.write_text(json.dumps(SCHEMA))
    return path


def spread(values: Sequence[float]) -> str:
    """Say median and worst of some times."""
    if not values:
        return "-"
    ordered = sorted(values)
    return f"median {ordered[len(ordered) // 2]:.1f} s, worst {ordered[-1]:.1f} s"
