"""`rowport type put|list|show`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rowport.bootstrap import open_rowport
from rowport.cli.exits import Exit
from rowport.cli.schemas import read_schema
from rowport.cli.settings import Command, Settings
from rowport.cli.speech import emit, note, printable, say
from rowport.wire.import_options import read_key
from rowport.wire.resources import record_type_resource

if TYPE_CHECKING:
    from rowport.model.record_types import RecordType
    from rowport.model.table_schema import Field


@click.command("put", cls=Command)
@click.argument("name")
@click.argument("schema", type=click.Path(path_type=Path, readable=False), metavar="SCHEMA.json")
@click.option("--key", metavar="FIELD[,FIELD]", help="Fields that identify a record.")
@click.pass_obj
def put(settings: Settings, *, name: str, schema: Path, key: str | None) -> Exit:
    """Make the record type NAME from a Table Schema, or change it."""
    document = read_schema(schema)
    fields = read_key(key) if key is not None else None
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        record_type = rowport.services.record_types.put(
            rowport.organization, name, document, key=fields
        )
    _show(settings, record_type)
    return Exit.FINE


@click.command("list", cls=Command)
@click.pass_obj
def list_types(settings: Settings) -> Exit:
    """List the record types, by name; with --json one document a line."""
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        found = rowport.services.record_types.list(rowport.organization.id)
    for record_type in found:
        if settings.json:
            emit(record_type_resource(record_type))
        else:
            say(headline(record_type))
    if not found and not settings.json:
        note("rowport: there is no record type yet; `rowport type put NAME SCHEMA.json` makes one")
    return Exit.FINE


@click.command("show", cls=Command)
@click.argument("name")
@click.pass_obj
def show(settings: Settings, *, name: str) -> Exit:
    """Show the record type NAME."""
    with open_rowport(home=settings.home, database_url=settings.database_url) as rowport:
        record_type = rowport.services.record_types.get(rowport.organization.id, name)
    _show(settings, record_type)
    return Exit.FINE


def _show(settings: Settings, record_type: RecordType) -> None:
    if settings.json:
        emit(record_type_resource(record_type))
        return
    say(headline(record_type))
    for field in record_type.schema.fields:
        say(field_line(field, is_key=field.name in record_type.key))


def headline(record_type: RecordType) -> str:
    """Say a record type on one line."""
    key = ", ".join(record_type.key) or "none"
    return (
        f"{record_type.name}  version {record_type.version}, "
        f"{len(record_type.schema.fields)} fields, key {printable(key)}, "
        f"table {record_type.table_schema}.{record_type.table_name}"
    )


def field_line(field: Field, *, is_key: bool) -> str:
    """Say a field on one line."""
    marks = [str(field.type) if field.format == "default" else f"{field.type} ({field.format})"]
    marks += ["key"] if is_key else []
    marks += ["required"] if field.constraints.required else []
    marks += ["unique"] if field.constraints.unique else []
    return printable(f"  {field.name}: {', '.join(marks)}")
