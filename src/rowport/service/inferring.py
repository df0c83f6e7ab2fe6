"""A record type proposed from a file."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from rowport.engine.infer import Inference
from rowport.service.record_types import NAME

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rowport.engine.infer import Proposal
    from rowport.service.reading import FileTable

LONGEST_NAME: Final = 63
NAMELESS: Final = "records"
"""The record type of a file whose name has no letter or digit that a name may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inferred:
    """What a whole file proposes."""

    proposal: Proposal
    broken: int
    """Rows that cannot be taken apart into as many cells as there are columns."""


def infer(table: FileTable) -> Inferred:
    """Read the whole file and propose a Table Schema.

    Raises:
        UnreadableFile: it cannot be read to its end.
    """
    inference = Inference(table.layout.header)
    broken = 0
    for chunk in table.chunks():
        inference.add(chunk.cells)
        broken += len(chunk.broken)
    return Inferred(proposal=inference.propose(), broken=broken)


def type_name(file_name: str, suffixes: Iterable[str]) -> str:
    """Name a record type after a file: lower case, without the `suffixes` of formats.

    What a name may not hold becomes `_`: "Kunden (März).csv.gz" is "kunden_marz".
    """
    path, known = PurePath(file_name), frozenset(suffixes)
    while path.suffix.lower() in known and path.stem:
        path = PurePath(path.stem)
    letters = unicodedata.normalize("NFKD", path.name.casefold()).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9.-]+", "_", letters).strip("_.-")[:LONGEST_NAME]
    return name if NAME.fullmatch(name) else NAMELESS
