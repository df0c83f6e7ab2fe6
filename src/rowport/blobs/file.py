"""A file of this machine, read where it lies: nothing is copied to the blob store."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from rowport.model.errors import Invalid, Unavailable

if TYPE_CHECKING:
    from pathlib import Path


class FileReader:
    """Random access to the bytes of a regular file."""

    def __init__(self, path: Path) -> None:
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise Invalid(f"{path} cannot be read: {error.strerror}.") from error
        status = os.fstat(self._fd)
        if not stat.S_ISREG(status.st_mode):
            raise Invalid(
                f"{path} is no regular file, and detection has to look at several places of it: "
                "save it to a file first."
            )
        self._path = path
        self.size_bytes = status.st_size

    def read_at(self, offset: int, length: int) -> bytes:
        """Give up to `length` bytes from `offset`; fewer only at the end of the file."""
        parts = []
        while length > 0:
            try:
                part = os.pread(self._fd, length, offset)
            except OSError as error:
                raise Unavailable(f"{self._path} cannot be read: {error.strerror}.") from error
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
