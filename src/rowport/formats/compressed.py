"""Compressed files (GZIP, Zstandard, bzip2, XZ, ZIP): whatever table is inside."""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import tempfile
import zipfile
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, ClassVar, Final, cast

import pyarrow as pa

from rowport.engine.inflation import inflated_limit
from rowport.engine.seekable import SeekableBlob
from rowport.formats import discover, recognise
from rowport.model.errors import InvalidOptions, StorageFull, UnreadableFile
from rowport.ports import FormatLayout, SequentialFormat, SplittableFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rowport.ports import BlobReader, ChunkLimits, Format, ParsedChunk

_BLOCK_BYTES: Final = 1024 * 1024
_MAX_MEMBERS: Final = 1_000
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    pa.ArrowException,
    EOFError,
    IndexError,  # of the archive reader, for a member without a name
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)
_OPENERS: Final[dict[bytes, Callable[[SeekableBlob], Any]]] = {
    b"\x1f\x8b\x08": lambda file: gzip.GzipFile(fileobj=file),
    b"\x28\xb5\x2f\xfd": lambda file: pa.CompressedInputStream(pa.PythonFile(file, "r"), "zstd"),
    b"BZh": lambda file: bz2.BZ2File(cast("IO[bytes]", file)),
    b"\xfd7zXZ\x00": lambda file: lzma.LZMAFile(cast("IO[bytes]", file)),  # noqa: SIM115  `_opened` closes it
}
_ZIP: Final = b"PK\x03\x04"


class CompressedFormat:
    """A compressed file with one table."""

    name: ClassVar[str] = "compressed"
    suffixes: ClassVar[tuple[str, ...]] = (".gz", ".zst", ".bz2", ".xz", ".zip")

    def recognise(self, head: bytes, file_name: str) -> float:
        """Say how sure it is: by the mark alone; other formats know ZIP archives of their own."""
        if head.startswith(_ZIP):
            return 0.6 if file_name.lower().endswith(".zip") else 0.5
        return 0.9 if any(head.startswith(mark) for mark in _OPENERS) else 0.0

    def detect(self, blob: BlobReader, overrides: Mapping[str, object]) -> FormatLayout:
        """Inflate the file and find how to read what is inside."""
        member = overrides.get("member")
        if member is not None and not isinstance(member, str):
            raise InvalidOptions("The option member must be the name of a file in the archive.")
        rest = {name: value for name, value in overrides.items() if name != "member"}
        with _inflated(blob, member) as (inner, name):
            kind = recognise(inner, name, _inner_formats())
            layout = kind.detect(inner, rest)
        return FormatLayout(
            format=self.name,
            header=layout.header,
            options={
                "member": name,
                "inner_format": layout.format,
                "inner": dict(layout.options),
            },
            evidence={**layout.evidence, "inside": layout.format, "member": name},
            confidence=layout.confidence,
        )

    def batches(
        self, blob: BlobReader, layout: FormatLayout, limits: ChunkLimits
    ) -> Iterator[ParsedChunk]:
        """Inflate the file and parse what is inside."""
        inner_options = layout.options["inner"]
        kind = _inner_formats().get(str(layout.options["inner_format"]))
        if kind is None or not isinstance(inner_options, dict):
            raise UnreadableFile("The stored layout does not say what is inside.")
        inside = FormatLayout(format=kind.name, header=layout.header, options=inner_options)
        with _inflated(blob, str(layout.options["member"])) as (inner, _):
            if isinstance(kind, SplittableFormat):
                for span in kind.spans(inner, inside, limits):
                    yield kind.read_span(inner, inside, span)
            elif isinstance(kind, SequentialFormat):
                yield from kind.batches(inner, inside, limits)


def _inner_formats() -> dict[str, Format]:
    """Give the formats that may be inside: archives in archives are refused."""
    return {name: kind for name, kind in discover().items() if name != CompressedFormat.name}


class _FileBlob:
    """What was inflated, in a temporary file that has no name."""

    def __init__(self, file: IO[bytes], size_bytes: int) -> None:
        self._file = file
        self.size_bytes = size_bytes

    def read_at(self, offset: int, length: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(length)

    def fileno(self) -> int:
        self._file.flush()
        return self._file.fileno()


@contextmanager
def _inflated(blob: BlobReader, member: str | None) -> Iterator[tuple[BlobReader, str]]:
    """Inflate to a temporary file, counting; give it and the name of what was inside."""
    with tempfile.TemporaryFile() as target:
        try:
            with _opened(blob, member) as (source, name):
                size = _copied(source, target, packed=blob.size_bytes)
        except _DAMAGE as error:
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise StorageFull("There is no room to inflate the file.") from error
            raise UnreadableFile(f"The compressed file is damaged: {error}.") from error
        yield _FileBlob(target, size), name


@contextmanager
def _opened(blob: BlobReader, member: str | None) -> Iterator[tuple[Any, str]]:
    head = blob.read_at(0, 8)
    if head.startswith(_ZIP):
        with zipfile.ZipFile(SeekableBlob(blob)) as archive:
            entry = _member(archive, member)
            with archive.open(entry) as source:
                yield source, entry.filename
        return
    for mark, opener in _OPENERS.items():
        if head.startswith(mark):
            with opener(SeekableBlob(blob)) as source:
                yield source, member or "the compressed file"
            return
    raise UnreadableFile("The file is not compressed in a way that is known.")


def _member(archive: zipfile.ZipFile, wanted: str | None) -> zipfile.ZipInfo:
    """Give the file wanted, or the only one there is."""
    entries = archive.infolist()
    if len(entries) > _MAX_MEMBERS:
        raise UnreadableFile(f"The archive holds {len(entries)} files; at most {_MAX_MEMBERS}.")
    files = [entry for entry in entries if not _is_folder(entry) and not _is_hidden(entry.filename)]
    if wanted is not None:
        files = [entry for entry in files if entry.filename == wanted]
    if len(files) == 1:
        if files[0].flag_bits & 1:
            raise UnreadableFile("The archive is encrypted: remove its password.")
        return files[0]
    names = ", ".join(entry.filename for entry in entries[:20])
    if wanted is not None:
        raise InvalidOptions(f"The archive holds no file {wanted!r}; it holds: {names}.")
    if not files:
        raise UnreadableFile("The archive holds no file.")
    raise UnreadableFile(
        f"The archive holds {len(files)} files: name one with the option member ({names})."
    )


def _is_folder(entry: zipfile.ZipInfo) -> bool:
    return entry.filename.endswith("/")


def _is_hidden(name: str) -> bool:
    """Say whether a file is one that archivers add by themselves."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(".")


def _copied(source: IO[bytes], target: IO[bytes], *, packed: int) -> int:
    """Copy what is inside and give its size; what the archive says of it is not believed."""
    size = 0
    limit = inflated_limit(packed)
    while block := source.read(_BLOCK_BYTES):
        size += len(block)
        if size > limit:
            raise UnreadableFile(
                f"The file inflates from {packed:,} to more than {limit:,} bytes: "
                "it looks like a bomb. Send it uncompressed, or raise ROWPORT_MAX_RATIO."
            )
        target.write(block)
    return size
