"""Put the parts together: the only room that knows all others.

Heavy libraries (Arrow, Polars) are brought in by the first use case that needs them, so that a
process that only asks for a status stays small and quick.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from datetime import timedelta
from functools import cache, cached_property
from typing import TYPE_CHECKING, Self

from rowport.blobs.local import LocalBlobs
from rowport.config import Settings, settings
from rowport.model.errors import InvalidOptions, Unavailable
from rowport.model.organizations import DEFAULT_SLUG
from rowport.store.database import SESSION, PostgresDatabase, connect
from rowport.store.embedded.client import EmbeddedPostgres
from rowport.store.embedded.settings import durability_warnings
from rowport.store.ledger import ledger
from rowport.store.migrations import migrate
from rowport.store.presence import Presence, alive_workers, is_busy, mend_clocks
from rowport.store.saying import many

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import procrastinate

    from rowport.api.mounting import Mounted
    from rowport.model.feeds import SourceKind
    from rowport.model.organizations import Organization
    from rowport.ports import Destination, Queue
    from rowport.ports.ledger import Ledger
    from rowport.ports.sourcing import Source
    from rowport.ports.telling import Listener
    from rowport.runtime.surroundings import Surroundings
    from rowport.runtime.trial import Trial
    from rowport.service import Services, Works
    from rowport.service.access import Access
    from rowport.service.artifacts import Artifacts
    from rowport.service.control import Control
    from rowport.service.definitions import Definitions
    from rowport.service.events import Events
    from rowport.service.feeds import Feeds, SavedMappings
    from rowport.service.imports import Imports
    from rowport.service.links import Links
    from rowport.service.mending import Mending
    from rowport.service.observing import Observing
    from rowport.service.preparing import Preparing
    from rowport.service.reading import FileTable
    from rowport.service.record_types import RecordTypes
    from rowport.service.replays import Replays
    from rowport.service.retention import Retention
    from rowport.service.rounds import Rounds
    from rowport.service.rows import Rows
    from rowport.service.undos import Undos
    from rowport.service.uploads import Uploads
    from rowport.service.usage import Usage
    from rowport.service.vault import Vault
    from rowport.service.waiting import Waits
    from rowport.service.webhooks import Webhooks

log = logging.getLogger(__name__)


class Rowport:
    """One process's way into a home and its database; close it, or use it as a context."""

    def __init__(self, *, home: Path, database_url: str | None, session: str = SESSION) -> None:
        self.home = home
        self._session = session
        self._server = None if database_url else EmbeddedPostgres(home)
        self._given_url = database_url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database; an embedded one stops with its last user."""
        if "database" in self.__dict__:
            self.database.close()
        if self._server is not None:
            self._server.leave()

    # ------------------------------------------------------------------------------- database

    @property
    def database_url(self) -> str:
        """The libpq URL of the database."""
        return self._given_url or self._embedded.url()

    @property
    def _embedded(self) -> EmbeddedPostgres:
        if self._server is None:
            raise Unavailable("This home uses a database of its own URL.")
        return self._server

    def ensure_database(self) -> None:
        """Wait until the database answers; an embedded one is brought back.

        Raises:
            Unavailable: it does not answer in time.
        """
        if self._server is not None:
            self._server.ensure()
        else:
            connect(self.database_url).close()

    def migrate(self) -> list[str]:
        """Bring the database to this version's schema; gives the names of what was applied."""
        with connect(self.database_url) as connection:
            applied = migrate(connection)
            for warning in durability_warnings(_durability(self.database)):
                log.warning("%s", warning)
        return applied

    @cached_property
    def database(self) -> PostgresDatabase:
        """Where transactions come from."""
        return PostgresDatabase(self.database_url, self._session)

    @cached_property
    def ledger(self) -> Ledger:
        """Everything Rowport knows."""
        return ledger(self.database, running_limit=settings().running_imports)

    @cached_property
    def organization(self) -> Organization:
        """The organization that the CLI works in."""
        with self.database.transaction() as tx:
            return self.ledger.organizations.ensure(tx, DEFAULT_SLUG, "Default organization")

    def named_organization(self, slug: str) -> Organization:
        """Give the organization of this slug; the default one is made when it is first named.

        Raises:
            OrganizationNotFound: there is none.
        """
        if slug == DEFAULT_SLUG:
            return self.organization
        return self.services.access.organization(slug)

    @property
    def blobs(self) -> LocalBlobs:
        """Where files are kept."""
        return LocalBlobs(self.home / "blobs")

    def vault(self) -> Vault:
        """Where secrets that have to be used again are encrypted; the key is not in the database.

        Raises:
            InvalidOptions: ROWPORT_SECRET_KEYS holds what is no key.
        """
        from rowport.service.vault import Vault, key_in, read_keys

        return Vault(keys=read_keys(settings().secret_keys or key_in(self.home)))

    # ------------------------------------------------------------------------------ use cases

    @cached_property
    def services(self) -> Services:
        """The use cases that faces offer to people."""
        return LazyServices(self)

    def new_works(self) -> Works:
        """Make the use cases of a worker, for one thread."""
        from rowport import destinations, formats
        from rowport.ports import ChunkLimits
        from rowport.runtime.queue import ProcrastinateQueue
        from rowport.service import Works
        from rowport.service.delivering import Delivering
        from rowport.service.events import Telling
        from rowport.service.feeding import Feeding
        from rowport.service.first_wins import FirstWins
        from rowport.service.kept_keys import KeptKeys
        from rowport.service.loading import Loading
        from rowport.service.planning import Planning
        from rowport.service.retention import Retention
        from rowport.service.settling import Settling
        from rowport.service.undoing import Undoing

        known = formats.discover()
        destination = destinations.discover()["postgres"]
        chosen = settings()
        settling = Settling(ledger=self.ledger)
        return Works(
            ledger=self.ledger,
            settling=settling,
            telling=Telling(ledger=self.ledger),
            delivering=Delivering(ledger=self.ledger, allowed=chosen.outbound_allowed),
            retention=Retention(ledger=self.ledger, blobs=self.blobs),
            feeding=Feeding(
                ledger=self.ledger,
                sources=_sources,
                vault=self.vault,
                blobs=self.blobs,
                queue=ProcrastinateQueue(self.new_app()),
            ),
            uploads=self.services.uploads,
            planning=Planning(
                ledger=self.ledger,
                formats=known,
                blobs=self.blobs,
                limits=ChunkLimits(chunk_bytes=chosen.chunk_bytes, chunk_rows=chosen.chunk_rows),
                settle=settling.settle,
            ),
            loading=Loading(
                ledger=self.ledger,
                formats=known,
                blobs=self.blobs,
                destination=destination,
                first_wins=FirstWins(ledger=self.ledger),
                kept_keys=KeptKeys(ledger=self.ledger),
            ),
            undoing=Undoing(ledger=self.ledger, destination=destination),
        )

    # -------------------------------------------------------------------------------- workers

    def new_app(self) -> procrastinate.App:
        """Make the queue's app."""
        from rowport.runtime.queue import new_app

        return new_app(self.database_url)

    def surroundings(self) -> Surroundings:
        """Give a worker its world."""
        from rowport.runtime.surroundings import Surroundings

        return Surroundings(
            presence=Presence(self.database_url, self._session),
            ensure_database=self.ensure_database,
            is_busy=self.is_busy,
            mend_clocks=self._mend_clocks,
            new_app=self.new_app,
            new_works=self.new_works,
            start_trial=self._start_trial,
            has_home=self._home_watch(),
        )

    def _start_trial(self, trial: Trial) -> subprocess.Popen[bytes]:
        command = [*self.worker_command(), "--with-parent"]
        return subprocess.Popen(  # noqa: S603  our own program, no shell
            # Under our session, so that it is ended with us when we fall silent.
            [*command, "--session", self._session, "--trial", trial.words()],
            stdin=subprocess.PIPE,
            env={**os.environ, **self.worker_environment()},
        )

    def _home_watch(self) -> Callable[[], bool]:
        """Give what tells whether the home is still the one it is now."""
        before = self._home_identity()
        return lambda: self._home_identity() == before

    def _home_identity(self) -> str | None:
        if self._server is None:
            return None
        try:
            return self._server.identity.read_text()
        except OSError:
            return ""

    def is_busy(self) -> bool:
        """Tell whether any import should move by itself."""
        with self.database.transaction() as tx:
            return is_busy(tx)

    def _mend_clocks(self) -> None:
        with self.database.transaction() as tx:
            mend_clocks(tx)

    def new_listener(self) -> Listener:
        """Make a line on which new events are heard."""
        from rowport.store.events import PostgresListener

        return PostgresListener(self.database_url)

    def alive_workers(self) -> int:
        """Count the workers connected to this database."""
        with self.database.transaction() as tx:
            return alive_workers(tx)

    def worker_command(self, *, until_idle: bool = False) -> list[str]:
        """Give the command line of one more worker of this home (its URL goes by environment)."""
        command = [sys.executable, "-P", "-m", "rowport.cli", "--home", str(self.home), "worker"]
        return [*command, "--until-idle"] if until_idle else command

    def worker_environment(self) -> dict[str, str]:
        """Give what a worker needs in its environment besides ours."""
        return {"ROWPORT_DATABASE_URL": self._given_url} if self._given_url else {}


class LazyServices:
    """The use cases, each brought in with its libraries by its first use."""

    def __init__(self, rowport: Rowport) -> None:
        self._ledger = rowport.ledger
        self._blobs = rowport.blobs
        self._new_app = rowport.new_app
        self._vault = rowport.vault
        self._listen = rowport.new_listener

    @cached_property
    def _queue(self) -> Queue:
        from rowport.runtime.queue import ProcrastinateQueue

        return ProcrastinateQueue(self._new_app())

    @cached_property
    def access(self) -> Access:
        """See Services.access."""
        from rowport.service.access import Access

        return Access(ledger=self._ledger)

    @cached_property
    def record_types(self) -> RecordTypes:
        """See Services.record_types."""
        from rowport.service.record_types import RecordTypes

        return RecordTypes(ledger=self._ledger, destination=_destination)

    @cached_property
    def imports(self) -> Imports:
        """See Services.imports."""
        from rowport.service.imports import Imports
        from rowport.service.settling import Settling

        return Imports(
            ledger=self._ledger,
            record_types=self.record_types,
            blobs=self._blobs,
            queue=self._queue,
            settle=Settling(ledger=self._ledger).settle,
        )

    @cached_property
    def uploads(self) -> Uploads:
        """See Services.uploads."""
        from rowport.service.uploads import Uploads

        chosen = settings()
        return Uploads(
            ledger=self._ledger,
            blobs=self._blobs,
            most_bytes=chosen.max_upload_bytes,
            kept=timedelta(days=chosen.upload_days),
        )

    @cached_property
    def control(self) -> Control:
        """See Services.control."""
        from rowport.service.control import Control

        return Control(
            ledger=self._ledger,
            imports=self.imports,
            queue=self._queue,
            settle=self.imports.settle,
        )

    @cached_property
    def rounds(self) -> Rounds:
        """See Services.rounds."""
        from rowport.service.rounds import Rounds

        return Rounds(
            ledger=self._ledger,
            imports=self.imports,
            blobs=self._blobs,
            queue=self._queue,
            settle=self.imports.settle,
            mending=self._new_mending,
        )

    @cached_property
    def undos(self) -> Undos:
        """See Services.undos."""
        from rowport.service.undos import Undos

        return Undos(
            ledger=self._ledger,
            imports=self.imports,
            queue=self._queue,
            settle=self.imports.settle,
        )

    def _new_mending(self) -> Mending:
        from rowport import formats
        from rowport.service.mending import Mending

        return Mending(ledger=self._ledger, formats=formats.discover(), blobs=self._blobs)

    @cached_property
    def waits(self) -> Waits:
        """See Services.waits."""
        from rowport.service.waiting import Waits

        return Waits(ledger=self._ledger)

    @cached_property
    def preparing(self) -> Preparing:
        """See Services.preparing."""
        from rowport.service.preparing import Preparing

        return Preparing(
            ledger=self._ledger,
            imports=self.imports,
            record_types=self.record_types,
            blobs=self._blobs,
            queue=self._queue,
        )

    @cached_property
    def rows(self) -> Rows:
        """See Services.rows."""
        from rowport.service.rows import Rows

        return Rows(ledger=self._ledger)

    @cached_property
    def artifacts(self) -> Artifacts:
        """See Services.artifacts."""
        from rowport.service.artifacts import Artifacts

        return Artifacts(record_types=self.record_types, rows=self.rows)

    @cached_property
    def links(self) -> Links:
        """See Services.links."""
        from rowport.service.links import Links

        return Links(ledger=self._ledger)

    @cached_property
    def feeds(self) -> Feeds:
        """See Services.feeds."""
        from rowport.service.feeds import Feeds

        return Feeds(
            ledger=self._ledger,
            record_types=self.record_types,
            sources=_sources,
            vault=self._vault,
        )

    @cached_property
    def definitions(self) -> Definitions:
        """See Services.definitions."""
        from rowport.service.definitions import Definitions

        return Definitions(ledger=self._ledger, imports=self.imports, blobs=self._blobs)

    @cached_property
    def mappings(self) -> SavedMappings:
        """See Services.mappings."""
        from rowport.service.feeds import SavedMappings

        return SavedMappings(ledger=self._ledger)

    @cached_property
    def replays(self) -> Replays:
        """See Services.replays."""
        from rowport.service.replays import Replays

        return Replays(ledger=self._ledger)

    @cached_property
    def events(self) -> Events:
        """See Services.events."""
        from rowport.service.events import Events

        return Events(ledger=self._ledger, listen=self._listen)

    @cached_property
    def observing(self) -> Observing:
        """See Services.observing."""
        from rowport.service.observing import Observing
        from rowport.store.figures import PostgresFigures

        return Observing(database=self._ledger.database, figures=PostgresFigures())

    @cached_property
    def usage(self) -> Usage:
        """See Services.usage."""
        from rowport.service.usage import Usage
        from rowport.store.usage import PostgresUsage

        return Usage(ledger=self._ledger, usage=PostgresUsage())

    @cached_property
    def webhooks(self) -> Webhooks:
        """See Services.webhooks."""
        from rowport.service.delivering import Delivering
        from rowport.service.webhooks import Webhooks

        delivering = Delivering(ledger=self._ledger, allowed=settings().outbound_allowed)
        return Webhooks(ledger=self._ledger, delivering=delivering)

    @cached_property
    def retention(self) -> Retention:
        """See Services.retention."""
        from rowport.service.retention import Retention

        return Retention(ledger=self._ledger, blobs=self._blobs)


@cache
def _destination() -> Destination:
    from rowport import destinations

    return destinations.discover()["postgres"]


def _durability(database: PostgresDatabase) -> dict[str, str]:
    with database.transaction() as tx:
        return {row["name"]: row["setting"] for row in many(tx, "durability")}


def _sources() -> Mapping[SourceKind, Source]:
    from rowport import sources

    return sources.discover()


def mounted_dialects(chosen: Settings) -> list[Mounted]:
    """Give the dialects that are switched on, each under its prefix.

    Raises:
        InvalidOptions: a name is no dialect's.
    """
    from rowport import dialects
    from rowport.api.mounting import Mounted

    known = dialects.discover()
    for name in {*(chosen.dialects or ()), *chosen.dialect_prefixes} - set(known):
        raise InvalidOptions(f"There is no dialect {name!r}. Known: {', '.join(known)}.")
    return [
        Mounted(dialect=dialect, prefix=chosen.dialect_prefixes.get(name, ""))
        for name, dialect in known.items()
        if chosen.dialects is None or name in chosen.dialects
    ]


def open_table(path: Path, given: Mapping[str, object]) -> FileTable:
    """Open a file of this machine as a table, where it lies and without any database.

    Raises:
        Invalid: it cannot be read.
        InvalidOptions: an option is unknown to its format, or cannot be right.
        UnreadableFile: it cannot be read as a table.
    """
    from rowport import formats
    from rowport.blobs.file import FileReader
    from rowport.service import reading

    name = os.fsencode(path.name).decode("utf-8", "replace")
    return reading.open_table(formats.discover(), FileReader(path), name, given)


def suffixes() -> set[str]:
    """Give the endings of file names that formats have."""
    from rowport import formats

    return {suffix for form in formats.discover().values() for suffix in form.suffixes}


def open_rowport(
    *, home: Path, database_url: str | None, migrate: bool = True, session: str = SESSION
) -> Rowport:
    """Open a home: join or start its embedded database, or connect to the one given.

    `session` is what the database's server calls this process.

    Raises:
        Unavailable: the database does not answer.
        MigrationFailed: its schema cannot be brought to this version.
    """
    path = home.expanduser().resolve()
    rowport = Rowport(home=path, database_url=database_url, session=session)
    try:
        rowport.ensure_database()
        if migrate:
            rowport.migrate()
    except BaseException:
        rowport.close()
        raise
    return rowport
