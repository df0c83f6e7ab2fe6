"""How fast are semantics and their transforms?  One column of a million cells, 1 % of them odd.

python bench/meanings.py [--rows 1000000]
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

import pyarrow as pa

from rowport.engine import schema_document
from rowport.engine.validation import Validator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CHUNK = 16_000
EMAILS = ["bad@@x.y", "üser{}@exämple.com", "no-at-{}", "a b{}@x.org"]
PHONES = ["+49 12", "call me {}", "+1 555 {:07}", "+44 (0) 20 7946 {:04}"]
GERMAN: object = {"phone": {"region": "DE"}}
COLUMNS: dict[str, tuple[Callable[[int], str], Sequence[str], dict[str, object]]] = {
    # the common form, the odd ones, what the field asks for
    "email, plain text": (lambda i: f"user{i}.name@mail{i % 997}.example.com", EMAILS, {}),
    "email, semantic": (
        lambda i: f"user{i}.name@mail{i % 997}.example.com",
        EMAILS,
        {"semantic": "email"},
    ),
    "email, transform": (
        lambda i: f"User{i}@Mail{i % 997}.Example.com",
        EMAILS,
        {"transforms": ["email"]},
    ),
    "phone +, semantic": (lambda i: f"+49151{i:08}", PHONES, {"semantic": "phone"}),
    "phone 0, semantic": (lambda i: f"0151 {i:08}", PHONES, {"semantic": GERMAN}),
    "phone 0, transform": (lambda i: f"0151 {i:08}", PHONES, {"transforms": [GERMAN]}),
}


def measure(cells: pa.Table, field: dict[str, object]) -> tuple[float, float, int]:
    """Validate in chunks: wall and CPU seconds, and errors found."""
    schema = schema_document.parse({"fields": [{"name": "a", "type": "string", **field}]})
    validator = Validator(schema, ["a"])
    wall, cpu, errors = time.perf_counter(), time.process_time(), 0
    for begin in range(0, cells.num_rows, CHUNK):
        part = cells.slice(begin, CHUNK)
        rows = pa.array(range(begin + 1, begin + part.num_rows + 1), pa.int64())
        errors += validator.run(part, rows).errors.num_rows
    return time.perf_counter() - wall, time.process_time() - cpu, errors


def main() -> None:
    """Print one line a column."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    for name, (common, odd, field) in COLUMNS.items():
        cells = [
            common(i) if i % 100 else odd[i // 100 % len(odd)].format(i % 10_000)
            for i in range(rows)
        ]
        wall, cpu, errors = measure(pa.table({"a": cells}), field)
        print(f"{name:20} {wall:6.2f} s wall {cpu:6.2f} s CPU {errors:8,} errors")


if __name__ == "__main__":
    main()
