"""Where the references of a record type lead, and whether they can be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rowport.engine.schema_reading import refuse
from rowport.model.errors import InvalidSchema
from rowport.model.references import Reference
from rowport.model.table_schema import FieldType

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rowport.model.record_types import RecordType
    from rowport.model.table_schema import Field, ForeignKey, Lookup
    from rowport.ports import Transaction
    from rowport.ports.ledger import RecordTypeLedger

_TEXT: Final = frozenset(
    {
        FieldType.STRING,
        FieldType.ANY,
        FieldType.YEARMONTH,
        FieldType.DURATION,
        FieldType.GEOPOINT,
    }
)
_WHOLE: Final = frozenset({FieldType.INTEGER, FieldType.YEAR})
_INCOMPARABLE: Final = frozenset(
    {FieldType.OBJECT, FieldType.ARRAY, FieldType.LIST, FieldType.GEOJSON}
)


def references_of(
    tx: Transaction, types: RecordTypeLedger, record_type: RecordType
) -> tuple[Reference, ...]:
    """Give the references of a record type with the newest versions of the types they lead to.

    Raises:
        InvalidSchema: a record type or field is missing, or the reference cannot be kept; the
            message has a JSON pointer, the value and what is allowed.
    """
    finder = _Finder(tx, types, record_type)
    schema = record_type.schema
    foreign = [
        finder.of_key(f"/foreignKeys/{index}", key) for index, key in enumerate(schema.foreign_keys)
    ]
    lookups = [
        finder.of_lookup(f"/fields/{index}/lookup", field, field.lookup)
        for index, field in enumerate(schema.fields)
        if field.lookup is not None
    ]
    return (*foreign, *lookups)


class _Finder:
    """Finds the record types that one type's references lead to."""

    def __init__(self, tx: Transaction, types: RecordTypeLedger, record_type: RecordType) -> None:
        self._tx = tx
        self._types = types
        self._own = record_type

    def of_key(self, at: str, key: ForeignKey) -> Reference:
        """Give a foreign key's reference."""
        target = self._target(f"{at}/reference/resource", key.resource or self._own.name)
        for name, by in zip(key.fields, key.reference_fields, strict=True):
            theirs = _field(f"{at}/reference/fields", target, by)
            ours = self._own.schema.field(name)
            if _family(ours) is None or _family(ours) != _family(theirs):
                raise InvalidSchema.at(
                    at,
                    f"{name} ({ours.type}) cannot be compared with {by} ({theirs.type}) of "
                    f"{target.name}: use the same type, and none that holds JSON",
                )
        return Reference(
            fields=key.fields, target=target, by=key.reference_fields, is_self=self._is_own(target)
        )

    def of_lookup(self, at: str, field: Field, lookup: Lookup) -> Reference:
        """Give a lookup's reference."""
        target = self._target(f"{at}/type", lookup.type)
        theirs = _field(f"{at}/by", target, lookup.by)
        unique = [key for key in unique_keys(target) if len(key) == 1]
        if (lookup.by,) not in unique or _family(theirs) is None:
            raise InvalidSchema.at(
                f"{at}/by",
                f"{target.name} does not keep {lookup.by} unique, so a record cannot be "
                f"looked up by it; unique are {_listed(key[0] for key in unique)}",
            )
        reference = Reference(
            fields=(field.name,),
            target=target,
            by=(lookup.by,),
            lookup=lookup,
            is_self=self._is_own(target),
        )
        self._check_self(at, reference)
        self._check_create(at, reference)
        return reference

    def _check_self(self, at: str, reference: Reference) -> None:
        """Refuse a lookup of records that are made by its own rows under ids not known yet."""
        if reference.is_self and reference.by != self._own.key:
            raise InvalidSchema.at(
                f"{at}/by",
                f"a lookup in {self._own.name} itself goes by its key, which is "
                f"{_listed(self._own.key)}: only so the record of an earlier row is known",
            )

    def _check_create(self, at: str, reference: Reference) -> None:
        """Refuse to make records where that could not be kept to their schema or to ours."""
        if not reference.creates:
            return
        [name], [by] = reference.fields, reference.by
        allowed = "error or null"
        if reference.is_self:
            refuse(f"{at}/missing", "create", f"{allowed}: the rows themselves make its records")
        if any(name in key for key in unique_keys(self._own)):
            refuse(f"{at}/missing", "create", f"{allowed}, because {name} is part of a key")
        schema = reference.target.schema
        must = {*schema.primary_key, *reference.target.key}
        needed = [f.name for f in schema.fields if f.constraints.required or f.name in must]
        if set(needed) - {by}:
            others = _listed(n for n in needed if n != by)
            refuse(
                f"{at}/missing",
                "create",
                f"{allowed}, because a record of {reference.target.name} needs {others} too",
            )

    def _target(self, at: str, name: str) -> RecordType:
        if name == self._own.name:
            return self._own
        found = self._types.find(self._tx, self._own.organization_id, name)
        if found is None:
            listed = self._types.list(self._tx, self._own.organization_id)
            known = _listed(t.name for t in listed)
            refuse(at, name, f"the name of a record type that exists: {known}")
        return found

    def _is_own(self, target: RecordType) -> bool:
        return target.id == self._own.id


def unique_keys(record_type: RecordType) -> tuple[tuple[str, ...], ...]:
    """Give the sets of fields that the destination keeps unique, the key first, each once."""
    schema = record_type.schema
    alone = [(field.name,) for field in schema.fields if field.constraints.unique]
    wanted = [record_type.key, schema.primary_key, *schema.unique_keys, *alone]
    return tuple(each_once(wanted))


def each_once(keys: Sequence[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Give each set of fields once, in the order in which it comes first; empty ones fall away."""
    seen: set[frozenset[str]] = set()
    for key in keys:
        if key and frozenset(key) not in seen:
            seen.add(frozenset(key))
            yield key


def _field(at: str, target: RecordType, name: str) -> Field:
    names = [field.name for field in target.schema.fields]
    if name not in names:
        refuse(at, name, f"a field of {target.name}: {_listed(names)}")
    return target.schema.field(name)


def _family(field: Field) -> str | None:
    """Say with what its values can be compared; None: with nothing."""
    if field.lookup is not None or field.type in _TEXT:
        return "text"
    if field.type in _WHOLE:
        return "whole number"
    return None if field.type in _INCOMPARABLE else str(field.type)


def _listed(names: Iterator[str] | Sequence[str]) -> str:
    return ", ".join(names) or "none"
