"""The files of an embedded cluster inside a home, and who owns them."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rowport.model.errors import Unavailable

if sys.platform != "win32":
    import pwd

if TYPE_CHECKING:
    from pathlib import Path

ROOT = 0
PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700
PASSABLE_DIRECTORY = 0o711  # the server's user must get through, and needs to list nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Where one Rowport keeps what it must remember; `path` is absolute."""

    path: Path

    @property
    def folder(self) -> Path:
        """Everything of the embedded PostgreSQL."""
        return self.path / "postgres"

    @property
    def clients(self) -> Path:
        """The lock that every client shares."""
        return self.folder / "clients.lock"

    @property
    def owner(self) -> Path:
        """The lock that the supervisor holds alone."""
        return self.folder / "owner.lock"

    @property
    def state(self) -> Path:
        """What the supervisor last said; see `state.State`."""
        return self.folder / "state.json"

    @property
    def identity(self) -> Path:
        """A random name; it dies with the home, so a new home never finds an old cluster."""
        return self.folder / "id"

    @property
    def password(self) -> Path:
        """The password of the database role.

        It lies here in the clear with mode 0600 because the server may run as `nobody`, as
        other services do: the socket's mode cannot keep those out, a secret can.
        """
        return self.folder / "password"

    @property
    def log(self) -> Path:
        """Where the server and its supervisor write."""
        return self.folder / "server.log"

    def make(self) -> None:
        """Make the folder; the home's owner owns it, even when root makes it.

        Raises:
            Unavailable: it cannot be made or written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            mode = PASSABLE_DIRECTORY if os.geteuid() == ROOT else PRIVATE_DIRECTORY
            with suppress(FileExistsError):
                self.folder.mkdir(mode=mode)
                self.folder.chmod(mode)  # whatever the umask
                os.chown(self.folder, *self.owner_ids(), follow_symlinks=False)
            os.close(self.open(self.clients, os.O_RDWR))
        except OSError as error:
            raise Unavailable(
                f"The embedded database cannot use the home {self.path}: {error.strerror} "
                f"({error.filename}), as user {user_name(os.geteuid())}. Give that user write "
                "access, or choose another home with --home or ROWPORT_HOME."
            ) from error

    def open(self, path: Path, flags: int) -> int:
        """Open or create a private file of the folder, never through a symbolic link."""
        flags |= os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, PRIVATE_FILE)
        if os.geteuid() == ROOT:
            os.fchown(descriptor, *self.owner_ids())
        return descriptor

    def owner_ids(self) -> tuple[int, int]:
        """The user and group that files of this home belong to."""
        if os.geteuid() != ROOT:
            return os.geteuid(), os.getegid()
        found = self.path.stat()
        return found.st_uid, found.st_gid

    def log_tail(self, lines: int = 12) -> str:
        """The end of the log, for an error message; empty when there is none."""
        with suppress(OSError), self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 8_192))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
        return ""


def user_name(uid: int) -> str:
    """The name of a user, or its number where it has none."""
    with suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return str(uid)
