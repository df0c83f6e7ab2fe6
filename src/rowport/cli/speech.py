"""What is said on stdout and stderr."""

from __future__ import annotations

import json
import sys
import unicodedata
from io import TextIOWrapper
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

NOT_SHOWN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that can move the cursor, hide text or turn its direction."""


def prepare_streams() -> None:
    """Let stdout and stderr take any text, whatever the locale."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def emit(document: Mapping[str, object]) -> None:
    """Print one JSON document on one line of stdout."""
    click.echo(json.dumps(document, ensure_ascii=False, separators=(", ", ": ")))


def say(line: str = "") -> None:
    """Print a line for people on stdout."""
    click.echo(line)


def note(line: str) -> None:
    """Print a line for people on stderr."""
    click.echo(line, err=True)


def complain(message: str) -> None:
    """Print what went wrong on stderr."""
    click.echo(f"rowport: {printable(message)}", err=True)


def printable(text: str) -> str:
    """Give text that a terminal can only show: what could command it is written as an escape."""
    if text.isprintable():
        return text
    return "".join(
        char if unicodedata.category(char) not in NOT_SHOWN else _escape(char) for char in text
    )


def _escape(char: str) -> str:
    return char.encode("unicode_escape", "backslashreplace").decode("ascii")
