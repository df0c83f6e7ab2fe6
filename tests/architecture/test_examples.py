"""The examples are what their makers say they are."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import frictionless
import pytest

import make_contacts

EXAMPLES = Path(__file__).parents[2] / "examples"


def truth() -> Any:  # noqa: ANN401  a JSON document
    return json.loads((EXAMPLES / "contacts.truth.json").read_text(encoding="utf-8"))


def contacts() -> list[list[str]]:
    text = (EXAMPLES / "contacts.csv").read_bytes().decode("utf-8-sig")
    return [cells for cells in csv.reader(io.StringIO(text, newline="")) if cells]


def test_the_committed_contacts_are_what_the_generator_makes(tmp_path: Path) -> None:
    make_contacts.main([str(tmp_path)])
    for name in ("contacts.csv", "contacts.truth.json"):
        assert (tmp_path / name).read_bytes() == (EXAMPLES / name).read_bytes()


def test_the_contacts_read_by_another_reader_are_as_many() -> None:
    assert len(contacts()) - 1 == truth()["total"] == truth()["created"] + truth()["failed"]


def test_the_readme_counts_the_rows_of_the_example() -> None:
    readme = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
    assert f"a messy file of {truth()['total']:,} rows" in readme


def test_the_samples_stand_where_the_truth_says() -> None:
    rows = contacts()
    lines = (EXAMPLES / "contacts.csv").read_bytes().decode("utf-8-sig").split("\n")
    for sample in truth()["samples"]:
        cells = list(sample["cells"].values())
        assert rows[sample["row"]] == cells
        assert lines[sample["line"] - 1].startswith(cells[0])


def test_another_validator_finds_the_same_bad_rows() -> None:
    """frictionless knows no aliases, so it gets the field names as its header."""
    _, *rows = contacts()
    document = json.loads((EXAMPLES / "contacts.schema.json").read_text(encoding="utf-8"))
    schema = frictionless.Schema.from_descriptor(
        {name: document[name] for name in ("fields", "missingValues")}
    )
    resource = frictionless.Resource(data=[list(make_contacts.FIELDS), *rows], schema=schema)
    report = frictionless.validate(resource, limit_errors=100_000)
    found = defaultdict(set)
    for row, code in report.flatten(["rowNumber", "type"]):
        found[row - 1].add(code)

    planted = {
        bad["row"]: bad["errors"] for bad in truth()["bad_rows"] if bad["kind"] != "duplicate"
    }
    assert set(found) == set(planted)
    for row, errors in planted.items():
        for error in errors:
            assert found[row] & set(error["codes"])


def test_every_duplicate_repeats_the_key_of_an_earlier_row() -> None:
    rows = contacts()
    bad = {item["row"]: item["kind"] for item in truth()["bad_rows"]}
    seen: set[str] = set()
    repeats = set()
    for row, cells in enumerate(rows[1:], start=1):
        if row not in bad or bad[row] == "duplicate":
            if cells[0] in seen:
                repeats.add(row)
            seen.add(cells[0])
    assert repeats == {row for row, kind in bad.items() if kind == "duplicate"}


@pytest.mark.parametrize("folder", ["airports", "seattle-weather"])
def test_the_public_tables_are_unchanged_and_valid(folder: str) -> None:
    place = EXAMPLES / folder
    origin = (place / "README.md").read_text(encoding="utf-8")
    assert hashlib.sha256((place / "data.csv").read_bytes()).hexdigest() in origin
    report = frictionless.validate(
        frictionless.Resource(path="data.csv", schema="schema.json", basepath=str(place))
    )
    assert report.valid, report.flatten(["rowNumber", "type", "note"])
