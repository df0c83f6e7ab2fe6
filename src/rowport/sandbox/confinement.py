"""What a parser may use of the machine: set by itself, before it looks at the file."""

from __future__ import annotations

import resource
from contextlib import suppress
from pathlib import Path
from typing import Final

OUT_OF_MEMORY: Final = 77
"""Exit status of a parser that saw its memory end."""
DAMAGED: Final = 78
"""Exit status of a parser that met damage half way, and said on stderr what it is."""
_ERROR_OUTPUT_BYTES: Final = 64 * 1024
_STATUS: Final = Path("/proc/self/status")


def confine(*, memory_bytes: int, cpu_s: int) -> None:
    """Bound memory beyond what is held now, processor time, and files; nothing is dumped.

    To be called when all libraries are there: what they hold is not counted.
    Where the system does not tell what that is, its memory limit stands for the whole process.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(used.ru_utime + used.ru_stime) + 1
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, _ERROR_OUTPUT_BYTES)
    _lower(resource.RLIMIT_CPU, spent + cpu_s)
    _lower(resource.RLIMIT_DATA, _held_bytes() + memory_bytes)


def _lower(what: int, limit: int) -> None:
    _, hard = resource.getrlimit(what)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    with suppress(OSError, ValueError):  # not every system knows every limit
        resource.setrlimit(what, (limit, limit))


def _held_bytes() -> int:
    """Give the writable memory that the process has now."""
    with suppress(OSError):
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    return 0
