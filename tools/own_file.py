"""Look at a file that nobody described: a Table Schema of text fields, and a column that is a key.

Reads the file with Rowport's own formats, so the headers are those that the import will see.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

import rowport.formats
from rowport.blobs.local import LocalBlobs
from rowport.ports import ChunkLimits, SequentialFormat, SplittableFormat

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rowport.ports import BlobReader, FormatLayout

    KnownFormat = SplittableFormat | SequentialFormat

HEAD_BYTES: Final = 64 * 1024
NAME_CHARS: Final = 40
"""Keeps the name of a field within the 63 bytes that PostgreSQL gives a column."""
KEY_BYTES: Final = 500
"""Longer values make a poor key; PostgreSQL's index takes 2,704 bytes at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFile:
    """What was found."""

    schema: dict[str, Any]
    """A Table Schema: every column is text."""
    key: str | None
    """The first field whose cells are all there and all different; None if there is none."""


def look_at(file: Path) -> OwnFile:
    """Look at the whole file.

    Raises:
        RowportError: it cannot be read as a table.
    """
    blob = LocalBlobs(file.parent).open(file.name)
    known = recognised(blob, file.name)
    layout = known.detect(blob, {})
    names = field_names(layout.header)
    fields = [
        {"name": name, "title": header, "aliases": [header], "type": "string"}
        for name, header in zip(names, layout.header, strict=True)
    ]
    place = key_column(chunks(known, blob, layout), len(names))
    return OwnFile(schema={"fields": fields}, key=None if place is None else names[place])


def recognised(blob: BlobReader, file_name: str) -> KnownFormat:
    """Give the format that is surest of the file."""
    head = blob.read_at(0, HEAD_BYTES)
    return max(formats(), key=lambda known: known.recognise(head, file_name))


def formats() -> Iterator[KnownFormat]:
    """Give every format that Rowport has."""
    for module in pkgutil.iter_modules(rowport.formats.__path__, "rowport.formats."):
        for thing in vars(importlib.import_module(module.name)).values():
            if isinstance(thing, type) and thing.__module__ == module.name:
                made = thing() if hasattr(thing, "recognise") else None
                if isinstance(made, SplittableFormat | SequentialFormat):
                    yield made


def chunks(known: KnownFormat, blob: BlobReader, layout: FormatLayout) -> Iterator[pl.DataFrame]:
    """Give the cells of the file, chunk by chunk."""
    limits = ChunkLimits()
    if isinstance(known, SplittableFormat):
        for span in known.spans(blob, layout, limits):
            yield frame(known.read_span(blob, layout, span).cells)
    else:
        for batch in known.batches(blob, layout, limits):
            yield frame(batch.cells)


def frame(cells: Any) -> pl.DataFrame:  # noqa: ANN401  pyarrow has no types
    """See an Arrow table as a frame."""
    seen = pl.from_arrow(cells)
    if isinstance(seen, pl.Series):
        raise TypeError("A table was expected.")
    return seen


def key_column(parts: Iterator[pl.DataFrame], width: int) -> int | None:
    """Give the first column that identifies every row; a hash of each cell is kept, no cell."""
    hashes: dict[int, list[pl.Series]] = {place: [] for place in range(width)}
    for part in parts:
        for place in list(hashes):
            cells = part.to_series(place)
            if is_poor_key(cells):
                del hashes[place]
            else:
                hashes[place].append(cells.hash())
    for place, kept in hashes.items():
        if kept and not pl.concat(kept).is_duplicated().any():
            return place
    return None


def is_poor_key(cells: pl.Series) -> bool:
    """Tell whether a cell is missing, blank, too long or there twice."""
    return bool(
        cells.null_count()
        or (cells.str.strip_chars() == "").any()
        or (cells.str.len_bytes() > KEY_BYTES).any()
        or cells.is_duplicated().any()
    )


def field_names(header: Sequence[str]) -> list[str]:
    """Make plain names of header cells, each one different."""
    names: list[str] = []
    for number, cell in enumerate(header, start=1):
        plain = re.sub(r"[^a-z0-9]+", "_", cell.lower()).strip("_")[:NAME_CHARS]
        name = plain if plain[:1].isalpha() else f"column_{number}"
        names.append(name if name not in names else f"{name}_{number}")
    return names
