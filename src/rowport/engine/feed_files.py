"""Which of the files that a source shows a run of a feed takes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rowport.model.feeds import Decision, FileDecision, OnceBy

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from uuid import UUID

    from rowport.model.feeds import FeedRules
    from rowport.ports.sourcing import FoundFile


def decide(
    rules: FeedRules,
    found: Sequence[FoundFile],
    known: Mapping[str, Mapping[str, UUID]],
    before: Mapping[str, str | None] | None,
    others: Collection[str] = (),
) -> tuple[FileDecision, ...]:
    """Say of each file what is to become of it, the oldest first.

    `known` names the imports of files by name and version.  `before` gives the versions of an
    earlier look, where a file may be found half written; None: it never is.  `others` are names
    that lie beside, among which markers are looked for.
    """
    there = {file.name for file in found} | set(others)
    decided = []
    for file in sorted(found, key=_age):
        decision, reason = _fate(rules, file, known.get(file.name, {}), there)
        is_new = before is not None and before.get(file.name) != file.version
        if decision is Decision.TAKEN and is_new and rules.settle_s > 0:
            decision, reason = Decision.UNSETTLED, "It may still be written."
        decided.append(
            FileDecision(
                name=file.name,
                size_bytes=file.size_bytes,
                version=file.version,
                decision=decision,
                reason=reason,
            )
        )
    return tuple(decided)


def is_unsettled(files: Sequence[FileDecision]) -> bool:
    """Tell whether a file may be ready in a moment."""
    return any(file.decision is Decision.UNSETTLED for file in files)


def grouped(
    rules: FeedRules, files: Sequence[FileDecision], new_id: Callable[[], object]
) -> tuple[FileDecision, ...]:
    """Say which import each file that is taken goes into; those beyond the limit are left."""
    taken = [file for file in files if file.decision is Decision.TAKEN]
    late = {file.name for file in taken[rules.most_files :]}
    together = str(new_id())
    named = []
    for file in files:
        if file.name in late:
            reason = f"A run takes {rules.most_files:,} files at most."
            named.append(replace(file, decision=Decision.LATER, reason=reason))
        elif file.decision is Decision.TAKEN:
            named.append(replace(file, import_id=together if rules.is_together else str(new_id())))
        else:
            named.append(file)
    return tuple(named)


def _fate(
    rules: FeedRules, file: FoundFile, known: Mapping[str, UUID], there: Collection[str]
) -> tuple[Decision, str]:
    if rules.marker and file.name + rules.marker not in there:
        return Decision.UNMARKED, f"{file.name}{rules.marker} is missing."
    if known and (rules.once_by is OnceBy.NAME or file.version is None):
        return Decision.KNOWN, f"A file of this name is in import {next(iter(known.values()))}."
    if file.version is not None and file.version in known:
        return Decision.KNOWN, f"It is in import {known[file.version]}."
    return Decision.TAKEN, ""


def _age(file: FoundFile) -> tuple[float, str]:
    return (file.modified_at.timestamp() if file.modified_at else 0.0, file.name)
