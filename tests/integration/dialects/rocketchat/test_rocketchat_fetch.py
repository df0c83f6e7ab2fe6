"""Downloads end, whatever the other side does."""

from __future__ import annotations

import pytest

from rowport.model.errors import UnreadableFile
from rowport.outbound import fetching
from rowport.outbound.fetching import fetch
from rowport.outbound.guard import resolve


def test_a_file_is_fetched_whole(file_server: str) -> None:
    fetched = fetch(resolve(f"http://{file_server}/members.csv", [file_server]))
    assert fetched.content.endswith(b"Ann\n")


def test_a_file_without_an_end_is_given_up(
    file_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "DEADLINE_S", 0.3)
    with pytest.raises(UnreadableFile, match="ended before the file did"):
        fetch(resolve(f"http://{file_server}/endless", [file_server]))


def test_a_file_that_is_too_large_is_given_up(
    file_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "LARGEST", 10)
    with pytest.raises(UnreadableFile, match="larger than 10 bytes"):
        fetch(resolve(f"http://{file_server}/members.csv", [file_server]))


def test_nobody_at_the_address_is_told(file_server: str) -> None:
    host = file_server.partition(":")[0]
    with pytest.raises(UnreadableFile, match="ConnectionRefusedError"):
        fetch(resolve(f"http://{host}:1/x", [f"{host}:1"]))
