"""`make demo-feeds` shows files that arrive by themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]


def test_the_demo_of_feeds_shows_what_it_promises(tmp_path: Path) -> None:
    world = {
        name: value for name, value in os.environ.items() if not name.startswith("ROWPORT_")
    } | {"ROWPORT_DEMO_ROOM": str(tmp_path / "room")}
    done = subprocess.run(
        [sys.executable, CHECKOUT / "tools" / "demo_feeds.py"],
        env=world,
        capture_output=True,
        text=True,
        check=False,
        timeout=170,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for line in ("nightly     S3    PERIODIC  PARTIAL_SUCCESS", "nothing new"):
        assert line in done.stdout
