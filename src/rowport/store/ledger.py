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
from rowport.store.turns import PostgresTurns
from rowport.store.undos import PostgresUndos
from rowport.store.uploads import PostgresUploads
from rowport.store.webhooks import PostgresWebhooks

if TYPE_CHECKING:
    from rowport.store.database import PostgresDatabase


def ledger(database: PostgresDatabase, *, running_limit: int | None = None) -> Ledger:
    """Give the ledger that lies in `database`.

    `running_limit`: how many imports of an organization run at once that has no limit of its own.
    """
    return Ledger(
        database=database,
        organizations=PostgresOrganizations(),
        record_types=PostgresRecordTypes(),
        imports=PostgresImports(running_limit=running_limit),
        chunks=PostgresChunks(running_limit=running_limit),
        access=PostgresAccess(),
        feeds=PostgresFeeds(),
        definitions=PostgresDefinitions(),
        mappings=PostgresMappings(),
        replays=PostgresReplays(),
        events=PostgresEvents(),
        webhooks=PostgresWebhooks(),
        retention=PostgresRetention(),
        undos=PostgresUndos(),
        turns=PostgresTurns(running_limit=running_limit),
        uploads=PostgresUploads(),
    )
