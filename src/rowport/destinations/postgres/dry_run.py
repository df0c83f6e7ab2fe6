"""What a load would meet besides the key, told without writing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from rowport.destinations.postgres.fates import key_texts
from rowport.destinations.postgres.matching import probe
from rowport.destinations.postgres.refusals import NOT_UNIQUE
from rowport.engine.uniqueness import Uniqueness
from rowport.model.outcomes import RowErrorCode

if TYPE_CHECKING:
    from uuid import UUID

    from psycopg import Connection

    from rowport.destinations.postgres.fates import Fates, Places
    from rowport.destinations.postgres.target import Target


def foresee_unique(
    connection: Connection[Any], target: Target, import_id: UUID, fates: Fates
) -> None:
    """Fail rows whose values another record, or an earlier row, has in a unique index."""
    columns = {column.name: column for column in target.columns}
    unique = [
        replace(target, key=tuple(columns[c] for c in index.columns), key_index=name)
        for name, index in target.indexes.items()
        if name != target.key_index and set(index.columns) <= set(columns)
    ]
    for one in unique:
        matches = probe(connection, one, import_id, fates.writing)
        theirs = (fates.ids[matches.place] != matches.record_id).any(axis=1)
        _fail(fates, one, np.unique(matches.place[theirs]))
    # Only now: a row that fails for a record takes no value from the rows after it.
    places = fates.writing
    keys = [tuple(column.name for column in one.key) for one in unique]
    lost = Uniqueness(keys).repeats(target.values.take(pa.array(places)))
    for at, one in enumerate(unique):
        _fail(fates, one, places[lost[:, at]])


def _fail(fates: Fates, unique: Target, places: Places) -> None:
    message = NOT_UNIQUE.format(words=unique.key_words)
    fates.failed(
        places,
        RowErrorCode.UNIQUE,
        messages=pa.repeat(pa.scalar(message), places.size),
        fields=pa.repeat(pa.scalar(unique.key_field, pa.string()), places.size),
        values=key_texts(unique, places),
    )
