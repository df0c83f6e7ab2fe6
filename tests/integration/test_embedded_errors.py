"""What the embedded PostgreSQL says when it cannot run, and what it keeps to itself."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from rowport.model.errors import Unavailable
from rowport.store.embedded.client import EmbeddedPostgres
from rowport.store.embedded.cluster import outside
from rowport.store.embedded.layout import Home
from rowport.store.embedded.settings import DURABILITY_SETTINGS, durability_warnings
from rowport.store.embedded.state import read_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE_S = 30.0
WAITING = """
import sys
from pathlib import Path
from rowport.store.embedded.client import EmbeddedPostgres
EmbeddedPostgres(Path(sys.argv[1])).join()
"""
IS_ROOT = os.geteuid() == 0


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "home"
    yield path
    EmbeddedPostgres(path).discard()


@pytest.fixture
def data(home: Path) -> Path:
    """The data directory of a cluster that was used and is stopped."""
    server = EmbeddedPostgres(home)
    server.join()
    server.leave(wait_s=PATIENCE_S)
    inside = home / "postgres" / "data"
    return inside if inside.exists() else outside(Home(path=home)) / "data"


def wait_for(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.01)


def supervisor(home: Path) -> int:
    state = read_state(Home(path=home))
    assert state
    return state.supervisor


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match=r"cannot use the home .*/file/home: .*--home or ROWPORT"):
        EmbeddedPostgres(tmp_path / "file" / "home").join()


@pytest.mark.parametrize("home", [Path("/proc/rowport"), Path("/sys/rowport")])
def test_a_place_that_nobody_can_write_is_named(home: Path) -> None:
    with pytest.raises(Unavailable, match=rf"cannot use the home {home}: .* as user "):
        EmbeddedPostgres(home).join()


def test_programs_that_do_not_run_are_named(tmp_path: Path, home: Path) -> None:
    with pytest.raises(Unavailable, match=rf"cannot be started: .*{tmp_path}/nothing"):
        EmbeddedPostgres(home, binaries=tmp_path / "nothing").join()


def test_a_cluster_of_another_major_version_is_not_touched(home: Path, data: Path) -> None:
    (data / "PG_VERSION").write_text("17\n")
    with pytest.raises(Unavailable, match=r"made by PostgreSQL 17, installed is 18\. Install"):
        EmbeddedPostgres(home).join()


def test_a_server_that_does_not_come_up_is_reported_with_its_log(home: Path, data: Path) -> None:
    (data / "global" / "pg_control").write_bytes(b"")
    with pytest.raises(Unavailable, match=r"(?s)ended with code.*server\.log.*pg_control"):
        EmbeddedPostgres(home, timeout_s=1.5).join()


def test_a_server_that_comes_up_late_is_started_until_it_does(home: Path, data: Path) -> None:
    control = data / "global" / "pg_control"
    right = control.read_bytes()
    control.write_bytes(b"")
    waiting = subprocess.Popen([sys.executable, "-c", WAITING, home])
    wait_for(lambda: "starts it again" in Home(path=home).log_tail(), "the server fails")
    control.write_bytes(right)
    assert waiting.wait(PATIENCE_S) == 0


def test_the_password_is_private_and_needed(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        file = Home(path=home).password
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        wrong = server.url().replace(file.read_text(), "wrong")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)


def test_a_lost_password_is_replaced_at_the_next_start(home: Path, data: Path) -> None:
    assert data.exists()
    old = Home(path=home).password.read_text()
    Home(path=home).password.unlink()
    with EmbeddedPostgres(home) as server, psycopg.connect(server.url()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert Home(path=home).password.read_text() != old


def test_values_of_rows_stay_out_of_the_log(home: Path) -> None:
    secret = "4111-1111-secret"  # noqa: S105 - stands for a value in a row
    with EmbeddedPostgres(home) as server:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("CREATE TABLE t (k text PRIMARY KEY, n int CHECK (n > 0))")
            for _ in range(2):
                with suppress(psycopg.errors.UniqueViolation):
                    connection.execute("INSERT INTO t VALUES (%s, 1)", [secret])
            with pytest.raises(psycopg.DataError):
                connection.execute(f"SELECT '{secret}'::int".encode())
            with (
                pytest.raises(psycopg.DataError),
                connection.cursor().copy("COPY t FROM STDIN") as c,
            ):
                c.write(f"x\t{secret}\n")
        connections = [psycopg.connect(server.url(), autocommit=True) for _ in range(2)]
        with closing(connections[0]) as crashing, closing(connections[1]) as watching:
            crashing.pgconn.send_query(f"SELECT '{secret}', pg_sleep(600)".encode())
            sleeping = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
            wait_for(lambda: watching.execute(sleeping).fetchone(), "it sleeps")
            os.kill(crashing.info.backend_pid, signal.SIGSEGV)
            with suppress(psycopg.OperationalError):
                wait_for(
                    lambda: watching.execute("SELECT 1").rowcount != 1,
                    "the server ends connections",
                )
        server.ensure()
    log = Home(path=home).log.read_text()
    assert "terminated by signal" in log
    assert secret not in log


def test_it_is_durable_by_default(home: Path) -> None:
    with EmbeddedPostgres(home) as server, psycopg.connect(server.url()) as connection:
        rows = connection.execute(
            "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)",
            [list(DURABILITY_SETTINGS)],
        ).fetchall()
    assert len(rows) == 3
    assert durability_warnings(dict(rows)) == []


def test_the_supervisor_is_small(home: Path) -> None:
    with EmbeddedPostgres(home):
        pid = supervisor(home)
        status = Path(f"/proc/{pid}/status").read_text()
        loaded = Path(f"/proc/{pid}/maps").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    assert int(resident.split()[1]) < 25_000
    assert not any(name in loaded for name in ("polars", "pyarrow", "psycopg", "numpy"))


def test_a_cluster_in_use_is_not_deleted(home: Path) -> None:
    with EmbeddedPostgres(home):
        with pytest.raises(Unavailable, match="is in use and was not deleted"):
            EmbeddedPostgres(home, timeout_s=0.2).discard()
        assert (home / "postgres" / "password").exists()


@pytest.mark.parametrize("copied", ["postgres"] if IS_ROOT else [])
def test_a_copied_home_does_not_share_the_cluster_of_root(
    copied: str, home: Path, tmp_path: Path
) -> None:
    with EmbeddedPostgres(home):
        (tmp_path / "copy").mkdir()
        shutil.copytree(home / copied, tmp_path / "copy" / copied)
        with pytest.raises(Unavailable, match=r"in use by another home\. If this home is a copy"):
            EmbeddedPostgres(tmp_path / "copy").join()
