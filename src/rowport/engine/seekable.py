"""A blob as the file object that libraries want."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rowport.ports import BlobReader


class SeekableBlob(io.RawIOBase):
    """Reads a blob from a position that can be moved."""

    def __init__(self, blob: BlobReader) -> None:
        super().__init__()
        self._blob = blob
        self._position = 0

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Give the offset of the next byte."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to an offset."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._blob.size_bytes}
        self._position = max(0, origin[whence] + offset)
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Give up to `size` bytes."""
        left = max(0, self._blob.size_bytes - self._position)
        data = self._blob.read_at(self._position, left if size < 0 else min(size, left))
        self._position += len(data)
        return data
