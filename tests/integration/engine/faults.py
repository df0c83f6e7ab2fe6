"""Break the Nth call of a process to its database or its blob store."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import psycopg

from rowport.blobs.local import LocalBlobs, LocalReader
from rowport.model.errors import Unavailable
from rowport.store import database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

BLOB_CALLS = ((LocalBlobs, "write"), (LocalBlobs, "open"), (LocalReader, "read_at"))


class Moment(StrEnum):
    """When a call breaks."""

    BEFORE = "before"
    """It never came to be."""
    AFTER = "after"
    """It was done, and its answer was lost: of a commit, nobody knows whether it was."""


@dataclass(slots=True, kw_only=True)
class Faults:
    """Counts the calls, and breaks one of them."""

    calls: list[str] = field(default_factory=list)
    """What was called since it was armed."""
    _at: int | None = None
    _moment: Moment = Moment.BEFORE
    _is_armed: bool = False

    @contextmanager
    def armed(self, at: int | None = None, moment: Moment = Moment.BEFORE) -> Iterator[None]:
        """Count from 0, and break call number `at`; None breaks none."""
        self.calls.clear()
        self._at, self._moment, self._is_armed = at, moment, True
        try:
            yield
        finally:
            self._is_armed = False

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Do not count for a while."""
        was, self._is_armed = self._is_armed, False
        try:
            yield
        finally:
            self._is_armed = was

    def call(self, name: str, what: Callable[[], Any], lose: Callable[[], Exception]) -> Any:  # noqa: ANN401  the call's
        """Do it, unless its turn to break has come; `lose` breaks the line and tells with what."""
        if not self._is_armed:
            return what()
        self.calls.append(name)
        if len(self.calls) - 1 != self._at:
            return what()
        if self._moment is Moment.AFTER:
            what()
        raise lose()


def put_between(faults: Faults, patch: pytest.MonkeyPatch) -> None:
    """Let every round trip to the server, and every call of the blob store, go through `faults`."""

    class Line(psycopg.Connection[Any]):
        """A connection of which a round trip can break."""

        def wait(self, gen: Any, *words: Any, **named: Any) -> Any:  # noqa: ANN401  psycopg's
            """Do a round trip."""

            def lose() -> Exception:
                self.pgconn.finish()
                return psycopg.OperationalError("the connection is lost")

            def go() -> Any:  # noqa: ANN401  psycopg's
                return super(Line, self).wait(gen, *words, **named)

            return faults.call(gen.__qualname__, go, lose)

    class Psycopg:
        """The library, with lines that break."""

        connect = Line.connect

        def __getattr__(self, name: str) -> object:
            return getattr(psycopg, name)

    patch.setattr(database, "psycopg", Psycopg())
    for owner, name in BLOB_CALLS:
        patch.setattr(owner, name, _breakable(faults, getattr(owner, name)))


def _breakable(faults: Faults, real: Callable[..., Any]) -> Callable[..., Any]:
    def call(*words: Any) -> Any:  # noqa: ANN401  the blob store's
        return faults.call(
            real.__qualname__,
            lambda: real(*words),
            lambda: Unavailable("The blob store does not answer."),
        )

    return call
