"""Wait for the end of an import, and see to it that somebody works on it."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from rowport.cli.speech import note
from rowport.engine.mapping import needed
from rowport.model.errors import IllegalTransition, MappingIncomplete, Unavailable
from rowport.model.states import ImportState

if TYPE_CHECKING:
    from rowport.bootstrap import Rowport
    from rowport.cli.crew import Crew
    from rowport.cli.interrupts import Interrupts
    from rowport.cli.progress import Progress
    from rowport.model.imports import Import

FIRST_POLL_S: Final = 0.02
LONGEST_POLL_S: Final = 0.2
OUTAGE_S: Final = 30.0
"""How long the database may be away before a follower gives up; the import itself does not."""


class Follower:
    """Follows one import."""

    def __init__(
        self,
        rowport: Rowport,
        *,
        crew: Crew,
        progress: Progress,
        interrupts: Interrupts,
        is_canceling: bool = False,
    ) -> None:
        self._rowport = rowport
        self._crew = crew
        self._progress = progress
        self._interrupts = interrupts
        self._lost_at: float | None = None
        self._asked_to_cancel = is_canceling

    def until_final(self, imported: Import) -> Import:
        """Wait until the import has ended; Ctrl-C cancels it first.

        Raises:
            MappingIncomplete: it needs a mapping that nobody here can give; it was canceled.
            Unavailable: the database or the workers stay away; the import is not lost.
        """
        pause_s = FIRST_POLL_S
        try:
            while not imported.state.is_final:
                time.sleep(pause_s)
                pause_s = min(LONGEST_POLL_S, pause_s * 1.3)
                imported = self._look(imported)
                self._progress.show(imported)
        finally:
            self._progress.close()
        return imported

    def _look(self, imported: Import) -> Import:
        try:
            if self._interrupts.was_asked and not self._asked_to_cancel:
                self._cancel(imported)
            imported = self._rowport.services.imports.look(imported.organization_id, imported.id)
            if imported.state is ImportState.NEEDS_MAPPING:
                self._refuse_mapping(imported)
            if not imported.state.is_final and imported.state is not ImportState.PAUSED:
                self._crew.ensure()
        except Unavailable as error:
            self._bear(imported, error)
        else:
            self._lost_at = None
        return imported

    def _cancel(self, imported: Import) -> None:
        note("rowport: canceling; what is loaded stays (Ctrl-C again leaves at once)")
        with suppress(IllegalTransition):  # it ended in the same moment
            self._rowport.services.imports.cancel(imported.organization_id, imported.id)
        self._asked_to_cancel = True

    def _refuse_mapping(self, imported: Import) -> None:
        """Nobody is here to map: end the import and say how to begin it again."""
        record_type = self._rowport.services.record_types.get(
            imported.organization_id, imported.type_name
        )
        self._rowport.services.imports.cancel(imported.organization_id, imported.id)
        mapped = set((imported.mapping or {}).values())
        wanted = needed(record_type.schema, key=imported.options.key or record_type.key)
        missing = [name for name in wanted if name not in mapped]
        raise MappingIncomplete(missing_words(missing, headers_of(imported)))

    def _bear(self, imported: Import, error: Unavailable) -> None:
        with suppress(Unavailable):  # it may be that nobody else is left to bring it back
            self._rowport.ensure_database()
        now = time.monotonic()
        self._lost_at = self._lost_at or now
        if now - self._lost_at > OUTAGE_S:
            raise Unavailable(
                f"{error.message} (import {imported.id} goes on once it is back; "
                f"`rowport status {imported.id}` tells)"
            ) from error


def headers_of(imported: Import) -> list[str]:
    """Give the header cells of the import's file."""
    layout = imported.files[0].layout if imported.files else None
    header = (layout or {}).get("header")
    return [str(cell) for cell in header] if isinstance(header, (list, tuple)) else []


def missing_words(missing: list[str], header: list[str]) -> str:
    """Say which fields have no column, and what to type."""
    plural = "fields" if len(missing) > 1 else "field"
    fields = ", ".join(missing)
    maps = " ".join(f"--map 'HEADER={name}'" for name in missing)
    columns = f"; the file's columns are: {', '.join(header)}" if header else ""
    return f"no column feeds the required {plural} {fields}: say which with {maps}{columns}"
