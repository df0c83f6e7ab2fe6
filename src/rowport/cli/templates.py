"""`rowport type template`."""

from __future__ import annotations

from pathlib import Path

import click

from rowport.bootstrap import open_rowport
from rowport.cli.exits import Exit
from rowport.cli.outputs import replaced, suffix_of
from rowport.cli.settings import Command, Settings
from rowport.cli.speech import emit, say
from rowport.service.templates import template_csv, write_template_workbook


@click.command("template", cls=Command)
@click.argument("name")
@click.option(
    "--out",
    type=click.Path(path_type=Path, readable=False),
    required=True,
    metavar="FILE.{csv,xlsx}",
    help="Where to write it; an old file of this name is replaced.",
)
@click.pass_obj
def template(settings: Settings, *, name: str, out: Path) -> Exit:
    """Write an empty file of the record type NAME: its headers and one example row."""
    suffix = suffix_of(out)
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        record_type = rowport.services.record_types.get(rowport.organization.id, name)
    with replaced(out) as beside:
        if suffix == ".xlsx":
            write_template_workbook(beside, record_type)
        else:
            beside.write_bytes(template_csv(record_type))
    if settings.json:
        emit({"type": record_type.name, "version": record_type.version, "path": str(out)})
    else:
        say(f"template of {record_type.name} written to {out}")
    return Exit.FINE
