"""Validate a file by a Table Schema, without any database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rowport.engine.accounting import repeat_errors
from rowport.engine.error_groups import ErrorGroup, ErrorGroups
from rowport.engine.fields_match import check_columns
from rowport.engine.formula_guard import MARKERS, is_guarded
from rowport.engine.mapping import match
from rowport.engine.tables import ERRORS_SCHEMA
from rowport.engine.uniqueness import Uniqueness
from rowport.engine.validation import Validator
from rowport.model.errors import InvalidOptions, MappingIncomplete
from rowport.model.table_schema import Keep

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rowport.engine.mapping import ColumnMapping
    from rowport.engine.validation import Validated
    from rowport.model.table_schema import TableSchema
    from rowport.ports import ParsedChunk
    from rowport.service.reading import FileTable


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedRows:
    """What is wrong with the rows of one chunk."""

    rows: int
    errors: pa.Table
    """ERRORS_SCHEMA with the column "line" (int64) behind "row"; in the order of the rows."""


class Check:
    """The validation of one file.

    In-file repetitions of the key, of unique fields and of unique keys are errors: the first
    valid row wins.  Foreign keys point to what only a database knows: they are not checked.
    """

    def __init__(
        self,
        table: FileTable,
        schema: TableSchema,
        *,
        given: Mapping[str, str] | None = None,
        key: Sequence[str] = (),
    ) -> None:
        """Match the columns (`given`: header -> field by hand) and compile the schema.

        Raises:
            MappingIncomplete: a field that must have a value has no column, or the columns are
                not those that `fieldsMatch` asks for.
            InvalidOptions: `given` or `key` names what does not exist.
        """
        self._table = table
        self._check_key(schema, key)
        self.mapping = _mapping(table, schema, given or {}, key)
        fields = self.mapping.mapped
        self._validator = Validator(schema, fields, key=key)
        self._keys = _unique_keys(schema, key, fields)
        self._skips_by = _skips_by(schema, self._keys)
        lookups = any(field.lookup for field in schema.fields)
        self.unchecked = (
            *(("foreignKeys",) if schema.foreign_keys else ()),
            *(("lookup",) if lookups else ()),
        )
        """Properties of the schema that only a database could check."""

    def _check_key(self, schema: TableSchema, key: Sequence[str]) -> None:
        names = [field.name for field in schema.fields]
        for name in key:
            if name not in names:
                raise InvalidOptions(
                    f"The key {name!r} is not a field. The fields are: {', '.join(names)}."
                )

    def run(self) -> Iterator[CheckedRows]:
        """Read the file and give what is wrong, chunk by chunk, in the order of the rows.

        Raises:
            UnreadableFile: the file cannot be read to its end.
        """
        uniqueness = Uniqueness(self._keys)
        for chunk, cells, valid in self._table.each(self._validated):
            lost = uniqueness.repeats(valid.rows) if self._keys and len(valid.row) else None
            parts = [valid.errors, _broken(chunk)]
            if lost is not None:
                parts += self._repeats(chunk, cells, valid, lost)
            yield CheckedRows(rows=chunk.rows, errors=_in_order(chunk, pa.concat_tables(parts)))

    def _validated(self, chunk: ParsedChunk) -> tuple[ParsedChunk, pa.Table, Validated]:
        cells = pa.table({name: chunk.cells[str(i)] for i, name in self.mapping.columns.items()})
        return chunk, cells, self._validator.run(cells, chunk.row)

    def _repeats(
        self, chunk: ParsedChunk, cells: pa.Table, valid: Validated, lost: np.ndarray
    ) -> Iterator[pa.Table]:
        """Give the errors of rows whose keys stand in earlier ones, with their raw cells."""
        if self._skips_by is not None:
            lost[lost[:, self._skips_by]] = False
        for place, key in enumerate(self._keys):
            row = valid.row.filter(pa.array(lost[:, place]))
            if len(row):
                at = chunk.row.to_numpy().searchsorted(row.to_numpy())
                raw = cells.select(list(key)).take(pa.array(at))
                texts = pa.table({name: pc.fill_null(raw[name], "") for name in key})
                yield repeat_errors(texts, row, key)


def _mapping(
    table: FileTable, schema: TableSchema, given: Mapping[str, str], key: Sequence[str]
) -> ColumnMapping:
    header = table.layout.header
    ours = dict.fromkeys(MARKERS, "") if is_guarded(header) else {}
    mapping = match(header, schema, {**ours, **given}, key=key)
    if mapping.missing:
        raise MappingIncomplete(
            f"{table.name} has no column for {', '.join(mapping.missing)}; its columns are: "
            f"{', '.join(header)}. Say which column it is with --map HEADER=FIELD."
        )
    check_columns(mapping, schema)
    return mapping


def _unique_keys(
    schema: TableSchema, key: Sequence[str], fields: Sequence[str]
) -> tuple[tuple[str, ...], ...]:
    """Give each set of fields that identifies a record, once."""
    alone = [(field.name,) for field in schema.fields if field.constraints.unique]
    repeats = schema.dedupe.fields if schema.dedupe else ()
    wanted = [tuple(key), schema.primary_key, *schema.unique_keys, *alone, repeats]
    whole = [names for names in wanted if names and set(names) <= set(fields)]
    return tuple({tuple(sorted(names)): names for names in reversed(whole)}.values())[::-1]


def _skips_by(schema: TableSchema, keys: Sequence[tuple[str, ...]]) -> int | None:
    """Give the place of the key whose repetitions are skipped and no errors."""
    if schema.dedupe is None or schema.dedupe.keep is not Keep.FIRST:
        return None
    fields = set(schema.dedupe.fields)
    return next((place for place, names in enumerate(keys) if set(names) == fields), None)


def _broken(chunk: ParsedChunk) -> pa.Table:
    """Give the errors of rows that could not be taken apart."""
    return pa.table(
        {
            "row": [broken.row for broken in chunk.broken],
            "field": pa.nulls(len(chunk.broken), pa.string()),
            "code": [str(broken.code) for broken in chunk.broken],
            "value": pa.nulls(len(chunk.broken), pa.string()),
            "message": [broken.note for broken in chunk.broken],
        },
        schema=ERRORS_SCHEMA,
    )


def _in_order(chunk: ParsedChunk, errors: pa.Table) -> pa.Table:
    """Put the errors into the order of the rows, each with its line."""
    rows = np.concatenate([chunk.row.to_numpy(), [b.row for b in chunk.broken]]).astype(np.int64)
    lines = np.concatenate([chunk.line.to_numpy(), [b.line for b in chunk.broken]])
    order = np.argsort(rows, kind="stable")
    errors = errors.take(pa.array(np.argsort(errors["row"].to_numpy(), kind="stable")))
    places = order[rows[order].searchsorted(errors["row"].to_numpy())]
    return errors.add_column(1, "line", pa.array(lines[places].astype(np.int64)))


@dataclass(slots=True, kw_only=True)
class Tally:
    """What was wrong with all rows so far."""

    rows: int = 0
    failed: int = 0
    errors: int = 0
    _groups: ErrorGroups = field(default_factory=ErrorGroups)

    def add(self, checked: CheckedRows) -> None:
        """Take the next chunk in."""
        self.rows += checked.rows
        self.errors += checked.errors.num_rows
        self.failed += len(pc.unique(checked.errors["row"]))
        self._groups.add(checked.errors)

    @property
    def groups(self) -> list[ErrorGroup]:
        """The kinds of errors, the most frequent first."""
        return self._groups.groups
