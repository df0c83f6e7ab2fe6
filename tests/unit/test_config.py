"""Settings from the environment."""

from __future__ import annotations

import pytest

from rowport.config import Settings, settings
from rowport.model.errors import InvalidOptions


def test_without_a_setting_the_defaults_hold() -> None:
    assert settings({}) == Settings()


def test_settings_are_read_in_their_units() -> None:
    names = ("ROWPORT_CHUNK_ROWS", "ROWPORT_CHUNK_MB", "ROWPORT_PARSER_MB")
    chosen = settings(dict(zip(names, ("7", "2", "3"), strict=True)))
    assert (chosen.chunk_rows, chosen.chunk_bytes) == (7, 2 * 1024 * 1024)
    assert chosen.parser_bytes == 3 * 1024 * 1024


@pytest.mark.parametrize("name", ["ROWPORT_CHUNK_ROWS", "ROWPORT_CHUNK_MB", "ROWPORT_PARSER_MB"])
@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "many", "²", " 7", "1" * 5000])
def test_what_cannot_be_meant_is_told_by_name(name: str, text: str) -> None:
    with pytest.raises(InvalidOptions, match=name):
        settings({name: text})


@pytest.mark.parametrize("secret", ["", "short", "has a blank in the middle", "ü" * 20])
def test_a_secret_that_cannot_be_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(InvalidOptions, match="ROWPORT_METRICS_TOKEN") as caught:
        settings({"ROWPORT_METRICS_TOKEN": secret})
    assert not secret or secret not in str(caught.value)
    with pytest.raises(InvalidOptions, match="ROWPORT_METRICS="):
        settings({"ROWPORT_METRICS": "public"})
