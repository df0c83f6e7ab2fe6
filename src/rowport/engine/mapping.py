"""Header -> field: which column of a file feeds which field of the record type.

A column is matched, in this order: as given by hand, by the exact name, then by name, alias and
title without regard to case, blanks and punctuation.  Nothing is guessed: what matches none of
these stays unmapped, and a field takes the first column that matches it best.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rowport.model.errors import InvalidOptions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rowport.model.table_schema import Field, TableSchema

NEED_EVERY_FIELD: Final = frozenset({"exact", "equal", "subset"})
"""The words of `fieldsMatch` that ask for a column of each field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMapping:
    """Which column feeds which field."""

    header: tuple[str, ...]
    """The header cells, in file order."""
    columns: Mapping[int, str]
    """0-based column -> field, in file order, for the columns that are imported."""
    missing: tuple[str, ...]
    """Fields that must have a column (required, in the key, or by `fieldsMatch`) and have none."""
    left_out: tuple[int, ...] = ()
    """0-based columns that were left out by hand."""

    @property
    def by_header(self) -> dict[str, str]:
        """Header -> field of the mapped columns (`Import.mapping`)."""
        return {self.header[index]: field for index, field in self.columns.items()}

    @property
    def mapped(self) -> tuple[str, ...]:
        """The fields that have a column, in file order."""
        return tuple(self.columns.values())

    def is_complete(self, *, by_name: bool = True) -> bool:
        """Whether nothing is missing; where nothing is matched by name, some column is needed."""
        return not self.missing and (by_name or bool(self.columns))

    @property
    def unmapped(self) -> tuple[str, ...]:
        """The headers that feed no field."""
        return tuple(cell for index, cell in enumerate(self.header) if index not in self.columns)


def match(
    header: Sequence[str],
    schema: TableSchema,
    given: Mapping[str, str],
    *,
    key: Sequence[str] = (),
    by_name: bool = True,
) -> ColumnMapping:
    """Match the columns of a file to the fields of a record type.

    `given` (header -> field, "" leaves the column out) wins over every match.  Of several columns
    with the same header, `given` means the first.  A column with an empty header is called
    `column_N`, N from 1, as where a file has no header.  `key` are fields that identify a record
    besides the schema's primary key.  `by_name=False` takes the columns of `given` alone.

    Raises:
        InvalidOptions: `given` names a header or field that does not exist, or two headers for
            one field; the message names the candidates.
    """
    taken = _given(header, schema, given)
    names = [cell or nameless(index) for index, cell in enumerate(header)]
    for level in range(_LEVELS if by_name else 0):
        for field in schema.fields:
            if field.name in taken.values():
                continue
            words = set(list(_words(field))[level])
            for index, cell in enumerate(names):
                if index not in taken and _at(level, cell) in words:
                    taken[index] = field.name
                    break
    columns = {index: taken[index] for index in sorted(taken) if taken[index]}
    wanted = needed(schema, key=key)
    return ColumnMapping(
        header=tuple(header),
        columns=columns,
        missing=tuple(name for name in wanted if name not in columns.values()),
        left_out=tuple(index for index in sorted(taken) if not taken[index]),
    )


def needed(schema: TableSchema, *, key: Sequence[str] = ()) -> list[str]:
    """Give the fields that must have a column: required, in the key, or by `fieldsMatch`."""
    must = {*key, *schema.primary_key}
    every = schema.fields_match in NEED_EVERY_FIELD
    return [f.name for f in schema.fields if every or f.constraints.required or f.name in must]


def nameless(index: int) -> str:
    """Give what the 0-based column `index` is called if its header cell is empty."""
    return f"column_{index + 1}"


_LEVELS = 4


def _words(field: Field) -> Iterator[list[str]]:
    """Give what a header may say to mean the field, the best first."""
    titles = [title for title in (field.title, *field.titles.values()) if title]
    yield [field.name]
    yield [folded(field.name)]
    yield [folded(alias) for alias in field.aliases]
    yield [folded(title) for title in titles]


def _at(level: int, cell: str) -> str:
    return folded(cell) if level else cell


def folded(text: str) -> str:
    """Fold a header for comparison: case, compatibility forms, blanks and punctuation fall away.

    A text of nothing but punctuation stays as it is.
    """
    plain = unicodedata.normalize("NFKC", text.casefold())
    plain = unicodedata.normalize("NFKC", plain.casefold())
    kept = "".join(char for char in plain if char.isalnum() or unicodedata.combining(char))
    return kept or text


def check_given(schema: TableSchema, given: Mapping[str, str]) -> None:
    """Check a mapping given by hand as far as it can be without the file.

    Raises:
        InvalidOptions: it names a field that does not exist, or two headers for one field.
    """
    names = [field.name for field in schema.fields]
    header_of: dict[str, str] = {}
    for cell, name in given.items():
        if not name:
            continue
        if name not in names:
            raise InvalidOptions(
                f"mapping: there is no field {name!r} for column {cell!r};"
                f" the fields are {_listed(names)}"
            )
        if name in header_of:
            raise InvalidOptions(
                f"mapping: columns {header_of[name]!r} and {cell!r}"
                f" are both given for field {name!r}"
            )
        header_of[name] = cell


def _given(header: Sequence[str], schema: TableSchema, given: Mapping[str, str]) -> dict[int, str]:
    """Check the mapping given by hand; column -> field, "" for a column left out."""
    check_given(schema, given)
    taken: dict[int, str] = {}
    for cell, name in given.items():
        if cell not in header:
            raise InvalidOptions(
                f"mapping: the file has no column {cell!r}; its columns are {_listed(header)}"
            )
        taken[header.index(cell)] = name
    return taken


def _listed(words: Sequence[str]) -> str:
    return ", ".join(repr(word) for word in words)
