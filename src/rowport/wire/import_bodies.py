"""JSON bodies that create or change an import."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec

from rowport.model.errors import Invalid
from rowport.model.imports import ImportOptions, Mode, OnMatch, Policy, Priority
from rowport.wire.bodies import refuse_nul
from rowport.wire.import_options import read_policy, read_word

LONGEST_NAME: Final = 255
MOST_ROWS: Final = 10_000

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME)]
Rows = Annotated[list[dict[str, Any]], msgspec.Meta(min_length=1, max_length=MOST_ROWS)]
Line = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


class SourceBody(msgspec.Struct, forbid_unknown_fields=True):
    """Where the rows come from: exactly one of these."""

    upload: str | None = None
    rows: Rows | None = None


class ReadingBody(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """How the file is read, where detection should not choose."""

    format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    header_row: Line | None = None
    has_header: bool | None = None
    sheet: str | Line | None = None
    member: str | None = None


class ImportBody(msgspec.Struct, forbid_unknown_fields=True):
    """An import as it is to be."""

    type: str
    source: SourceBody
    name: Name | None = None
    key: list[str] = []
    mode: str = Mode.UPSERT
    on_match: str = OnMatch.UPDATE
    policy: str | None = None
    priority: str = Priority.NORMAL
    mapping: dict[str, str | None] = {}
    options: ReadingBody = msgspec.field(default_factory=ReadingBody)
    start: Literal["auto", "manual"] = "auto"


class ChangeBody(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be another one of an import."""

    name: Name | None = None
    mapping: dict[str, str | None] | None = None
    priority: str | None = None


def check_change(body: ChangeBody) -> None:
    """Refuse a change of nothing, or one that cannot be kept.

    Raises:
        Invalid: it is such.
    """
    if all(said is None for said in (body.name, body.mapping, body.priority)):
        raise Invalid("say what is to change: name, mapping or priority", pointer="")
    refuse_nul(msgspec.to_builtins(body))


def read_options(body: ImportBody) -> ImportOptions:
    """Turn what was said into options.

    Raises:
        Invalid: there is not exactly one source, or a text cannot be kept.
        InvalidOptions: a word is unknown.
    """
    if (body.source.upload is None) is (body.source.rows is None):
        raise Invalid("/source: give either upload or rows", pointer="/source")
    told = msgspec.to_builtins(msgspec.structs.replace(body, source=SourceBody()))
    refuse_nul(told)  # the rows may hold it: then that is an error of the row
    return ImportOptions(
        key=tuple(body.key),
        mode=read_word(Mode, "mode", body.mode),
        on_match=read_word(OnMatch, "on_match", body.on_match),
        policy=Policy() if body.policy is None else read_policy(body.policy),
        mapping=read_mapping(body.mapping),
        format=msgspec.to_builtins(body.options),
    )


def read_mapping(said: dict[str, str | None]) -> dict[str, str]:
    """Give header -> field; null leaves a column out."""
    return {header: field or "" for header, field in said.items()}
