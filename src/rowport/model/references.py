"""References between records: foreign keys and lookups, with the record types they lead to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rowport.model.table_schema import Missing

if TYPE_CHECKING:
    from rowport.model.record_types import RecordType
    from rowport.model.table_schema import Lookup


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Fields of a record whose values must be those of a record of some type."""

    fields: tuple[str, ...]
    target: RecordType
    """The record type that is pointed to."""
    by: tuple[str, ...]
    """Its fields, in the order of `fields`."""
    lookup: Lookup | None = None
    """None: a foreign key, whose values stay as they are."""
    is_self: bool = False
    """It leads to records of its own type."""

    @property
    def creates(self) -> bool:
        """Whether it makes records that are missing."""
        return self.lookup is not None and self.lookup.missing is Missing.CREATE
