"""What a person can type, set or meet is in the documents."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rowport.cli.app import root

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SHARED = ("Options of every command", "Options of reading")
SETTING = re.compile(r"\bROWPORT_[A-Z0-9_]*[A-Z0-9]\b")
LINK = re.compile(r"\[[^]]*\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")


def sections(text: str) -> dict[str, str]:
    """Give the text below each heading, without what stands below the next one."""
    parts = re.split(r"^#+ +(.+)$", text, flags=re.MULTILINE)
    return {title.strip("` "): body for title, body in zip(parts[1::2], parts[2::2], strict=True)}


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Give every command that is not hidden, with the words that call it."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            if not child.hidden:
                yield from commands(child, f"{path} {name}")


CLI = sections((DOCS / "cli.md").read_text(encoding="utf-8"))


def test_every_command_has_its_heading_and_names_its_options() -> None:
    for path, command in commands(root, "rowport"):
        if isinstance(command, click.Group):
            continue
        assert path in CLI, f"docs/cli.md lacks the heading `{path}`"
        told = CLI[path] + "".join(CLI[title] for title in SHARED)
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden:
                longest = max(option.opts, key=len)
                assert re.search(rf"{longest}\b", told), f"{path} {longest} is not in docs/cli.md"


def test_every_heading_of_a_command_names_a_real_one() -> None:
    known = {path for path, _ in commands(root, "rowport")}
    for title in CLI:
        if title.startswith("rowport "):
            assert title in known


def test_every_setting_is_told() -> None:
    told = "".join(page.read_text(encoding="utf-8") for page in DOCS.rglob("*.md"))
    for source in (ROOT / "src").rglob("*.py"):
        for setting in SETTING.findall(source.read_text(encoding="utf-8")):
            assert setting in told, f"{setting} of {source.name} is in no document"


def test_every_link_between_documents_leads_somewhere() -> None:
    pages = [*DOCS.rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / "examples").rglob("*.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert not broken


def test_every_make_target_in_the_documents_exists() -> None:
    targets = re.findall(
        r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    for page in [*DOCS.rglob("*.md"), *ROOT.glob("*.md")]:
        for target in re.findall(r"`make ([a-z]+)", page.read_text(encoding="utf-8")):
            assert target in targets, f"{page.name}: make {target}"
