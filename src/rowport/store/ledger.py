"""The ledger as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rowport.ports.ledger import Ledger
from rowport.store.chunks import PostgresChunks
from rowport.store.imports import PostgresImports
from rowport.store.record_types import PostgresOrganizations, PostgresRecordTypes

if TYPE_CHECKING:
    from rowport.store.database import PostgresDatabase


def ledger(database: PostgresDatabase) -> Ledger:
    """Give the ledger that lies in `database`."""
    return Ledger(
        database=database,
        organizations=PostgresOrganizations(),
        record_types=PostgresRecordTypes(),
        imports=PostgresImports(),
        chunks=PostgresChunks(),
    )
