"""Parsers in a process of their own: what they may not do, and what is said when they try."""

from __future__ import annotations

import os
import textwrap
import threading
from typing import TYPE_CHECKING

import pytest

from rowport.model.errors import UnreadableFile
from rowport.sandbox.process import Bounds, parsing

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1024 * 1024
HEAD = """
import json, os, sys
import pyarrow as pa
from rowport.sandbox.confinement import confine

request = json.loads(sys.argv[1])
confine(memory_bytes=request["memory_bytes"], cpu_s=request["cpu_s"])
batch = pa.record_batch({"n": [1, 2, 3]})


def answer(facts):
    schema = batch.schema.with_metadata({"facts": json.dumps(facts)})
    return pa.ipc.new_stream(sys.stdout.buffer, schema)


"""


class MemoryBlob:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size_bytes = len(data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


class Parser:
    """A parser that does what a test says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, body: str, data: bytes = b"x", **bounds: float) -> tuple[object, list[int]]:
        path = self.folder / "parser_of_a_test.py"
        beside = self.folder / f"{threading.get_ident()}.txt"
        beside.write_text(HEAD + textwrap.dedent(body))
        beside.replace(path)  # at once: another thread's parser may be reading it
        chosen = Bounds(
            memory_bytes=int(bounds.get("memory_mib", 64)) * MIB,
            cpu_s=int(bounds.get("cpu_s", 20)),
            silence_s=bounds.get("silence_s", 60),
        )
        with parsing("parser_of_a_test", MemoryBlob(data), {"asked": "this"}, chosen) as found:
            numbers = [n for batch in found.batches for n in batch.column("n").to_pylist()]
            return found.facts, numbers


@pytest.fixture
def parser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Parser:
    monkeypatch.syspath_prepend(str(tmp_path))
    return Parser(tmp_path)


GOOD = """
with answer({"size": len(sys.stdin.buffer.read()), "asked": request["asked"]}) as writer:
    writer.write_batch(batch)
"""

ONE_BATCH = "with answer({}) as writer:\n    writer.write_batch(batch)\n"


def test_a_file_goes_in_and_facts_and_rows_come_out(parser: Parser) -> None:
    data = bytes(3 * MIB + 5)
    assert parser.run(GOOD, data) == ({"size": len(data), "asked": "this"}, [1, 2, 3])


def test_it_works_from_any_thread(parser: Parser) -> None:
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(parser.run(GOOD))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [({"size": 1, "asked": "this"}, [1, 2, 3])] * 4


def test_it_sees_nothing_of_ours(parser: Parser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROWPORT_DATABASE_URL", "postgresql://secret")
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)  # noqa: FBT003  that API is positional
    try:
        facts, _ = parser.run(
            """
            open_files = [int(name) for name in os.listdir("/proc/self/fd")]
            names = sorted(n for n in os.environ if n not in {"LC_CTYPE"})
            with answer({"names": names, "files": max(open_files)}) as writer:
                pass
            """
        )
    finally:
        os.close(reading)
        os.close(writing)
    assert isinstance(facts, dict)
    assert not [name for name in facts["names"] if "ROWPORT" in name or name in {"HOME", "PATH"}]
    assert facts["files"] <= 3  # the fourth is the folder that is being listed


@pytest.mark.parametrize(
    ("body", "bounds", "reason"),
    [
        (
            "try:\n    held = bytearray(200_000_000)\nexcept MemoryError:\n    os._exit(77)",
            {},
            "64 MiB of memory",
        ),
        (
            "os.write(2, b'memory allocation of 5 bytes failed')\nos.abort()",
            {},
            "64 MiB of memory",
        ),
        ("while True:\n    pass", {"cpu_s": 1}, "1 s of processor time"),
        ("import time\ntime.sleep(60)", {"silence_s": 2}, "2 s without an answer"),
        ("os.abort()", {}, "ended with status -6"),
        ("os.write(1, b'no arrow at all')", {}, "ended with status 0"),
        ("os.write(1, bytes([255]) * 8 + b'no arrow at all' * 99)", {}, "status|no known way"),
        (
            f"{ONE_BATCH}    sys.stdout.flush()\n    os.abort()",
            {},
            "ended with status -6",
        ),
        (
            f"{ONE_BATCH}sys.stdout.flush()\nos._exit(3)",
            {},
            "ended with status 3",
        ),
        (
            "pa.ipc.new_stream(sys.stdout.buffer, pa.schema([], {'refused': 'Not this.'})).close()",
            {},
            "Not this",
        ),
        ("open(__file__ + '.out', 'wb').write(bytes(1_000_000))", {}, "ended with status"),
    ],
    ids=[
        "memory",
        "memory in Rust",
        "time",
        "silence",
        "crash",
        "garbage",
        "long garbage",
        "crash half way",
        "late failure",
        "refusal",
        "large file",
    ],
)
def test_what_it_may_not_do_ends_it_and_is_told(
    parser: Parser, body: str, bounds: dict[str, float], reason: str
) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        parser.run(body, b"x", **bounds)


@pytest.mark.usefixtures("parser")
def test_a_reader_that_stops_early_leaves_no_process(tmp_path: Path) -> None:
    path = tmp_path / "parser_of_a_test.py"
    path.write_text(
        HEAD
        + "with answer({'pid': os.getpid()}) as writer:\n"
        + "    while True:\n        writer.write_batch(batch)\n"
    )
    bounds = Bounds(memory_bytes=64 * MIB, cpu_s=20, silence_s=60)
    with parsing("parser_of_a_test", MemoryBlob(b"x"), {}, bounds) as found:
        next(found.batches)
        pid = found.facts["pid"]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
