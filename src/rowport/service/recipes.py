"""All that is the same for each chunk of an import."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from rowport.engine.references import referral
from rowport.engine.validation import Validator
from rowport.engine.watched_keys import WatchedKeys
from rowport.model.errors import RowportError
from rowport.model.imports import Import, Mode
from rowport.ports.ledger import ImportRef
from rowport.service.keys import key_for
from rowport.service.layouts import column_mapping, to_layout
from rowport.service.references import each_once, references_of, unique_keys

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rowport.engine.mapping import ColumnMapping
    from rowport.engine.references import Referral
    from rowport.model.record_types import RecordType
    from rowport.model.table_schema import Dedupe
    from rowport.ports import FormatLayout, Transaction
    from rowport.ports.ledger import Ledger


class ImportEnded(RowportError):
    """The import ended while the chunk was in flight."""

    code = "import_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All that is the same for each chunk of an import."""

    job: Import
    starts: int
    """How often the import had been started when this was written."""
    record_type: RecordType
    key: tuple[str, ...]
    layouts: Mapping[str, FormatLayout]
    mapping: ColumnMapping
    validator: Validator
    watched: WatchedKeys
    """The import's key first, then the others that the destination keeps unique; only those of
    which all fields have a column."""
    dedupe: Dedupe | None
    """How repeated rows are told; None also where not all of its fields have a column."""
    referrals: tuple[Referral, ...]
    """The references to other record types of which all fields have a column."""
    own_referrals: tuple[Referral, ...]
    """Likewise, to records of the type itself."""

    @property
    def layout(self) -> FormatLayout:
        """Of the first file, whose columns all files have."""
        return next(iter(self.layouts.values()))

    @property
    def ref(self) -> ImportRef:
        """The import's name."""
        return ImportRef(organization_id=self.job.organization_id, import_id=self.job.id)

    @property
    def referrals_at_once(self) -> tuple[Referral, ...]:
        """Those that can be followed before the chunk's turn comes: they take no lock."""
        return tuple(r for r in self.referrals if self.is_dry or not r.reference.creates)

    @property
    def referrals_that_write(self) -> tuple[Referral, ...]:
        """Those that make records."""
        return tuple(r for r in self.referrals if r.reference.creates and not self.is_dry)

    @property
    def is_dry(self) -> bool:
        """Whether nothing is written to the destination."""
        return self.job.options.mode is Mode.VALIDATE


def write_recipe(ledger: Ledger, tx: Transaction, ref: ImportRef) -> Recipe:
    """Compile what the import's chunks need.

    Raises:
        ImportEnded: there is no such import any more.
        InvalidSchema: a record type that is referred to is missing.
    """
    job = ledger.imports.get(tx, ref)
    if job is None:
        raise ImportEnded
    record_type = ledger.record_types.of_import(tx, ref)
    layouts = {str(f.id): to_layout(f.layout or {}) for f in job.files}
    layout = next(iter(layouts.values()))
    options = job.options
    mapping = column_mapping(layout, record_type, options.mapping, by_name=options.matches_by_name)
    key = key_for(record_type, job.options)
    must = () if job.options.key_rules.creates_keyless else key
    began = (job.started_at or job.created_at).astimezone(UTC).date()
    validator = Validator(record_type.schema, mapping.mapped, key=must, today=began)
    referrals = [
        referral(reference)
        for reference in references_of(tx, ledger.record_types, record_type)
        if set(reference.fields) <= set(mapping.mapped)
    ]
    own = tuple(r for r in referrals if r.reference.is_self)
    dedupe = record_type.schema.dedupe
    if dedupe is not None and not set(dedupe.fields) <= set(mapping.mapped):
        dedupe = None
    return Recipe(
        job=job,
        starts=job.starts,
        record_type=record_type,
        key=key,
        layouts=layouts,
        mapping=mapping,
        validator=validator,
        watched=_watched(record_type, key, mapping.mapped, own, dedupe),
        dedupe=dedupe,
        referrals=tuple(r for r in referrals if not r.reference.is_self),
        own_referrals=own,
    )


def _watched(
    record_type: RecordType,
    key: tuple[str, ...],
    fields: Sequence[str],
    own: Sequence[Referral],
    dedupe: Dedupe | None,
) -> WatchedKeys:
    unique = each_once([key, *unique_keys(record_type)])
    referred = dict.fromkeys(r.reference.by for r in own)
    referred |= {} if dedupe is None else {dedupe.fields: None}
    return WatchedKeys(
        keys=tuple(names for names in unique if set(names) <= set(fields)),
        referred=tuple(names for names in referred if set(names) <= set(fields)),
    )
