"""A parser in a process of its own: started, fed, listened to, and ended.

The process is made anew (no fork of ours, whose threads may hold locks), knows nothing of our
environment, has no open file but the one it is to parse, and confines itself before it looks at
it.  Its answer is an Arrow IPC stream; facts and refusals stand in the metadata of the schema.
"""

from __future__ import annotations

import errno
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, cast

import pyarrow as pa

from rowport.config import settings
from rowport.model.errors import StorageFull, Unavailable, UnreadableFile
from rowport.ports import InFile
from rowport.sandbox.confinement import DAMAGED, OUT_OF_MEMORY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rowport.ports import BlobReader

_BLOCK_BYTES: Final = 1024 * 1024
_TOLD_BYTES: Final = 4096
_MIB: Final = 1024 * 1024
_LEAST_MEMORY: Final = 64 * _MIB
_MEMORY_A_BYTE: Final = 64
"""Measured: a byte of XLS takes 15 bytes of memory, one of ODS 33, one of XLSB 55."""
_LEAST_CPU_S: Final = 2
_CPU_S_A_MIB: Final = 6
_SILENCE_A_CPU_S: Final = 30
"""Seconds to wait for one of its own: other processes want the processor too."""
_NO_MEMORY: Final = b"memory allocation of"
"""What Rust says before it gives up."""
_ENVIRONMENT: Final = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "LANG": "C.UTF-8",
    "MALLOC_ARENA_MAX": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "RAYON_NUM_THREADS": "1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a parser may use before it is stopped."""

    memory_bytes: int
    """Beyond what its libraries take."""
    cpu_s: int
    silence_s: float
    """How long it may leave us without an answer while we wait for one."""


def bounds_of(size_bytes: int) -> Bounds:
    """Give what parsing a file of this size may take: a small one has no business being large."""
    memory_bytes = min(settings().parser_bytes, _LEAST_MEMORY + _MEMORY_A_BYTE * size_bytes)
    cpu_s = _LEAST_CPU_S + _CPU_S_A_MIB * size_bytes // _MIB
    return Bounds(memory_bytes=memory_bytes, cpu_s=cpu_s, silence_s=float(_SILENCE_A_CPU_S * cpu_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a parser says of a file."""

    facts: Mapping[str, Any]
    batches: Iterator[pa.RecordBatch]
    """To be read inside the `with` that gave the answer."""


class _TooSilent(Exception):
    pass


@contextmanager
def parsing(
    module: str, blob: BlobReader, request: Mapping[str, object], bounds: Bounds
) -> Iterator[Answer]:
    """Let `module` parse a file in a process of its own, which has ended when the block ends.

    Raises:
        UnreadableFile: the parser refuses the file, dies of it, or needs more than its bounds.
        StorageFull: there is no room for a copy of the file.
    """
    with _copy(blob) as file, tempfile.TemporaryFile() as told:
        child = _started(module, request, bounds, file=file, told=told)
        try:
            yield _answer(child, told, bounds)
        finally:
            child.kill()
            child.wait()
            if child.stdout is not None:
                child.stdout.close()


@contextmanager
def _copy(blob: BlobReader) -> Iterator[IO[bytes]]:
    """Give the file with a position of its own: itself if it can be had, or a copy."""
    if isinstance(blob, InFile):
        with suppress(OSError), Path(f"/dev/fd/{blob.fileno()}").open("rb") as itself:
            yield itself
            return
    try:
        with tempfile.TemporaryFile() as file:
            for offset in range(0, blob.size_bytes, _BLOCK_BYTES):
                file.write(blob.read_at(offset, _BLOCK_BYTES))
            file.seek(0)
            yield file
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StorageFull("There is no room for a copy of the file to parse.") from error
        raise


def _started(
    module: str,
    request: Mapping[str, object],
    bounds: Bounds,
    *,
    file: IO[bytes],
    told: IO[bytes],
) -> subprocess.Popen[bytes]:
    asked = {**request, "memory_bytes": bounds.memory_bytes, "cpu_s": bounds.cpu_s}
    path = os.pathsep.join(filter(None, sys.path))
    try:
        return subprocess.Popen(  # noqa: S603  our own program, no shell
            [sys.executable, "-P", "-s", "-m", module, json.dumps(asked)],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=told,
            bufsize=0,
            env={**_ENVIRONMENT, "PYTHONPATH": path},
            start_new_session=True,
        )
    except OSError as error:
        raise Unavailable(f"No process can be started to read it: {error.strerror}.") from error


def _answer(child: subprocess.Popen[bytes], told: IO[bytes], bounds: Bounds) -> Answer:
    pipe = _Pipe(child, bounds.silence_s)
    try:
        stream = pa.ipc.open_stream(pa.PythonFile(pipe, mode="r"))
    except (pa.ArrowException, OSError, EOFError, _TooSilent) as error:
        raise _death(child, told, bounds, error) from error
    metadata = stream.schema.metadata or {}
    if b"refused" in metadata:
        raise UnreadableFile(metadata[b"refused"].decode("utf-8", "replace"))
    facts = json.loads(metadata.get(b"facts", b"{}"))
    return Answer(facts=facts, batches=_batches(stream, child, told, bounds))


def _batches(
    stream: pa.RecordBatchReader, child: subprocess.Popen[bytes], told: IO[bytes], bounds: Bounds
) -> Iterator[pa.RecordBatch]:
    while True:
        try:
            batch = stream.read_next_batch()
            batch.validate(full=True)
        except StopIteration:
            break
        except (pa.ArrowException, OSError, EOFError, _TooSilent) as error:
            raise _death(child, told, bounds, error) from error
        yield batch
    if child.wait(timeout=bounds.silence_s) != 0:
        raise _death(child, told, bounds, None)


def _death(
    child: subprocess.Popen[bytes], told: IO[bytes], bounds: Bounds, why: BaseException | None
) -> UnreadableFile:
    """Say why a parser did not come to the end of its answer."""
    if isinstance(why, _TooSilent):
        return UnreadableFile(
            f"The file was given up after {bounds.silence_s:.0f} s without an answer of its parser."
        )
    try:
        status = child.wait(timeout=bounds.silence_s)
    except subprocess.TimeoutExpired:
        return UnreadableFile("The file confuses its parser, which answers in no known way.")
    told.seek(0)
    words = told.read(_TOLD_BYTES)
    if status == OUT_OF_MEMORY or _NO_MEMORY in words:
        return UnreadableFile(
            f"Reading the file takes more than the {bounds.memory_bytes // 1024**2} MiB of memory "
            "that a file of its size may take."
        )
    if status == DAMAGED:
        return UnreadableFile(f"The file is damaged: {words.decode('utf-8', 'replace')}")
    if status in {-signal.SIGXCPU, -signal.SIGKILL}:
        return UnreadableFile(
            f"Reading the file takes more than the {bounds.cpu_s} s of processor time "
            "that a file of its size may take."
        )
    return UnreadableFile(f"The file is damaged: its parser ended with status {status}.")


class _Pipe(RawIOBase):
    """The output of a child, for a reader that will not wait for ever."""

    def __init__(self, child: subprocess.Popen[bytes], silence_s: float) -> None:
        super().__init__()
        self._fd = cast("IO[bytes]", child.stdout).fileno()
        self._silence_s = silence_s
        self._position = 0

    def readable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Give how much was read."""
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Give `size` bytes, or what there is until the end."""
        parts = []
        while size > 0:
            part = self._some(min(size, _BLOCK_BYTES))
            if not part:
                break
            parts.append(part)
            size -= len(part)
        data = b"".join(parts)
        self._position += len(data)
        return data

    def _some(self, size: int) -> bytes:
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._fd, selectors.EVENT_READ)
            if not waiting.select(self._silence_s):
                raise _TooSilent
        return os.read(self._fd, size)
