"""Which fields identify a record in an import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rowport.model.errors import InvalidOptions
from rowport.model.imports import KeyRules, Mode, OnMatch
from rowport.service.record_types import key_of_import

if TYPE_CHECKING:
    from rowport.model.imports import ImportOptions
    from rowport.model.record_types import RecordType


def key_for(record_type: RecordType, options: ImportOptions) -> tuple[str, ...]:
    """Give the key by which an import finds existing records.

    Raises:
        InvalidOptions: the key cannot be, or its rules do not go with the other options.
    """
    rules = options.key_rules
    if rules == KeyRules():
        key = key_of_import(record_type, options.key)
        _check_own_lookups(record_type, key)
        return key
    if options.mode is not Mode.UPSERT or options.on_match is not OnMatch.SKIP:
        raise InvalidOptions("Rules for keys go with mode upsert and on-match skip alone.")
    if not rules.takes_any_field:
        key = key_of_import(record_type, options.key)
    else:
        key = options.key or record_type.key
        names = [field.name for field in record_type.schema.fields]
        for name in key:
            if name not in names:
                raise InvalidOptions(f"The key {name!r} is not a field of {record_type.name}.")
    if rules.folds_case and len(key) != 1:
        raise InvalidOptions("Only a key of one field can be compared without regard to case.")
    return key


def _check_own_lookups(record_type: RecordType, key: tuple[str, ...]) -> None:
    """Refuse a key by which the record that an earlier row makes cannot be told."""
    for field in record_type.schema.fields:
        lookup = field.lookup
        if lookup and lookup.type == record_type.name and key != (lookup.by,):
            raise InvalidOptions(
                f"{field.name} is looked up in {record_type.name} itself by {lookup.by}, so the "
                f"key of an import has to be {lookup.by} too."
            )
