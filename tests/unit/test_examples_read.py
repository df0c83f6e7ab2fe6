"""The example files, read, mapped and validated: every planted fault is told, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rowport.blobs.local import LocalBlobs
from rowport.engine.mapping import match
from rowport.engine.schema_document import parse
from rowport.engine.validation import Validator
from rowport.formats.csv import CsvFormat
from rowport.model.outcomes import RowErrorCode
from rowport.ports import ChunkLimits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rowport.ports import ParsedChunk

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL = ChunkLimits(chunk_bytes=64 * 1024, chunk_rows=500)
WHOLE = ChunkLimits()


def truth() -> Any:  # noqa: ANN401  a JSON document
    return json.loads((EXAMPLES / "contacts.truth.json").read_text(encoding="utf-8"))


def chunks(path: Path, limits: ChunkLimits) -> Iterator[tuple[tuple[str, ...], ParsedChunk]]:
    """Give the header and each chunk."""
    known = CsvFormat()
    blob = LocalBlobs(path.parent).open(path.name)
    layout = known.detect(blob, {})
    for span in known.spans(blob, layout, limits):
        yield layout.header, known.read_span(blob, layout, span)


def faults(path: Path, schema_path: Path, limits: ChunkLimits) -> dict[int, set[tuple[Any, str]]]:
    """Give the (field, code) pairs of each row that fails before the load."""
    schema = parse(json.loads(schema_path.read_text(encoding="utf-8")))
    found: dict[int, set[tuple[Any, str]]] = {}
    for header, chunk in chunks(path, limits):
        mapping = match(header, schema, {})
        assert not mapping.missing
        assert not mapping.unmapped
        fields = list(mapping.mapped)
        validator = Validator(schema, fields)
        errors = validator.run(chunk.cells.rename_columns(fields), chunk.row).errors
        for error in errors.to_pylist():
            found.setdefault(error["row"], set()).add((error["field"], error["code"]))
        for broken in chunk.broken:
            found.setdefault(broken.row, set()).add((None, broken.code))
    return found


@pytest.mark.parametrize("limits", [WHOLE, SMALL], ids=["whole", "small chunks"])
def test_the_contacts_fail_exactly_where_faults_were_planted(limits: ChunkLimits) -> None:
    found = faults(EXAMPLES / "contacts.csv", EXAMPLES / "contacts.schema.json", limits)
    planted = {bad["row"]: bad["errors"] for bad in truth()["bad_rows"]}
    only_in_the_load = {
        row for row, errors in planted.items() if errors[0]["codes"] == [RowErrorCode.UNIQUE]
    }
    assert set(found) == set(planted) - only_in_the_load
    for row, seen in found.items():
        wanted = planted[row]
        assert len(seen) == len(wanted), row
        for error in wanted:
            assert seen & {(error["field"], code) for code in error["codes"]}, row


@pytest.mark.parametrize("limits", [WHOLE, SMALL], ids=["whole", "small chunks"])
def test_the_contacts_samples_are_read_letter_by_letter(limits: ChunkLimits) -> None:
    read = {
        row: (line, tuple(cells.values()))
        for _, chunk in chunks(EXAMPLES / "contacts.csv", limits)
        for row, line, cells in zip(
            chunk.row.to_pylist(), chunk.line.to_pylist(), chunk.cells.to_pylist(), strict=True
        )
    }
    for sample in truth()["samples"]:
        assert read[sample["row"]] == (sample["line"], tuple(sample["cells"].values()))


@pytest.mark.parametrize("folder", ["airports", "seattle-weather"])
def test_the_public_tables_have_no_fault(folder: str) -> None:
    place = EXAMPLES / folder
    assert faults(place / "data.csv", place / "schema.json", SMALL) == {}
