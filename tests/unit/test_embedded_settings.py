from __future__ import annotations

import pytest

from rowport.store.embedded.settings import (
    DURABILITY_SETTINGS,
    durability_warnings,
    settings_text,
)

SAFE = dict.fromkeys(DURABILITY_SETTINGS, "on")


@pytest.mark.parametrize("how", ["on", "local", "remote_write", "remote_apply"])
def test_a_server_that_keeps_what_it_committed_is_not_warned_about(how: str) -> None:
    assert durability_warnings(SAFE | {"synchronous_commit": how}) == []


@pytest.mark.parametrize("name", DURABILITY_SETTINGS)
def test_each_setting_that_may_lose_data_is_named_with_its_loss(name: str) -> None:
    (warning,) = durability_warnings(SAFE | {name: "off"})
    assert f"{name} = off: " in warning
    assert f"Set {name} = on" in warning


def test_a_setting_that_could_not_be_read_is_warned_about() -> None:
    assert len(durability_warnings({})) == len(DURABILITY_SETTINGS)


@pytest.mark.parametrize(("has_lz4", "word"), [(True, "lz4"), (False, "off")])
def test_write_ahead_log_is_compressed_where_that_is_cheap(word: str, *, has_lz4: bool) -> None:
    assert f"\nwal_compression = {word}\n" in settings_text(has_lz4=has_lz4)


@pytest.mark.parametrize("name", DURABILITY_SETTINGS)
def test_our_own_server_is_durable(name: str) -> None:
    assert f"\n{name} = on\n" in settings_text(has_lz4=False)
