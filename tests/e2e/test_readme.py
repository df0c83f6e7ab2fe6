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
RUNS_FOR_EVER = ("serve", "worker")
ROWS_FAILED = 3


def tour() -> list[list[str]]:
    """Give the words of each `rowport` line."""
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    lines = re.findall(r"^    rowport (.+)$", text, flags=re.MULTILINE)
    return [words for line in lines if (words := shlex.split(line))[0] not in RUNS_FOR_EVER]


def test_every_line_of_the_tour_works(tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(CHECKOUT / "examples")
    world = {
        name: value for name, value in os.environ.items() if not name.startswith("ROWPORT_")
    } | {"ROWPORT_HOME": str(tmp_path / "home")}
    newest = "no import yet"
    assert tour()
    for words in tour():
        done = subprocess.run(
            [ROWPORT, *(newest if word == "ID" else word for word in words), "--json"],
            cwd=tmp_path,
            env=world,
            capture_output=True,
            check=False,
            timeout=120,
        )
        is_bad = "examples/contacts.csv" in words and words[0] in {"import", "validate"}
        is_bad |= words[0] == "fix"  # nobody has mended the rows in between
        wanted = ROWS_FAILED if is_bad else 0
        assert done.returncode == wanted, (words, done.stderr.decode())
        if words[0] == "import":
            newest = json.loads(done.stdout)["id"]
    assert (tmp_path / "failed.xlsx").stat().st_size > 0
    assert (tmp_path / "contacts.xlsx").stat().st_size > 0
