"""A folder of this machine that the operator has opened to feeds."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

import msgspec

from rowport.config import settings as chosen
from rowport.engine.sourcing import Pattern, Text, is_wanted, read_settings
from rowport.model.errors import InvalidOptions, SourceChanged, SourceRefused, Unavailable
from rowport.model.feeds import AfterRead, SourceKind
from rowport.ports.sourcing import FoundFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_BLOCK_BYTES: Final = 1024 * 1024
_NOT_OURS: Final = {errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR, errno.ELOOP}


class Settings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Of a folder."""

    path: Text
    pattern: Pattern = "*"


class FolderSource:
    """A local folder."""

    kind: ClassVar[SourceKind] = SourceKind.FOLDER
    secrets: ClassVar[frozenset[str]] = frozenset()
    shows_half_files: ClassVar[bool] = True

    def check(self, settings: Mapping[str, object]) -> Mapping[str, object]:
        """See that the folder lies in one of ROWPORT_SOURCE_FOLDERS."""
        wanted = read_settings(settings, Settings)
        _allowed(wanted.path)
        return msgspec.structs.asdict(wanted)

    @contextmanager
    def open(self, settings: Mapping[str, object]) -> Iterator[OpenFolder]:
        """Open the folder."""
        wanted = read_settings(settings, Settings)
        with _told():
            root = _allowed(wanted.path)
            if not root.is_dir():
                raise SourceRefused(f"There is no folder {wanted.path}.")
        yield OpenFolder(root, wanted.pattern)


class OpenFolder:
    """A folder that is there.  No link that leads out of it is followed."""

    def __init__(self, root: Path, pattern: str) -> None:
        self._root = root
        self._pattern = pattern

    def files(self) -> Iterator[FoundFile]:
        """Give the files of the folder and of those in it."""
        with _told():
            for folder, _, names in os.walk(self._root, onerror=_raise):
                for name in names:
                    path = Path(folder, name)
                    below = path.relative_to(self._root).as_posix()
                    if is_wanted(below, self._pattern) and path.is_file():
                        yield _found(below, path.lstat())

    def read(self, file: FoundFile) -> Iterator[bytes]:
        """Give the content, so long as the file is the one that was found."""
        with _told():
            fd = self._opened(file.name)
            with os.fdopen(fd, "rb", buffering=0) as content:
                _same(file, os.fstat(fd))
                while block := content.read(_BLOCK_BYTES):
                    yield block
                _same(file, os.fstat(fd))

    def set_aside(self, file: FoundFile, after: AfterRead, folder: str = "") -> None:
        """Move the file within the folder, or delete it."""
        path = self._inside(file.name)
        with _told():
            try:
                match after:
                    case AfterRead.NONE:
                        pass
                    case AfterRead.DELETE:
                        path.unlink()
                    case AfterRead.MOVE:
                        to = self._inside(f"{folder}/{file.name}")
                        to.parent.mkdir(parents=True, exist_ok=True)
                        path.rename(to)
            except FileNotFoundError:
                return

    def _opened(self, name: str) -> int:
        try:
            return os.open(self._inside(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            raise SourceChanged(f"{name} is gone.") from None

    def _inside(self, name: str) -> Path:
        """Give the path of a file, whose folder must be one of ours."""
        path = self._root / name
        if not path.parent.resolve().is_relative_to(self._root):
            raise SourceRefused(f"{name} leads out of the folder.")
        return path


def _allowed(path: str) -> Path:
    root = Path(path).resolve()
    folders = chosen().source_folders
    if any(root.is_relative_to(Path(folder).resolve()) for folder in folders):
        return root
    raise InvalidOptions(
        f"source: path: {path} lies in no folder that feeds may read: "
        + (", ".join(sorted(folders)) or "there is none; the operator names them in")
        + (" (ROWPORT_SOURCE_FOLDERS)." if folders else " ROWPORT_SOURCE_FOLDERS.")
    )


def _found(name: str, status: os.stat_result) -> FoundFile:
    return FoundFile(
        name=name,
        size_bytes=status.st_size,
        version=f"{status.st_ino}-{status.st_size}-{status.st_mtime_ns}",
        modified_at=datetime.fromtimestamp(status.st_mtime, UTC),
    )


def _same(file: FoundFile, status: os.stat_result) -> None:
    if _found(file.name, status).version != file.version:
        raise SourceChanged(f"{file.name} changed while it was read.")


def _raise(error: OSError) -> None:
    raise error


@contextmanager
def _told() -> Iterator[None]:
    """Say what the system says."""
    try:
        yield
    except OSError as error:
        what = f"{error.filename or 'The folder'}: {error.strerror}"
        if error.errno in _NOT_OURS:
            raise SourceRefused(f"{what}.") from error
        raise Unavailable(f"{what}.") from error
