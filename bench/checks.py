"""What checks cost: a million rows validated with and without each, in CPU seconds.

Usage: checks.py [--rows N].
"""

from __future__ import annotations

import argparse
import time
from typing import Any, Final

import numpy as np
import pyarrow as pa

from rowport.engine import schema_document
from rowport.engine.validation import Validator

CHUNK_ROWS: Final = 16_000
FIELDS: Final = [
    {"name": "price", "type": "number"},
    {"name": "count", "type": "integer"},
    {"name": "total", "type": "number"},
    {"name": "kind", "type": "string"},
    {"name": "start", "type": "date"},
    {"name": "end", "type": "date"},
]
RULES: Final[dict[str, dict[str, Any]]] = {
    "total = price * count": {"check": "total = price * count"},
    "conditional": {"check": "\"end\" >= start AND (kind <> 'a' OR count < 200)"},
    "text": {"check": "length(kind) > 3 OR lower(kind) LIKE '%a%' OR total > 0"},
    "quotient": {"check": "total / count >= price"},
    "compare": {"compare": {"left": "end", "op": ">=", "right": "start"}},
}


def made(rows: int) -> pa.Table:
    """Make cells; in one row of a hundred the total is wrong."""
    random = np.random.default_rng(7)
    cents, count = random.integers(1, 10_000, rows), random.integers(1, 100, rows)
    total = cents * count + (random.random(rows) < 0.01)
    start = np.datetime64("2020-01-01") + random.integers(0, 1000, rows)
    return pa.table(
        {
            "price": [f"{value // 100}.{value % 100:02}" for value in cents],
            "count": [str(value) for value in count],
            "total": [f"{value // 100}.{value % 100:02}" for value in total],
            "kind": random.choice(["a", "bb", "ccc"], rows).tolist(),
            "start": start.astype(str).tolist(),
            "end": (start + random.integers(0, 9, rows)).astype(str).tolist(),
        }
    )


def cost(cells: pa.Table, rules: list[dict[str, Any]]) -> tuple[float, int]:
    """Give the least CPU seconds of three runs, and how many errors were found."""
    schema = schema_document.parse({"fields": FIELDS, "rules": rules})
    validator = Validator(schema, cells.column_names)
    numbers = pa.array(np.arange(cells.num_rows))
    best, errors = float("inf"), 0
    for _ in range(3):
        begun, errors = time.process_time(), 0
        for start in range(0, cells.num_rows, CHUNK_ROWS):
            part = cells.slice(start, CHUNK_ROWS), numbers.slice(start, CHUNK_ROWS)
            errors += validator.run(*part).errors.num_rows
        best = min(best, time.process_time() - begun)
    return best, errors


def main() -> None:
    """Print one line for each rule."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    cells = made(parser.parse_args().rows)
    bare, _ = cost(cells, [])
    print(f"{'no rule':24} {bare:6.2f} CPU s")
    for name, rule in RULES.items():
        seconds, errors = cost(cells, [rule])
        print(f"{name:24} {seconds:6.2f} CPU s  {seconds - bare:+6.2f}  {errors} errors")


if __name__ == "__main__":
    main()
