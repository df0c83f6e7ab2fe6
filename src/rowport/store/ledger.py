"""The ledger as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rowport.ports.ledger import Ledger
from rowport.store.access import PostgresAccess
from rowport.store.chunks import PostgresChunks
from rowport.store.definitions import PostgresDefinitions
from rowport.store.events import PostgresEvents
from rowport.store.feeds import PostgresFeeds, PostgresMappings
from rowport.store.imports import PostgresImports
from rowport.store.record_types import PostgresOrganizations, PostgresRecordTypes
from rowport.store.replays import PostgresReplays
from rowport.store.retention import PostgresRetention
from rowport.store.undos import PostgresUndos
from rowport.store.webhooks import PostgresWebhooks

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
        access=PostgresAccess(),
        feeds=PostgresFeeds(),
        definitions=PostgresDefinitions(),
        mappings=PostgresMappings(),
        replays=PostgresReplays(),
        events=PostgresEvents(),
        webhooks=PostgresWebhooks(),
        retention=PostgresRetention(),
        undos=PostgresUndos(),
    )
