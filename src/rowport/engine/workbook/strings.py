"""The texts of a workbook."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine.workbook.parts import local
from rowport.engine.workbook.words import is_utf8, marked, padded, pieces, stands, tags, text_begins
from rowport.model.errors import UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

_ITEM: Final = re.compile(rb"<(?:\w+:)?si>(.*?)</(?:\w+:)?si>|<(?:\w+:)?si\s*/>", re.DOTALL)
_SIMPLE: Final = re.compile(rb'<t(?: xml:space="preserve")?>([^<]*)</t>')
_BEFORE: Final = b"<si>"
_BEHIND: Final = b"</t></si>"
_TAGS: Final = 4
"""Of an item that holds one text."""
_ENTITY: Final = re.compile(r"&(#x[0-9A-Fa-f]{1,6}|#\d{1,7}|amp|lt|gt|quot|apos);")
_NAMED: Final = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
"""ECMA-376 part 1, 22.9.2.19: characters that XML cannot hold."""
_MAX_ITEM_BYTES: Final = 16 * 1024**2
_MAX_BYTES: Final = 128 * 1024**2
"""Of all shared strings together: they are held while the sheet is read."""
_END: Final = re.compile(rb"</(?:\w{1,20}:)?si>|<(?:\w{1,20}:)?si\s?/>")
_END_BYTES: Final = 32


class SharedStrings:
    """The shared strings of a workbook, read as far as cells refer to them."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        """Take the blocks of their part, which are not looked at yet."""
        self._runs = _runs(blocks)
        self._parts: list[pa.Array] = []
        self._known = pa.array([], pa.large_string())
        self._size = 0

    def take(self, numbers: NDArray[np.int64]) -> pa.Array | None:
        """Give the strings of these numbers; None if one does not exist.

        Raises:
            UnreadableFile: their part is damaged, hostile or too large.
        """
        last = int(numbers.max(initial=-1))
        while last >= self._size:
            run = next(self._runs, None)
            if run is None:
                return None
            self._parts.append(run)
            self._size += len(run)
        if self._parts:
            self._known = pa.concat_arrays([self._known, *self._parts])
            self._parts = []
            if self._known.nbytes > _MAX_BYTES:
                raise UnreadableFile(
                    f"The texts of the workbook take more than {_MAX_BYTES // 1024**2} MiB: "
                    "save the sheet as CSV."
                )
        return self._known.take(pa.array(numbers))


def _runs(blocks: Iterable[bytes]) -> Iterator[pa.Array]:
    """Give the strings of each block that ends some."""
    carry = b""
    is_first = True
    for block in blocks:
        if is_first and b"<!DOCTYPE" in block:
            raise UnreadableFile("The texts of the workbook declare a document type: refused.")
        known = max(0, len(carry) - _END_BYTES)
        carry += block
        end = _last_end(carry, known)
        if end:
            found = _items(carry[:end])
            is_first = is_first and not len(found)
            carry = carry[end:]
            yield found
        if len(carry) > _MAX_ITEM_BYTES:
            raise UnreadableFile("The workbook holds a text of more than 16 MiB: refused.")


def _last_end(carry: bytes, known: int) -> int:
    """Give where the last whole item ends; none ends before `known`."""
    last = max(carry.rfind(b"</si>", known), carry.rfind(b"<si/>", known))
    if last >= 0:
        return last + len(b"</si>")
    return max((found.end() for found in _END.finditer(carry, known)), default=0)


def _items(text: bytes) -> pa.Array:
    """Give the strings of a run of whole items."""
    text = text.replace(b"<si/>", b"<si><t></t></si>")
    plain = _plain_items(text) if is_utf8(text) else None
    if plain is not None:
        return plain
    items = [item_text(item.group(1) or b"") for item in _ITEM.finditer(text)]
    return pa.array(items, pa.large_string())


def _plain_items(text: bytes) -> pa.Array | None:
    """Give the strings of items that hold one text each; None if some hold anything else."""
    array = padded(text[max(0, text.find(_BEFORE)) :])
    opens, ends = tags(array, b"t", b"/t")
    begins = text_begins(array, opens)
    if (
        begins is None
        or not len(begins)
        or np.count_nonzero(array == ord("<")) != _TAGS * len(begins)
        or len(begins) != len(ends)
        or not stands(array, opens - len(_BEFORE), _BEFORE)
        or not stands(array, ends, _BEHIND)
        or (begins > ends).any()
        or (begins[1:] < ends[:-1]).any()
    ):
        return None
    strings = pieces(array, begins, ends).take(pa.array(np.arange(0, 2 * len(begins), 2)))
    return unescaped_where(strings, marked(text, array, begins))


def unescaped_where(strings: pa.Array, mask: NDArray[np.bool_]) -> pa.Array:
    """Resolve entities and escapes in some strings."""
    places = np.flatnonzero(mask)
    if not len(places):
        return strings
    texts = [unescaped(text) for text in strings.take(pa.array(places)).to_pylist()]
    return pc.replace_with_mask(strings, pa.array(mask), pa.array(texts, strings.type))


def item_text(inner: bytes) -> str:
    """Give the text of a string item; phonetic hints are none of it."""
    simple = _SIMPLE.fullmatch(inner)
    if simple:
        return unescaped(simple.group(1).decode("utf-8", "backslashreplace"))
    try:
        root = ET.fromstring(b"<i>" + re.sub(rb"(</?)\w+:", rb"\1", inner) + b"</i>")  # noqa: S314  no DTD: refused before
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
