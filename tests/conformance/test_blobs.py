"""What every blob store does."""

from __future__ import annotations

import hashlib
import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rowport.blobs.local import LocalBlobs
from rowport.model.errors import NotFound, StorageFull, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rowport.ports import BlobStore


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return LocalBlobs(tmp_path / "blobs")


def content(store: BlobStore, name: str) -> bytes:
    reader = store.open(name)
    return reader.read_at(0, reader.size_bytes)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    parts=st.lists(st.binary(max_size=50), max_size=6),
    begin=st.integers(0, 320),
    length=st.integers(0, 320),
)
def test_what_is_written_can_be_read_in_ranges(
    store: BlobStore, parts: list[bytes], begin: int, length: int
) -> None:
    whole = b"".join(parts)
    assert store.write("a/1", iter(parts)) == (len(whole), hashlib.sha256(whole).hexdigest())
    reader = store.open("a/1")
    assert reader.size_bytes == len(whole)
    assert reader.read_at(begin, length) == whole[begin : begin + length]


def test_a_blob_is_replaced_whole_and_an_open_one_stays_as_it_was(store: BlobStore) -> None:
    store.write("a/1", iter([b"old"]))
    before = store.open("a/1")
    store.write("a/1", iter([b"longer"]))
    assert before.read_at(0, 9) == b"old"
    assert content(store, "a/1") == b"longer"


def test_an_interrupted_write_leaves_what_was_there(store: BlobStore) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.write("a/1", broken())
    with pytest.raises(NotFound):
        store.open("a/1")
    store.write("a/1", iter([b"whole"]))
    with pytest.raises(KeyboardInterrupt):
        store.write("a/1", broken())
    assert content(store, "a/1") == b"whole"


def test_a_fault_of_the_bytes_own_source_is_not_the_store_s(store: BlobStore) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise IsADirectoryError(21, "Is a directory")

    with pytest.raises(IsADirectoryError):
        store.write("a/1", broken())


def test_deleting_takes_every_name_with_the_prefix_and_no_other(store: BlobStore) -> None:
    names = ["a/1", "a/10", "a/2", "a/chunks/1", "ab/1", "[a]/1"]
    for name in names:
        store.write(name, iter([name.encode()]))
    store.delete("a/1")
    store.delete("nothing/")
    store.delete("nothing")
    left = names[2:]
    assert [content(store, name) for name in left] == [name.encode() for name in left]
    for gone in ("a/1", "a/10"):
        with pytest.raises(NotFound):
            store.open(gone)
    store.delete("a/")
    with pytest.raises(NotFound):
        store.open("a/chunks/1")
    assert content(store, "ab/1") == b"ab/1"
    store.delete("[a]")
    with pytest.raises(NotFound):
        store.open("[a]/1")


@pytest.mark.parametrize("prefix", ["", "/", "../a", "a/../../b", "/etc"])
def test_a_prefix_that_could_mean_everything_is_refused(store: BlobStore, prefix: str) -> None:
    store.write("a/1", iter([b"x"]))
    with pytest.raises(ValueError, match="blob"):
        store.delete(prefix)
    assert content(store, "a/1") == b"x"


# ------------------------------------------------------------------------------- a folder's own


def test_nothing_but_the_blob_is_left_in_the_folder(tmp_path: Path) -> None:
    store = LocalBlobs(tmp_path)

    def broken() -> Iterator[bytes]:
        yield b"half"
        raise ValueError

    with pytest.raises(ValueError):
        store.write("a/1", broken())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_nobody_else_may_look_into_the_folder(tmp_path: Path) -> None:
    LocalBlobs(tmp_path / "home" / "blobs").write("a/1", iter([b"x"]))
    assert (tmp_path / "home" / "blobs").stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("a file, no folder")
    with pytest.raises(Unavailable, match="cannot be written"):
        LocalBlobs(tmp_path / "blobs").write("a/1", iter([b"x"]))


def test_a_blob_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    store = LocalBlobs(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(Unavailable, match="cannot be read"):
        store.open("loop")


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Mount a disk of 64 KiB where this process may mount."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk_is_told_and_takes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = LocalBlobs(tmp_path / "disk")
    if os.geteuid() == 0 and may_mount(tmp_path / "probe"):
        with small_disk(tmp_path / "disk"):
            store.write("a/1", iter([b"x" * 4096]))
            with pytest.raises(StorageFull, match="No room is left"):
                store.write("a/2", iter([b"x" * 4096] * 100))
            assert content(store, "a/1") == b"x" * 4096
            assert [p.name for p in (tmp_path / "disk" / "a").iterdir()] == ["1"]
            store.write("a/3", iter([b"x" * 4096]))
        return
    # Not root: /dev/full is the kernel's own full disk.
    monkeypatch.setattr("rowport.blobs.local.secrets.token_hex", lambda _: "full")
    (tmp_path / "disk" / "a").mkdir(parents=True)
    (tmp_path / "disk" / "a" / ".2.full").symlink_to("/dev/full")
    with pytest.raises(StorageFull, match="No room is left"):
        store.write("a/2", iter([b"x" * 4096] * 100))
    assert list((tmp_path / "disk" / "a").iterdir()) == []


def may_mount(folder: Path) -> bool:
    """Tell whether root here is root enough."""
    try:
        with small_disk(folder):
            return True
    except (subprocess.CalledProcessError, FileNotFoundError):
        return False
