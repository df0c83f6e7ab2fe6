"""The texts of a workbook."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from rowport.engine.workbook.parts import local
from rowport.model.errors import UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Iterable

_ITEM: Final = re.compile(rb"<(?:\w+:)?si>(.*?)</(?:\w+:)?si>|<(?:\w+:)?si\s*/>", re.DOTALL)
_SIMPLE: Final = re.compile(rb'<t(?: xml:space="preserve")?>([^<]*)</t>')
_SIMPLE_ITEM: Final = re.compile(rb'<si><t(?: xml:space="preserve")?>([^<\0]*)</t></si>')
_ENTITY: Final = re.compile(r"&(#x[0-9A-Fa-f]{1,6}|#\d{1,7}|amp|lt|gt|quot|apos);")
_NAMED: Final = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
"""ECMA-376 part 1, 22.9.2.19: characters that XML cannot hold."""
_MAX_ITEM_BYTES: Final = 16 * 1024**2


def shared_strings(blocks: Iterable[bytes]) -> list[str]:
    """Give the shared strings by index."""
    found: list[str] = []
    carry = b""
    for block in blocks:
        if not found and b"<!DOCTYPE" in block:
            raise UnreadableFile("The texts of the workbook declare a document type: refused.")
        carry += block
        end = carry.rfind(b"</si>") + len(b"</si>")
        simple = _SIMPLE_ITEM.findall(carry, 0, end) if end >= len(b"</si>") else []
        if simple and len(simple) == carry.count(b"<si", 0, end):
            found += _decoded(simple)
            carry = carry[end:]
            continue
        end = 0
        for item in _ITEM.finditer(carry):
            found.append(item_text(item.group(1) or b""))
            end = item.end()
        carry = carry[end:]
        if len(carry) > _MAX_ITEM_BYTES:
            raise UnreadableFile("The workbook holds a text of more than 16 MiB: refused.")
    return found


def _decoded(items: list[bytes]) -> list[str]:
    text = b"\0".join(items).decode("utf-8", "backslashreplace")
    texts = text.split("\0")
    if "&" in text or "\r" in text or "_x" in text:
        texts = [unescaped(one) for one in texts]
    return texts


def item_text(inner: bytes) -> str:
    """Give the text of a string item; phonetic hints are none of it."""
    simple = _SIMPLE.fullmatch(inner)
    if simple:
        return unescaped(simple.group(1).decode("utf-8", "backslashreplace"))
    try:
        root = ET.fromstring(b"<i>" + re.sub(rb"(</?)\w+:", rb"\1", inner) + b"</i>")  # noqa: S314
    except ET.ParseError as error:
        raise UnreadableFile(f"The workbook is damaged in its texts: {error}.") from error
    return element_text(root)


def element_text(item: ET.Element) -> str:
    """Give the text of a parsed string item."""
    parts = []
    for child in item:
        if local(child.tag) == "t":
            parts.append(child.text or "")
        elif local(child.tag) == "r":
            parts += [t.text or "" for t in child if local(t.tag) == "t"]
    return _unescaped_controls("".join(parts))


def unescaped(text: str) -> str:
    """Resolve entities and the workbook's own escapes."""
    if "&" in text:
        text = _ENTITY.sub(_character, text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")  # as XML parsers do
    return _unescaped_controls(text)


def _unescaped_controls(text: str) -> str:
    if "_x" not in text:
        return text
    return _ESCAPED.sub(lambda found: chr(int(found.group(1), 16)), text)


def _character(found: re.Match[str]) -> str:
    name = found.group(1)
    if name in _NAMED:
        return _NAMED[name]
    digits = name.removeprefix("#")
    code = int(digits.removeprefix("x"), 16) if digits.startswith("x") else int(digits)
    return chr(code) if code <= 0x10FFFF else found.group()  # noqa: PLR2004  the last code point
