"""Exit statuses, and which error leads to which."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final, assert_never

from rowport.model.errors import Invalid, MappingIncomplete, NotFound, RowportError, UnreadableFile
from rowport.model.states import ImportState, Result

if TYPE_CHECKING:
    from rowport.model.imports import Import


class Exit(IntEnum):
    """How a command went.  The numbers are part of the interface."""

    FINE = 0
    """All was done; of an import: all rows are fine."""
    BUG = 1
    """Something that nobody foresaw; the log has the details."""
    USAGE = 2
    """The command, or what it names, cannot be; nothing was changed."""
    ROWS_FAILED = 3
    """The import completed, but some rows failed."""
    FAILED = 4
    """The import failed, or a service that it needs is not there."""
    CANCELED = 5
    """A person ended the import."""


# The first class that fits decides.
OF_ERROR: Final[tuple[tuple[type[RowportError], Exit], ...]] = (
    (UnreadableFile, Exit.FAILED),
    (MappingIncomplete, Exit.FAILED),
    (Invalid, Exit.USAGE),
    (NotFound, Exit.USAGE),
    (RowportError, Exit.FAILED),
)


def exit_of_error(error: RowportError) -> Exit:
    """Give the exit status of an error."""
    return next(status for kind, status in OF_ERROR if isinstance(error, kind))


def exit_of_import(imported: Import) -> Exit:
    """Give the exit status of an import that has ended."""
    match imported.state:
        case ImportState.CANCELED:
            return Exit.CANCELED
        case ImportState.COMPLETED:
            return exit_of_result(imported.counts.result)
        case _:
            return Exit.FAILED


def exit_of_result(result: Result) -> Exit:
    """Give the exit status of a completed import."""
    match result:
        case Result.SUCCEEDED:
            return Exit.FINE
        case Result.PARTIAL | Result.FAILED:
            return Exit.ROWS_FAILED
        case _:
            assert_never(result)
