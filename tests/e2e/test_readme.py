"""The tour of the README, typed as it stands there."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
ROWPORT = Path(sys.executable).with_name("rowport")
WRITTEN_URL = "http://127.0.0.1:8484"
ROWS_FAILED = 3
PATIENCE_S = 120


def tour() -> list[str]:
    """Give each line that is typed."""
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    lines: list[str] = re.findall(r"^    ((?:rowport|curl|export) .+)$", text, flags=re.MULTILINE)
    return lines


class Tourist:
    """Somebody who types the lines, one after the other."""

    def __init__(self, room: Path) -> None:
        self.room = room
        self.newest = "no import yet"
        self.url = "no server yet"
        self.servers: list[subprocess.Popen[bytes]] = []
        self.answers: list[dict[str, object]] = []
        self.world = {
            name: value for name, value in os.environ.items() if not name.startswith("ROWPORT_")
        } | {"ROWPORT_HOME": str(room / "home")}
        self.world["PATH"] = f"{ROWPORT.parent}:{self.world['PATH']}"

    def type(self, line: str) -> None:
        """Type a line; it must do what it should."""
        match line.split(maxsplit=1):
            case ["rowport", "serve"]:
                self.serve()
            case ["rowport", _]:
                self.command(line)
            case ["export", setting]:
                name, _, value = setting.partition("=")
                self.world[name] = self.shell(f"printf %s {value}").decode()
            case _:
                said = self.shell(line.replace("curl", "curl -sS --fail", 1))
                self.answers.append(json.loads(said))

    def serve(self) -> None:
        words: list[str | Path] = [ROWPORT, "serve", "--port", "0", "--workers", "1", "--json"]
        server = subprocess.Popen(words, cwd=self.room, env=self.world, stdout=subprocess.PIPE)
        self.servers.append(server)
        assert server.stdout
        told = json.loads(server.stdout.readline())
        assert told["admin_token"].startswith("rp_")
        self.url = told["url"]

    def shell(self, line: str) -> bytes:
        done = subprocess.run(
            ["bash", "-ec", line.replace(WRITTEN_URL, self.url)],
            cwd=self.room,
            env=self.world,
            capture_output=True,
            check=False,
            timeout=PATIENCE_S,
        )
        assert done.returncode == 0, (line, done.stderr.decode())
        return done.stdout

    def command(self, line: str) -> None:
        words = [self.newest if word == "ID" else word for word in shlex.split(line)[1:]]
        done = subprocess.run(
            [ROWPORT, *words, "--json"],
            cwd=self.room,
            env=self.world,
            capture_output=True,
            check=False,
            timeout=PATIENCE_S,
        )
        is_bad = "examples/contacts.csv" in words and words[0] in {"import", "validate"}
        is_bad |= words[0] == "fix"  # nobody has mended the rows in between
        wanted = ROWS_FAILED if is_bad else 0
        assert done.returncode == wanted, (words, done.stderr.decode())
        if words[0] == "import":
            self.newest = json.loads(done.stdout)["id"]

    def leave(self) -> None:
        for server in self.servers:
            server.terminate()
            server.communicate(timeout=PATIENCE_S)


def test_every_line_of_the_tour_works(tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(CHECKOUT / "examples")
    tourist = Tourist(tmp_path)
    assert tour()
    try:
        for line in tour():
            tourist.type(line)
    finally:
        tourist.leave()
    assert (tmp_path / "failed.xlsx").stat().st_size > 0
    assert (tmp_path / "contacts.xlsx").stat().st_size > 0
    created, page, *_ = tourist.answers
    assert created["type"] == "contacts"
    assert created["id"] in [item["id"] for item in page["items"]]  # type: ignore[attr-defined]  # of JSON
