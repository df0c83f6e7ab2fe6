"""What is said of an import that has ended."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from rowport.cli.speech import printable
from rowport.model.imports import Priority
from rowport.model.states import ImportState
from rowport.model.undo import UndoState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rowport.model.counts import Counts
    from rowport.model.imports import Import
    from rowport.model.outcomes import RowOutcome
    from rowport.model.undo import Undo

ROWS_LOOKED_AT: Final = 100_000
"""Failed rows that are read for the worst columns; with more, the summary says so."""
SHOWN: Final = 8
UNDO_WORDS: Final = {
    UndoState.RUNNING: "is being undone",
    UndoState.COMPLETED: "was undone",
    UndoState.FAILED: "could not be undone",
}
MESSAGE_WIDTH: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A kind of error, with how often it was met and one example."""

    field: str
    code: str
    count: int
    message: str


def worst(rows: Iterable[RowOutcome]) -> list[Fault]:
    """Give the columns and kinds of errors, the most frequent first."""
    counted: Counter[tuple[str, str]] = Counter()
    messages: dict[tuple[str, str], str] = {}
    for row in islice(rows, ROWS_LOOKED_AT):
        for error in row.errors:
            kind = (error.field or "(row)", str(error.code))
            counted[kind] += 1
            messages.setdefault(kind, error.message)
    ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return [
        Fault(field=kind[0], code=kind[1], count=count, message=messages[kind])
        for kind, count in ranked
    ]


def summary_lines(imported: Import) -> list[str]:
    """Say how the import went: its end, and each count."""
    names = ", ".join(printable(file.name) for file in imported.files)
    lines = [f"{names} -> {imported.type_name}: {verdict(imported)}", f"import {imported.id}", ""]
    if imported.priority is not Priority.NORMAL and not imported.state.is_final:
        lines[1] += f" ({imported.priority} priority)"
    lines += count_lines(imported.counts, is_final=imported.state.is_final)
    if pace := pace_words(imported):
        lines[-1] += f"   {pace}"
    return [*lines, *undo_lines(imported.undo)] if imported.undo else lines


def undo_lines(undo: Undo) -> list[str]:
    """Say how far an import is taken back, of the rows that had written records."""
    how = UNDO_WORDS[undo.state]
    if undo.error:
        how += f": {printable(undo.error.message)}"
    counts = undo.counts
    rows = [("reversed", counts.reversed), ("kept", counts.kept), ("errored", counts.errored)]
    if counts.pending:
        rows.append(("pending", counts.pending))
    width = max(len(f"{count:,}") for _, count in rows)
    return ["", f"It {how}", *(f"  {name:<11}  {count:>{width},}" for name, count in rows)]


def verdict(imported: Import) -> str:
    """Say in a few words how it ended."""
    counts = imported.counts
    match imported.state:
        case ImportState.COMPLETED if counts.total == 0:
            return "completed; the file has a header but no data rows, so there was nothing to do"
        case ImportState.COMPLETED if counts.failed == 0:
            return "completed, all rows are fine"
        case ImportState.COMPLETED if counts.failed == counts.total:
            return "completed, but every row failed"
        case ImportState.COMPLETED:
            return f"completed, {counts.failed:,} of {counts.total:,} rows failed"
        case ImportState.FAILED if imported.error:
            return f"failed: {printable(imported.error.message)}"
        case _:
            return str(imported.state).replace("_", " ")


def count_lines(counts: Counts, *, is_final: bool) -> list[str]:
    """Say the counts, one a line, and their sum."""
    rows = [
        ("created", counts.created),
        ("updated", counts.updated),
        ("unchanged", counts.unchanged),
        ("skipped", counts.skipped),
        ("failed", counts.failed),
    ]
    if counts.pending:
        rows.append(("unprocessed" if is_final else "pending", counts.pending))
    width = len(f"{counts.total:,}")
    lines = [f"  {name:<11}  {count:>{width},}" for name, count in rows]
    return [*lines, f"  {'total':<11}  {counts.total:>{width},}"]


def pace_words(imported: Import) -> str:
    """Say how long it took and how fast it went."""
    if not (imported.started_at and imported.finished_at):
        return ""
    took_s = (imported.finished_at - imported.started_at).total_seconds()
    if took_s <= 0 or not imported.counts.processed:
        return ""
    return f"in {took_s:,.2f} s ({imported.counts.processed / took_s:,.0f} rows/s)"


def worst_lines(faults: list[Fault], *, failed: int) -> list[str]:
    """Say which columns are the worst."""
    if not faults:
        return []
    title = "Worst columns"
    if failed > ROWS_LOOKED_AT:
        title += f" (of the first {ROWS_LOOKED_AT:,} failed rows)"
    shown = faults[:SHOWN]
    fields = [printable(fault.field) for fault in shown]
    field_width = max(map(len, fields))
    code_width = max(len(fault.code) for fault in shown)
    count_width = max(len(f"{fault.count:,}") for fault in shown)
    lines = [
        f"  {field:<{field_width}}  {fault.code:<{code_width}}  {fault.count:>{count_width},}  "
        f"{shortened(printable(fault.message))}"
        for field, fault in zip(fields, shown, strict=True)
    ]
    if len(faults) > SHOWN:
        lines.append(f"  and {len(faults) - SHOWN} more kinds")
    return [title, *lines]


def shortened(text: str) -> str:
    """Give the text on one line of a terminal."""
    return text if len(text) <= MESSAGE_WIDTH else f"{text[: MESSAGE_WIDTH - 1]}…"
