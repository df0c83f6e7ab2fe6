"""A file as a table: choose its format, find how to read it, and read it chunk by chunk."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from rowport.model.errors import InvalidOptions
from rowport.ports import ChunkLimits, SequentialFormat, SplittableFormat
from rowport.service.layouts import unguarded, without_guard

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rowport.ports import BlobReader, Format, FormatLayout, ParsedChunk

HEAD_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTable:
    """A file, and how it is read."""

    name: str
    blob: BlobReader
    form: Format
    layout: FormatLayout
    limits: ChunkLimits = field(default_factory=ChunkLimits)

    def chunks(self) -> Iterator[ParsedChunk]:
        """Read the file in one pass, in order; each call begins anew.

        Raises:
            UnreadableFile: it cannot be read to its end.
        """
        match self.form:
            case SplittableFormat():
                for span in self.form.spans(self.blob, self.layout, self.limits):
                    chunk = self.form.read_span(self.blob, self.layout, span)
                    yield unguarded(chunk, self.layout)
            case SequentialFormat():
                for chunk in self.form.batches(self.blob, self.layout, self.limits):
                    if chunk.rows:
                        yield unguarded(chunk, self.layout)
            case _:
                raise TypeError(f"{self.form.name} is neither splittable nor sequential")

    @property
    def options(self) -> Mapping[str, object]:
        """How the table is read; of a compressed file, how the table inside is."""
        options = self.layout.options
        inner = options.get("inner")
        return cast("Mapping[str, Any]", inner) if isinstance(inner, dict) else options

    @property
    def has_header(self) -> bool:
        """Whether the names of the columns stand in the file; False: they are made up."""
        return bool(self.options.get("has_header", True))


def open_table(
    formats: Mapping[str, Format],
    blob: BlobReader,
    file_name: str,
    given: Mapping[str, object],
) -> FileTable:
    """Find how to read a file; `given` overrides what detection would find (`format` included).

    Raises:
        InvalidOptions: an option is unknown to the format, or cannot be right.
        UnreadableFile: it cannot be read as a table.
    """
    form = choose(formats, blob, file_name, given.get("format"))
    overrides = {name: value for name, value in given.items() if name != "format"}
    layout = without_guard(form.detect(blob, overrides))
    return FileTable(name=file_name, blob=blob, form=form, layout=layout)


def choose(
    formats: Mapping[str, Format], blob: BlobReader, file_name: str, asked: object = None
) -> Format:
    """Give the format that is surest of the file, or the one asked for.

    Raises:
        InvalidOptions: the one asked for does not exist.
        UnreadableFile: none knows it.
    """
    if asked is not None:
        if str(asked) not in formats:
            raise InvalidOptions(f"There is no format {asked!r}. Known: {', '.join(formats)}.")
        return formats[str(asked)]
    head = blob.read_at(0, HEAD_BYTES)
    sure = {name: form.recognise(head, file_name) for name, form in formats.items()}
    best = max(sure, key=lambda name: sure[name])
    if sure[best] > 0:
        return formats[best]
    # Let the plainest format say in its own words what the bytes seem to be.
    return formats["csv"]
