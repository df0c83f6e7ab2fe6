"""A disk that is full for a while costs time and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from tests.conftest import Home, until

from rowport.store.embedded.client import EmbeddedPostgres
from storm_load import make_file, write_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = make_file(1, rows=80_000)
SIZE = "400m"
ROUNDS = (0.05, 0.15, 0.25)
"""How much of the import is done when the disk becomes full."""
PATIENCE_S = 120.0
STILL_S = 4.0


@pytest.fixture
def disk() -> Iterator[Path]:
    """A small disk of our own, which all may pass."""
    above = Path(tempfile.mkdtemp(prefix="rowport-disk-"))
    above.chmod(0o755)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", above], check=True)
    above.chmod(0o755)
    try:
        yield above
    finally:
        EmbeddedPostgres(above / "home").discard()
        subprocess.run(["umount", "--lazy", above], check=True)
        shutil.rmtree(above)


class Watcher:
    """Somebody who looks at the import through the database, which may be away."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._done: int | None = None
        self._since = 0.0

    def value(self, query: str) -> int | None:
        """Ask for one number; None when nobody answers."""
        with suppress(psycopg.Error), psycopg.connect(self._url, connect_timeout=5) as connection:
            row = connection.execute(query.encode()).fetchone()
            return None if row is None else int(row[0])
        return None

    def has_done(self, share: float) -> bool:
        """Tell whether so much of all imports is done."""
        percent = self.value(
            "SELECT 100 * count(*) FILTER (WHERE state = 'done') / greatest(count(*), 1) "
            "FROM rowport.chunks"
        )
        return percent is not None and percent >= 100 * share

    def stands_still(self) -> bool:
        """Tell whether nothing has been done for a while, or nobody answers."""
        done = self.value("SELECT count(*) FROM rowport.chunks WHERE state = 'done'")
        if done is not None and done != self._done:
            self._done, self._since = done, time.monotonic()
        return time.monotonic() - self._since > STILL_S


def fill(path: Path) -> None:
    """Take all room there is, at once."""
    with path.open("ab", buffering=0) as file, suppress(OSError):
        while room := shutil.disk_usage(path.parent).free:
            os.posix_fallocate(file.fileno(), path.stat().st_size, min(room, 10_000_000))
        while True:
            file.write(bytes(1_000))


@pytest.mark.parametrize("filesystem", ["tmpfs"] if os.geteuid() == 0 else [])
def test_an_import_outlives_a_disk_that_is_full_three_times(
    filesystem: str, disk: Path, tmp_path: Path
) -> None:
    assert filesystem == "tmpfs"  # only root may mount one
    home = Home(path=disk / "home", room=tmp_path, environment={"ROWPORT_CHUNK_ROWS": "500"})
    with EmbeddedPostgres(home.path) as server:
        home.ask("type", "put", "people", write_schema(tmp_path / "people.json"))
        watcher = Watcher(server.url())
        file = home.file(FILE.name, FILE.content)
        with home.start("import", file, "--type", "people", "--json") as following:
            for share in ROUNDS:
                until(partial(watcher.has_done, share), timeout_s=PATIENCE_S)
                fill(disk / "filler")
                until(watcher.stands_still, timeout_s=PATIENCE_S)
                assert following.poll() is None, "it met no full disk"
                (disk / "filler").unlink()
            out, err = following.communicate(timeout=PATIENCE_S)
        assert following.returncode == 3, err
        counts = json.loads(out)["counts"]
        assert (counts["created"], counts["failed"]) == (len(FILE.good), FILE.failed)
        assert watcher.value("SELECT count(*) FROM data_default.people") == len(FILE.good)
        assert watcher.value("SELECT max(attempts) FROM rowport.chunks") == 0
