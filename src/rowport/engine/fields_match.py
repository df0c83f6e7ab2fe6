"""`fieldsMatch`: how the columns of a file must meet the fields of its schema.

Columns meet fields by their mapped name, whatever the word; `exact` asks for their order as well.
A column that was left out by hand does not count.  Fields without a column are told by
`ColumnMapping.missing`, since a mapping by hand can mend that; the rest is told here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rowport.model.errors import FieldsMismatch

if TYPE_CHECKING:
    from rowport.engine.mapping import ColumnMapping
    from rowport.model.table_schema import TableSchema

_BEAR_NO_OTHER_COLUMN: Final = frozenset({"exact", "equal", "superset"})


def check_columns(mapping: ColumnMapping, schema: TableSchema) -> None:
    """Refuse columns that are not those that the schema's `fieldsMatch` asks for.

    Fields without a column are not told here (`ColumnMapping.missing` tells them).

    Raises:
        FieldsMismatch: there are columns without a field, no column of a field, or another order.
    """
    word = schema.fields_match
    if word in _BEAR_NO_OTHER_COLUMN:
        _refuse_others(mapping, word)
    if word == "partial" and not mapping.columns:
        raise FieldsMismatch(
            "No column of the file is one of the fields, and fieldsMatch partial asks for one at "
            f"least; the columns are: {_listed(mapping.header)}."
        )
    fields = [field.name for field in schema.fields if field.name in mapping.mapped]
    if word == "exact" and list(mapping.mapped) != fields:
        raise FieldsMismatch(
            "fieldsMatch exact asks for the columns in the order of the fields: "
            f"{_listed(fields)}; the file has {_listed(mapping.mapped)}."
        )


def _refuse_others(mapping: ColumnMapping, word: str | None) -> None:
    taken = {*mapping.columns, *mapping.left_out}
    others = [cell for index, cell in enumerate(mapping.header) if index not in taken]
    if others:
        raise FieldsMismatch(
            f"fieldsMatch {word} bears no column without a field, and these have none: "
            f"{_listed(others)}. Map them, or leave them out by mapping them to nothing."
        )


def _listed(words: list[str] | tuple[str, ...]) -> str:
    return ", ".join(repr(word) for word in words)
