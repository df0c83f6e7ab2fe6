"""Whose rights the server runs with: PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rowport.model.errors import Unavailable
from rowport.store.embedded.layout import ROOT, Home

if sys.platform != "win32":
    import pwd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerUser:
    """The user of the server; `switches` is False when we are that user already."""

    uid: int
    gid: int
    switches: bool

    def popen_options(self) -> dict[str, Any]:
        """What `subprocess` needs to run something with these rights and no others."""
        if not self.switches:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give a directory that we just made to this user."""
        if self.switches:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def can_enter(self, directory: Path) -> bool:
        """Every directory on the way lets this user through."""
        with self._acting():
            try:
                (directory / ".").stat()
            except PermissionError:
                return False
        return True

    @contextmanager
    def _acting(self) -> Iterator[None]:
        """Borrow the rights; for a process with one thread and no supplementary groups."""
        if not self.switches:
            yield
            return
        group = os.getegid()
        os.setegid(self.gid)
        os.seteuid(self.uid)
        try:
            yield
        finally:
            os.seteuid(ROOT)
            os.setegid(group)


def server_user(home: Home, data: Path) -> ServerUser:
    """Choose the user: ourselves, or for root the cluster's owner, the home's owner, `nobody`."""
    if os.geteuid() != ROOT:
        return ServerUser(uid=os.geteuid(), gid=os.getegid(), switches=False)
    if data.exists():
        found = data.stat()
        return ServerUser(uid=found.st_uid, gid=found.st_gid, switches=True)
    uid, gid = home.owner_ids()
    if uid != ROOT and _is_known(uid):  # initdb refuses a user that has no name
        return ServerUser(uid=uid, gid=gid, switches=True)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise Unavailable(
            "PostgreSQL does not run as root and this machine has no user `nobody`. "
            "Run Rowport as an ordinary user."
        ) from None
    return ServerUser(uid=nobody.pw_uid, gid=nobody.pw_gid, switches=True)


def _is_known(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True
