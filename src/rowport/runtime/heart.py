"""A worker's heartbeat, and its ear for those of the others.

A process that is frozen keeps its connections, and with them the chunks that it holds.  Nobody can
ask it; but it does not say either that it is alive.  Then another worker ends its sessions: what
it had not committed is undone, its chunks are free, and when it wakes up it finds its lines cut.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

from rowport.model.errors import RowportError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from rowport.runtime.surroundings import Presence

log = logging.getLogger(__name__)

BEAT_S: Final = 1.0
SILENT: Final = 8
"""Heard so often in a row without a new sign of life, a worker is frozen.

Counted, not timed: clocks jump, and whoever was frozen himself has not listened meanwhile.
"""


class Heart:
    """Beats in a thread of its own, so that nothing that a worker waits for stops it."""

    def __init__(self, presence: Presence, on_fault: Callable[[RowportError], None]) -> None:
        """`on_fault` is told why this worker cannot go on, if it cannot."""
        self._presence = presence
        self._on_fault = on_fault
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._live, name="heart", daemon=True)
        self._heard: dict[str, tuple[str, int]] = {}

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def stop(self) -> None:
        """Be counted no more."""
        self._over.set()
        self._thread.join(timeout=1)  # the database may be silent itself
        if not self._thread.is_alive():
            self._presence.leave()

    def _live(self) -> None:
        while not self._over.is_set():
            try:
                self._presence.announce()
                self.listen()
            except Unavailable:
                self._heard.clear()
            except RowportError as error:
                self._on_fault(error)
                return
            except Exception as error:  # noqa: BLE001  a worker without a heart passes for frozen
                log.error("the heart met %s", type(error).__name__)  # noqa: TRY400  no values
            self._over.wait(BEAT_S)

    def listen(self) -> None:
        """Hear the others once, and end the sessions of those that fell silent.

        Raises:
            Unavailable: the database does not answer.
        """
        signs = self._presence.others()
        self._heard = {
            session: (sign, self._times(session, sign)) for session, sign in signs.items()
        }
        for session, (_, times) in self._heard.items():
            if times >= SILENT:
                log.warning("%s has fallen silent: its sessions are ended", session)
                self._presence.end(session)

    def _times(self, session: str, sign: str) -> int:
        before, times = self._heard.get(session, ("", 0))
        return times + 1 if sign == before else 0
