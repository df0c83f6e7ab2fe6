"""Blobs in a folder of this machine."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
from typing import TYPE_CHECKING, Final

from rowport.model.errors import NotFound, StorageFull, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class LocalReader:
    """Random access to one file."""

    def __init__(self, path: Path) -> None:
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NotFound(f"The blob {path.name} is gone.") from None
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
            target.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as out:
                for part in parts:
                    out.write(part)
                    digest.update(part)
                    size += len(part)
                out.flush()
                os.fsync(out.fileno())
            partial.rename(target)
            _sync_folder(target.parent)
        except OSError as error:
            partial.unlink(missing_ok=True)
            if error.errno in NO_ROOM:
                raise StorageFull(
                    f"No room is left in {self.root}: the file was not taken. "
                    "Free some space there, or choose another folder with --home."
                ) from error
            raise Unavailable(f"{self.root} cannot be written: {error.strerror}.") from error
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        return size, digest.hexdigest()

    def open(self, name: str) -> LocalReader:
        """Open for reading."""
        return LocalReader(self.root / name)

    def delete(self, prefix: str) -> None:
        """Delete every blob whose name starts with `prefix`; none is no error."""
        if prefix.endswith("/"):
            shutil.rmtree(self.root / prefix, ignore_errors=True)
            return
        head = self.root / prefix
        for path in head.parent.glob(f"{head.name}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
