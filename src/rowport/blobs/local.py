"""Blobs in a folder of this machine."""

from __future__ import annotations

import errno
import glob
import hashlib
import os
import secrets
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from rowport.model.errors import NotFound, StorageFull, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
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
                # Uploads hold other people's data: nobody else on the machine may look at them.
                self.root.parent.mkdir(parents=True, exist_ok=True)
                self.root.mkdir(mode=0o700, exist_ok=True)
                target.parent.mkdir(parents=True, exist_ok=True)
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
