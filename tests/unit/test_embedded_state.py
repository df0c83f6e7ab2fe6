from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowport.store.embedded.layout import Home
from rowport.store.embedded.locks import is_current, is_held, try_lock, wait_lock
from rowport.store.embedded.state import SIZE_BYTES, Phase, State, read_state, write_state
from rowport.store.embedded.supervisor import LOG_BYTES, cut_log

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    made = Home(path=tmp_path_factory.mktemp("home"))
    made.make()
    return made


@given(problem=st.text(max_size=300), phase=st.sampled_from(Phase))
def test_clients_read_what_the_supervisor_said(problem: str, phase: Phase, home: Home) -> None:
    said = State(supervisor=7, phase=phase, socket="/run/here", problem=problem)
    write_state(home, said)
    assert read_state(home) == said


@given(problem=st.text(min_size=1_000).map(lambda text: text * 5))
def test_the_state_never_grows(problem: str, home: Home) -> None:
    write_state(home, State(supervisor=7, phase=Phase.FAILED, problem=problem))
    assert home.state.stat().st_size == SIZE_BYTES
    state = read_state(home)
    assert state
    assert state.phase is Phase.FAILED


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"phase": "ready"}', '{"phase": "new"}'])
def test_a_state_that_makes_no_sense_is_none(text: str, tmp_path: Path) -> None:
    home = Home(path=tmp_path)
    home.make()
    home.state.write_text(text)
    assert read_state(home) is None


def test_only_one_can_hold_a_lock_alone(tmp_path: Path) -> None:
    home = Home(path=tmp_path)
    home.make()
    first = wait_lock(home, home.owner, exclusive=True, timeout_s=0)
    assert first is not None
    assert is_held(home.owner)
    assert wait_lock(home, home.owner, exclusive=True, timeout_s=0) is None
    with open(first, "rb"):  # noqa: PTH123 - closes the descriptor
        assert is_current(first, home.owner)
    assert not is_held(home.owner)


def test_a_lock_is_worth_nothing_once_its_file_is_gone(tmp_path: Path) -> None:
    home = Home(path=tmp_path)
    home.make()
    old = wait_lock(home, home.owner, exclusive=True, timeout_s=0)
    assert old is not None
    home.owner.unlink()
    new = wait_lock(home, home.owner, exclusive=True, timeout_s=0)
    assert new is not None
    with open(old, "rb"), open(new, "rb"):  # noqa: PTH123 - closes the descriptors
        assert not is_current(old, home.owner)
        assert is_current(new, home.owner)
        assert try_lock(new, exclusive=True)


def test_a_log_that_grew_too_long_is_kept_once_and_begun_anew(tmp_path: Path) -> None:
    home = Home(path=tmp_path)
    home.make()
    log = home.open(home.log, os.O_WRONLY | os.O_APPEND)
    with open(log, "wb", buffering=0) as file:  # noqa: PTH123 - closes the descriptor
        for size in (LOG_BYTES, 1):
            file.write(b"x" * size)
            cut_log(home, log)
        file.write(b"new")
    assert home.log.read_bytes() == b"new"
    assert home.log.with_name("server.log.1").stat().st_size == LOG_BYTES + 1


def test_a_link_planted_in_the_home_is_not_followed(tmp_path: Path) -> None:
    home = Home(path=tmp_path)
    home.make()
    (tmp_path / "precious").write_text("x")
    home.log.symlink_to(tmp_path / "precious")
    with pytest.raises(OSError, match="symbolic links"):
        home.open(home.log, 0)
