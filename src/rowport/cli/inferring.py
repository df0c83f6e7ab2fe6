"""`rowport type infer`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rowport.bootstrap import open_table
from rowport.cli.exits import Exit
from rowport.cli.files import (
    check_file,
    read_words,
    reading_options,
    sample,
    shown,
    understood,
    understood_lines,
)
from rowport.cli.outputs import replaced
from rowport.cli.settings import Command, Settings
from rowport.cli.speech import emit, note, printable, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rowport.engine.infer import FieldEvidence
    from rowport.service.inferring import Inferred
    from rowport.service.reading import FileTable


@click.command("infer", cls=Command)
@click.argument("file", type=click.Path(path_type=Path, readable=False))
@click.option(
    "--out",
    type=click.Path(path_type=Path, readable=False),
    metavar="SCHEMA.json",
    help="Where to write it; without it the schema is printed.",
)
@reading_options
@click.pass_obj
def infer_type(settings: Settings, /, *, file: Path, out: Path | None, **words: str | None) -> Exit:
    """Propose a Table Schema from all rows of FILE, with its evidence."""
    from rowport.service.inferring import infer  # noqa: PLC0415  heavy libraries come with it

    given = read_words(words)
    check_file(file)
    table = open_table(file, given)
    inferred = infer(table)
    document = inferred.proposal.document
    if out is not None:
        with replaced(out) as beside:
            beside.write_text(_written(document) + "\n", encoding="utf-8")
    if settings.json:
        emit(_proposal(table, inferred, out))
        return Exit.FINE
    for line in (*understood_lines(table), *proposal_lines(inferred)):
        note(line)
    if out is None:
        say(_written(document))
    else:
        say(f"Table Schema of {len(document['fields'])} fields written to {out}")
    return Exit.FINE


def _written(document: Mapping[str, object]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2)


def _proposal(table: FileTable, inferred: Inferred, out: Path | None) -> dict[str, object]:
    return {
        "schema": inferred.proposal.document,
        "fields": [asdict(evidence) for evidence in inferred.proposal.fields],
        "rows": inferred.proposal.rows + inferred.broken,
        "broken": inferred.broken,
        "read": understood(table, sample(table)),
        "out": None if out is None else str(out),
    }


def proposal_lines(inferred: Inferred) -> Iterator[str]:
    """Say to people what is proposed, and why."""
    document, fields = inferred.proposal.document, inferred.proposal.fields
    yield f"  rows       {inferred.proposal.rows + inferred.broken:,}"
    if inferred.broken:
        yield f"             {inferred.broken:,} of them are not as the others, and would fail"
    yield f"  key        {', '.join(document.get('primaryKey', ())) or 'none'}"
    width = min(max(len(evidence.name) for evidence in fields), 40)
    for descriptor, evidence in zip(document["fields"], fields, strict=True):
        words = ", ".join(_words(descriptor, evidence))
        yield f"    {printable(evidence.name):<{width}}  {printable(words)}"


def _words(descriptor: Mapping[str, Any], evidence: FieldEvidence) -> Iterator[str]:
    """Say a field in words."""
    form = descriptor.get("semantic", descriptor.get("format"))
    yield str(descriptor["type"]) + (f" ({form})" if form else "")
    yield from descriptor.get("constraints", ())
    if evidence.empty:
        yield f"{evidence.empty:,} empty"
    missing = [word for word in descriptor.get("missingValues", ()) if word]
    if missing:
        yield f"no value is written {' or '.join(map(shown, missing))}"
    if evidence.misfits:
        # Cells that mean "no value" are neither fits nor misfits.
        count = "some" if missing else f"{evidence.filled - evidence.fits:,}"
        examples = ", ".join(shown(cell) for cell in evidence.misfits)
        yield f"{count} do not fit ({examples})"
    if evidence.alternatives:
        yield f"or {' or '.join(evidence.alternatives)} (only you can know)"
