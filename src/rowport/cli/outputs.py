"""Files that a command writes: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rowport.model.errors import InvalidOptions, StorageFull

if TYPE_CHECKING:
    from collections.abc import Iterator

SUFFIXES: Final = (".csv", ".xlsx")
READABLE: Final = 0o666


def suffix_of(path: Path) -> str:
    """Give the format that the name asks for.

    Raises:
        InvalidOptions: it asks for none that can be written.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InvalidOptions(f"{path}: the name must end in {' or '.join(SUFFIXES)}")
    return suffix


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Give a file beside `path` to write to; it takes the name `path` once it is complete.

    Raises:
        InvalidOptions: the folder does not exist or may not be written to.
        StorageFull: there is no room.
    """
    if path.is_dir():
        raise InvalidOptions(f"{path} is a folder: name a file")
    try:
        handle, name = tempfile.mkstemp(prefix=".rowport-", suffix=path.suffix, dir=path.parent)
    except OSError as error:
        raise InvalidOptions(f"{path} cannot be written: {error.strerror}") from error
    os.close(handle)
    beside = Path(name)
    try:
        yield beside
        beside.chmod(READABLE & ~_umask())
        beside.replace(path)
    except OSError as error:
        raise StorageFull(f"{path} cannot be written: {error.strerror}") from error
    finally:
        beside.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
