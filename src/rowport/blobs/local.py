"""Blobs in a folder of this machine."""

from __future__ import annotations

import errno
import fcntl
import glob
import hashlib
import os
import secrets
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from rowport.model.errors import Locked, NotFound, StorageFull, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from io import FileIO
    from pathlib import Path

NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class LocalReader:
    """Random access to one file."""

    def __init__(self, path: Path) -> None:
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NotFound(f"The blob {path.name} is gone.") from None
        except OSError as error:
            raise Unavailable(f"A stored file cannot be read: {error.strerror}.") from error
        self.size_bytes = os.fstat(self._fd).st_size

    def read_at(self, offset: int, length: int) -> bytes:
        """Give up to `length` bytes from `offset`; fewer only at the end of the file."""
        parts = []
        while length > 0:
            try:
                part = os.pread(self._fd, length, offset)
            except OSError as error:
                raise Unavailable(f"A stored file cannot be read: {error.strerror}.") from error
            if not part:
                break
            parts.append(part)
            offset += len(part)
            length -= len(part)
        return b"".join(parts)

    def fileno(self) -> int:
        """Give the descriptor of the open file."""
        return self._fd

    def __del__(self) -> None:
        if hasattr(self, "_fd"):
            os.close(self._fd)


class LocalPart:
    """The beginning of a file, held by a lock that ends with the process that has it."""

    def __init__(self, path: Path, telling: Callable[[], AbstractContextManager[None]]) -> None:
        self._path = path
        self._telling = telling
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # It may have been deleted between the two calls: then the lock is one on nothing.
            is_there = path.stat().st_ino == os.fstat(self._fd).st_ino
        except (BlockingIOError, FileNotFoundError):
            is_there = False
        if not is_there:
            os.close(self._fd)
            raise Locked

    @property
    def size_bytes(self) -> int:
        """How long it is."""
        return os.fstat(self._fd).st_size

    def cut(self, size_bytes: int) -> None:
        """Forget all bytes from here on."""
        with self._telling():
            os.ftruncate(self._fd, size_bytes)

    def write_at(self, offset: int, data: bytes) -> None:
        """Write bytes where they belong."""
        rest = memoryview(data)
        with self._telling():
            while rest:
                written = os.pwrite(self._fd, rest, offset)
                rest, offset = rest[written:], offset + written

    def sync(self) -> None:
        """Make all that was written survive a power cut."""
        with self._telling():
            os.fsync(self._fd)

    def discard(self) -> None:
        """Delete it, and let go of it."""
        self._path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Let others write it."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class LocalBlobs:
    """A BlobStore in a folder: names are made of ids, so they are safe paths."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, parts: Iterator[bytes]) -> tuple[int, str]:
        """Store the parts under `name`; visible all at once or not at all."""
        target = self.root / name
        partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        digest = hashlib.sha256()
        size = 0
        try:
            with self._telling():
                self._make_folder(target.parent)
                out = partial.open("wb", buffering=0)  # so that closing has nothing left to do
            with out:
                for part in parts:  # what goes wrong in here is the sender's fault, not ours
                    with self._telling():
                        _write_all(out, part)
                    digest.update(part)
                    size += len(part)
                with self._telling():
                    os.fsync(out.fileno())
            with self._telling():
                partial.rename(target)
                self._sync_folders(target.parent)
        except BaseException:
            with suppress(OSError):  # where nothing can be written, nothing was
                partial.unlink(missing_ok=True)
            raise
        return size, digest.hexdigest()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Say in our words what the disk says."""
        try:
            yield
        except OSError as error:
            if error.errno in NO_ROOM:
                raise StorageFull(
                    f"No room is left in {self.root}: the file was not taken. "
                    "Free some space there, or choose another folder with --home."
                ) from error
            raise Unavailable(f"{self.root} cannot be written: {error.strerror}.") from error

    def _make_folder(self, folder: Path) -> None:
        # Uploads hold other people's data: nobody else on the machine may look at them.
        self.root.parent.mkdir(parents=True, exist_ok=True)
        self.root.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(parents=True, exist_ok=True)

    def _sync_folders(self, folder: Path) -> None:
        """Make a rename in `folder`, and the folders above it, survive a power cut."""
        while folder.is_relative_to(self.root):
            fd = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
            folder = folder.parent

    def open(self, name: str) -> LocalReader:
        """Open for reading."""
        return LocalReader(self.root / name)

    def part(self, name: str) -> LocalPart:
        """Take hold of the beginning of a blob, empty if nothing has this name."""
        target = self.root / name
        with self._telling():
            self._make_folder(target.parent)
            part = LocalPart(target, self._telling)
            self._sync_folders(target.parent)
        return part

    def share(self, name: str, new_name: str) -> None:
        """Let a blob that nobody changes any more have a second name; each goes by itself."""
        target = self.root / new_name
        with self._telling():
            self._make_folder(target.parent)
            target.unlink(missing_ok=True)
            try:
                os.link(self.root / name, target)
            except FileNotFoundError:
                raise NotFound(f"The blob {name} is gone.") from None
            self._sync_folders(target.parent)

    def delete(self, prefix: str) -> None:
        """Delete every blob whose name starts with `prefix`; none is no error."""
        if prefix.startswith("/") or not prefix or ".." in prefix.split("/"):
            raise ValueError(f"{prefix!r} does not begin the name of a blob")
        if prefix.endswith("/"):
            shutil.rmtree(self.root / prefix, ignore_errors=True)
            return
        head = self.root / prefix
        for path in head.parent.glob(f"{glob.escape(head.name)}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _write_all(out: FileIO, part: bytes) -> None:
    rest = memoryview(part)
    while rest:
        rest = rest[out.write(rest) :]
