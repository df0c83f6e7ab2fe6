"""What the supervisor tells its clients, in one small file."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rowport.store.embedded.layout import Home

SIZE_BYTES = 4_096


class Phase(StrEnum):
    """How far the server is."""

    STARTING = "starting"  # nobody answers yet, or not any more; `problem` says why if known
    READY = "ready"  # connections are accepted
    FAILED = "failed"  # the supervisor gave up and left; `problem` says why


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The word of one supervisor; it holds only while that process holds the owner lock."""

    supervisor: int
    phase: Phase
    socket: str = ""
    problem: str = ""


def write_state(home: Home, state: State) -> None:
    """Overwrite the state in place.

    The file always has the same size, so that it can be rewritten on a full disk.
    """
    limits = asdict(state) | {"problem": state.problem[-2_000:]}
    text = json.dumps(limits).encode()
    if len(text) > SIZE_BYTES:
        text = json.dumps(limits | {"problem": "see the log"}).encode()
    descriptor = home.open(home.state, os.O_RDWR)
    try:
        os.pwrite(descriptor, text.ljust(SIZE_BYTES), 0)
    finally:
        os.close(descriptor)


def read_state(home: Home) -> State | None:
    """The last word, None when there is none or it is being written."""
    try:
        words = json.loads(home.state.read_bytes())
        return State(**words | {"phase": Phase(words["phase"])})
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
