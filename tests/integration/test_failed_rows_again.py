"""A failed-rows file, mended and sent back as a new file."""

from __future__ import annotations

import csv
import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROWPORT = Path(__file__).parents[2] / ".venv/bin/rowport"
SCHEMA = {
    "fields": [
        {"name": "id", "type": "integer", "constraints": {"required": True}},
        {"name": "=note", "type": "string"},
        {"name": "row", "type": "string"},
    ],
    "primaryKey": "id",
}


def run(home: Path, *words: str, status: int) -> dict[str, object]:
    done = subprocess.run(
        [ROWPORT, "--home", home, "--json", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def write(path: Path, lines: Sequence[Sequence[str]]) -> str:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(lines)
    return str(path)


def test_cells_come_back_as_they_stood_and_our_columns_feed_no_field(tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "failed.csv"
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps(SCHEMA))
    run(home, "type", "put", "things", str(schema), status=0)
    bad = write(tmp_path / "bad.csv", [["id", "=note", "row"], ["x1", "=1+1", "a"]])
    first = run(home, "import", bad, "--type", "things", status=3)
    run(home, "failed-rows", str(first["id"]), "--out", str(out), status=0)
    assert "'=1+1" in out.read_text()
    out.write_text(out.read_text().replace("x1", "1"))
    second = run(home, "import", str(out), "--type", "things", status=0)
    assert second["mapping"] == {"id": "id", "=note": "=note", "row": "row"}
    again = write(tmp_path / "good.csv", [["id", "=note", "row"], ["1", "=1+1", "a"]])
    third = run(home, "import", again, "--type", "things", status=0)
    assert third["counts"] == {
        "total": 1, "created": 0, "updated": 0, "unchanged": 1, "skipped": 0, "failed": 0,
        "pending": 0,
    }  # fmt: skip
