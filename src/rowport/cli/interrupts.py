"""Ctrl-C, taken at a moment that suits: the first asks, the second leaves at once."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import FrameType


class Interrupts:
    """While this context is open the first SIGINT is only noted; the next one interrupts.

    A KeyboardInterrupt in the midst of a query would cost the connection.
    """

    def __init__(self) -> None:
        self.was_asked = False
        self._before: object = None

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)  # type: ignore[arg-type]  # what signal() gave

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        if self.was_asked:
            raise KeyboardInterrupt
        self.was_asked = True
