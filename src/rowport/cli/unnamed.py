"""`rowport import FILE` without a record type: propose one from the file, and ask."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from rowport.bootstrap import open_table, suffixes
from rowport.cli.files import understood_lines
from rowport.cli.inferring import proposal_lines
from rowport.cli.speech import note
from rowport.model.errors import InvalidOptions, RecordTypeNotFound, UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rowport.bootstrap import Rowport
    from rowport.model.imports import ImportOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedType:
    """A record type that was proposed and agreed to."""

    name: str
    document: Mapping[str, Any]
    headers: Mapping[str, str]
    """Header -> field, for the first column of each header."""

    def make(self, rowport: Rowport, options: ImportOptions) -> ImportOptions:
        """Make the record type, and map the file's columns to its fields.

        Raises:
            InvalidOptions: another record type has this name.
        """
        types, key = rowport.services.record_types, options.key or None
        try:
            current = types.get(rowport.organization.id, self.name)
        except RecordTypeNotFound:
            current = None
        if current is not None and current.schema.document != self.document:
            raise InvalidOptions(
                f"there is a record type {self.name} already, and the file proposes another "
                f"schema: import with --type {self.name}, or make a type of another name with "
                "`rowport type infer` and `rowport type put`"
            )
        types.put(rowport.organization, self.name, self.document, key=key)
        taken = set(options.mapping.values())
        mapping = {header: name for header, name in self.headers.items() if name not in taken}
        return replace(options, mapping={**mapping, **options.mapping})


def propose(file: Path, given: Mapping[str, object], *, yes: bool) -> ProposedType:
    """Propose a record type from all rows of the file, show it on stderr and ask.

    Raises:
        InvalidOptions: nobody is there to be asked, or the answer was no.
        UnreadableFile: the file cannot be read, or has no row to tell from.
    """
    from rowport.service.inferring import infer, type_name  # noqa: PLC0415  heavy libraries

    if not yes and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InvalidOptions(
            "no record type is named, and nobody is here to be asked: say --type NAME, or --yes "
            "to make one as the file proposes (`rowport type infer FILE` shows it)"
        )
    table = open_table(file, given)
    inferred = infer(table)
    proposal = inferred.proposal
    if not proposal.rows:
        raise UnreadableFile(f"{file.name} has no row to tell a record type from")
    name = type_name(file.name, suffixes())
    for line in (*understood_lines(table), f"record type {name}", *proposal_lines(inferred)):
        note(line)
    if not yes and not click.confirm("Make this record type and import the file?", err=True):
        raise InvalidOptions(
            "nothing was imported; `rowport type infer FILE --out SCHEMA.json` writes the proposal "
            "to be changed, `rowport type put NAME SCHEMA.json` makes the type of it"
        )
    headers: dict[str, str] = {}
    for evidence in proposal.fields:
        if evidence.header:
            headers.setdefault(evidence.header, evidence.name)
    return ProposedType(name=name, document=proposal.document, headers=headers)
