"""An open workbook: its sheets, and the rows of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rowport.engine.workbook.parts import Package, local, resolved
from rowport.engine.workbook.sheet import sheet_grids
from rowport.engine.workbook.strings import SharedStrings
from rowport.engine.workbook.styles import Kind, kinds_of_styles
from rowport.engine.workbook.texts import Meaning
from rowport.model.errors import UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from xml.etree import ElementTree as ET

    from rowport.engine.workbook.grid import Grid
    from rowport.ports import BlobReader

_RELATIONS: Final = "_rels/.rels"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One sheet of a workbook."""

    name: str
    part: str
    is_visible: bool


class Workbook:
    """A workbook whose directory was read; cells are read on demand."""

    def __init__(self, blob: BlobReader) -> None:
        """Open it.

        Raises:
            UnreadableFile: it is no workbook, damaged, encrypted or hostile.
        """
        self._package = Package(blob)
        book = self._part_of_type("", "officeDocument") or "xl/workbook.xml"
        if not self._package.has(book):
            raise UnreadableFile("The archive holds no workbook.")
        tree = self._package.tree(book)
        relations = self._relations(book)
        self.sheets = tuple(_sheets(tree, relations, book))
        settings = next((e for e in tree.iter() if local(e.tag) == "workbookPr"), None)
        self._is_1904 = settings is not None and settings.get("date1904") in {"1", "true"}
        self._strings = self._part_of_type(book, "sharedStrings")
        self._styles = self._part_of_type(book, "styles")
        self._meaning: Meaning | None = None

    def grids(self, sheet: Sheet) -> Iterator[Grid]:
        """Give the rows of a sheet, in order, in runs of any length."""
        if self._meaning is None:
            strings = self._package.stream(self._strings) if self._strings else iter(())
            kinds: list[Kind] = []
            if self._styles:
                kinds = kinds_of_styles(self._package.tree(self._styles))
            self._meaning = Meaning(
                strings=SharedStrings(strings), kinds=tuple(kinds), is_1904=self._is_1904
            )
        return sheet_grids(self._package.stream(sheet.part), self._meaning)

    def _relations(self, part: str) -> Mapping[str, tuple[str, str]]:
        """Give type and target of the relations of a part, by id."""
        folder, _, name = part.rpartition("/")
        source = f"{folder}/_rels/{name}.rels".lstrip("/") if part else _RELATIONS
        if not self._package.has(source):
            return {}
        return {
            element.get("Id", ""): (
                element.get("Type", ""),
                resolved(part, element.get("Target", "")),
            )
            for element in self._package.tree(source)
            if element.get("TargetMode") != "External"
        }

    def _part_of_type(self, part: str, kind: str) -> str | None:
        for found, target in self._relations(part).values():
            if found.rpartition("/")[2] == kind and self._package.has(target):
                return target
        return None


def _sheets(
    tree: ET.Element, relations: Mapping[str, tuple[str, str]], book: str
) -> Iterator[Sheet]:
    for element in tree.iter():
        if local(element.tag) != "sheet":
            continue
        ids = [value for key, value in element.attrib.items() if local(key) == "id"]
        kind, part = relations.get(ids[0] if ids else "", ("", resolved(book, "missing")))
        if kind.rpartition("/")[2] == "worksheet":
            yield Sheet(
                name=element.get("name", ""),
                part=part,
                is_visible=element.get("state", "visible") == "visible",
            )
