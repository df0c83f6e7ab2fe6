"""A file as a table: choose its format, find how to read it, and read it chunk by chunk."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from rowport.model.errors import InvalidOptions, UnreadableFile
from rowport.ports import ChunkLimits, SequentialFormat, SplittableFormat
from rowport.service.ahead import in_order
from rowport.service.layouts import unguarded, without_guard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rowport.ports import BlobReader, Format, FormatLayout, ParsedChunk

Made = TypeVar("Made")

HEAD_BYTES: Final = 64 * 1024
SHOWN: Final = 60


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
        return self.each(lambda chunk: chunk)

    def each(self, work: Callable[[ParsedChunk], Made]) -> Iterator[Made]:
        """Give `work` of each chunk, in order; several are read and worked on at once.

        Raises:
            UnreadableFile: the file cannot be read to its end.
        """
        match self.form:
            case SplittableFormat():
                spans = self.form.spans(self.blob, self.layout, self.limits)
                read = self.form.read_span
                return in_order(
                    lambda span: work(unguarded(read(self.blob, self.layout, span), self.layout)),
                    spans,
                )
            case SequentialFormat():
                batches = self.form.batches(self.blob, self.layout, self.limits)
                return in_order(
                    lambda batch: work(unguarded(batch, self.layout)),
                    (batch for batch in batches if batch.rows),
                )
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
    check_header(file_name, layout.header)
    layout = replace(layout, evidence=cast("Mapping[str, object]", tellable(layout.evidence)))
    return FileTable(name=file_name, blob=blob, form=form, layout=layout)


def check_header(file_name: str, header: Sequence[str]) -> None:
    """Refuse a header that cannot be kept: no database text holds U+0000.

    Raises:
        UnreadableFile: a column's name holds it.
    """
    for number, name in enumerate(header, start=1):
        if "\x00" in name:
            shown = str(tellable(name))[:SHOWN]
            raise UnreadableFile(
                f"{file_name}: the name of column {number}, {shown!r}, holds the character U+0000."
            )


def tellable(found: object) -> object:
    """Give what was found in a file, such as lines above its header, without U+0000."""
    match found:
        case str():
            return found.replace("\x00", "\N{SYMBOL FOR NULL}")
        case list() | tuple():
            return [tellable(part) for part in found]
        case dict():
            return {name: tellable(part) for name, part in found.items()}
        case _:
            return found


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
