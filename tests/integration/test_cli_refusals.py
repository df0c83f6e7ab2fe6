"""What cannot be is refused with a clear line and the right exit status, and changes nothing."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import struct
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Done, Home

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2  # linux/prctl.h, capability.h
NO_SUCH_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
TINY_BYTES = 3_000_000
AS_ROOT = os.geteuid() == 0


def png() -> bytes:
    """A picture of one pixel."""

    def part(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    head = part(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    pixels = part(b"IDAT", zlib.compress(b"\x00\xff\x00\x00"))
    return b"\x89PNG\r\n\x1a\n" + head + pixels + part(b"IEND", b"")


def imports(home: Home) -> int:
    """Count the imports of a home."""
    return len(home.run("list", "--limit", "1000", "--json").documents)


def assert_refused(done: Done, status: int, *words: str) -> None:
    """See that one clear line says what is wrong."""
    assert done.status == status, done
    assert done.err.startswith("rowport: ")
    assert "Traceback" not in done.err
    for word in words:
        assert word in done.err, done


@pytest.mark.parametrize(
    ("file", "status", "said"),
    [
        ("missing.csv", 2, "there is no file missing.csv"),
        (".", 2, "is a folder"),
        ("empty.csv", 4, "empty"),
    ],
)
def test_a_file_that_is_none_is_told_and_no_import_begins(
    home: Home, file: str, status: int, said: str
) -> None:
    before = imports(home)
    home.file("empty.csv", b"")
    assert_refused(home.run("import", file, "--type", "people"), status, said)
    assert imports(home) == before


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("header.csv", b"email,Full name\n", "no data row"),
        ("picture.csv", png(), "PNG image"),
    ],
    ids=["header only", "picture"],
)
def test_a_file_that_is_no_table_fails_its_import(
    home: Home, file: str, content: bytes, said: str
) -> None:
    done = home.run("import", home.file(file, content), "--type", "people", "--json")
    assert done.status == 4
    imported = done.document
    assert imported["state"] == "failed"
    assert said in imported["error"]["message"]
    assert imported["counts"]["total"] == 0
    shown = home.run("status", imported["id"])
    assert (shown.status, said in shown.out) == (0, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--type", "nobody"], "Known: contacts, people"),
        (["--type", "people", "--key", "shoe"], "'shoe' is not a field"),
        (["--type", "people", "--key", "name"], "does not keep name unique"),
        (["--type", "people", "--map", "email"], "HEADER=FIELD"),
        (["--type", "people", "--map", "email=shoe"], "no such field"),
        (["--type", "people", "--policy", "brave"], "valid_rows"),
        (["--type", "people", "--mode", "guess"], "upsert"),
        (["--type", "people", "--on-match", "guess"], "update"),
        (["--type", "people", "--frobnicate"], "frobnicate"),
        ([], "--type"),
    ],
)
def test_wrong_usage_changes_nothing(home: Home, words: list[str], said: str) -> None:
    before = imports(home)
    file = home.file("fine.csv", "email\nz@x.org\n")
    assert_refused(home.run("import", file, *words), 2, said)
    assert imports(home) == before


def test_a_refusal_is_json_where_json_was_asked_for(home: Home) -> None:
    unknown = home.run("import", home.file("a.csv", "email\n"), "--type", "nobody", "--json")
    assert unknown.document["error"]["code"] == "record_type_not_found"
    usage = home.run("--json", "import")
    assert (usage.status, usage.document["error"]["code"]) == (2, "usage")


@pytest.mark.parametrize(
    "words",
    [
        ["status", NO_SUCH_ID],
        ["rows", NO_SUCH_ID],
        ["cancel", NO_SUCH_ID],
        ["failed-rows", NO_SUCH_ID, "--out", "x.csv"],
        ["type", "show", "nobody"],
        ["type", "template", "nobody", "--out", "x.csv"],
    ],
)
def test_what_is_not_there_is_told(home: Home, words: list[str]) -> None:
    assert_refused(home.run(*words), 2, "There is no")
    assert not (home.room / "x.csv").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["status", "17"], "UUID"),
        (["rows", "../../etc/passwd"], "UUID"),
        (["failed-rows", NO_SUCH_ID, "--out", "x.txt"], ".csv or .xlsx"),
        (["type", "template", "people", "--out", "/nowhere/x.csv"], "cannot be written"),
        (["type", "template", "people", "--out", "folder.csv"], "is a folder"),
        (["type", "put", "x", "missing.json"], "missing.json cannot be read"),
        (["type", "put", "x", "broken.json"], "line 2, column 1"),
        (["type", "put", "x", "list.json"], "no JSON object"),
        (["type", "put", "x", "binary.json"], "UTF-8"),
        (["type", "put", "x", "empty.json"], "fields"),
        (["type", "put", "a b", "good.json"], "cannot name a record type"),
        (["type", "put", "x", "good.json", "--key", "shoe"], "'shoe' is not a field"),
        (["list", "--limit", "0"], "limit"),
        (["frobnicate"], "frobnicate"),
        (["type"], "put"),
        ([], "import"),
    ],
)
def test_words_that_cannot_be_are_refused(home: Home, words: list[str], said: str) -> None:
    home.file("broken.json", '{"fields": [\n')
    home.file("list.json", "[]")
    home.file("binary.json", b'{"a": "\xff"}')
    home.file("empty.json", "{}")
    home.file("good.json", json.dumps({"fields": [{"name": "a"}]}))
    (home.room / "folder.csv").mkdir(exist_ok=True)
    assert_refused(home.run(*words), 2, said)


def test_a_column_that_nobody_mapped_is_asked_for(home: Home) -> None:
    file = home.file("unmapped.csv", "Mail of theirs,Full name\nq@x.org,Quin\n")
    done = home.run("import", file, "--type", "people", "--json")
    assert_refused(done, 4, "email", "--map 'HEADER=email'", "Mail of theirs, Full name")
    assert done.document["state"] == "canceled"
    assert done.document["error"]["code"] == "mapping_incomplete"
    mapped = home.run("import", file, "--type", "people", "--map", "Mail of theirs=email")
    assert mapped.status == 0, mapped


def obey_permissions() -> None:
    """Let even root read only what the permissions allow, from the next program on."""
    if AS_ROOT:
        for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def test_a_file_that_may_not_be_read_is_told(home: Home, tmp_path: Path) -> None:
    locked = tmp_path / "locked.csv"
    locked.write_text("email\n")
    locked.chmod(0)
    other = replace(home, path=tmp_path / "home")
    done = other.run("import", locked, "--type", "people", preexec_fn=obey_permissions)
    assert_refused(done, 2, "locked.csv", "permission denied", "chmod")
    assert not other.path.exists()


def test_a_home_that_cannot_be_made_is_told(home: Home) -> None:
    blocked = replace(home, path=home.file("a file", "") / "home")
    assert_refused(blocked.run("type", "list"), 4, "a file")


def test_a_database_that_does_not_answer_is_told(home: Home) -> None:
    done = home.run("list", "--json", "--database-url", "postgresql://nobody@127.0.0.1:1/none")
    assert_refused(done, 4)
    assert done.document["error"]["code"] == "unavailable"


@pytest.mark.parametrize(
    "url", ["not a url", "postgresql://[::1", "mysql://me:secret@db/x", "postgresql://h:secret/x"]
)
def test_a_database_url_that_is_none_is_told_without_its_password(home: Home, url: str) -> None:
    done = home.run("list", "--database-url", url)
    assert_refused(done, 2, "postgresql://USER:PASSWORD@HOST")
    assert "secret" not in done.err


def test_a_full_disk_is_told_and_nothing_is_kept(home: Home) -> None:
    """A limit on the size of files stands for the full disk: the write fails in its midst."""
    before = imports(home)
    big = home.file("big.csv", b"email\n" + b"x@example.org\n" * (TINY_BYTES // 7))

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (TINY_BYTES, TINY_BYTES))

    done = home.run("import", big, "--type", "people", "--json", preexec_fn=limit)
    assert_refused(done, 4)
    assert done.document["error"]["code"] == "storage_full"
    assert imports(home) == before
    assert not [path for path in (home.path / "blobs").rglob("*") if path.stat().st_size > 10**6]
