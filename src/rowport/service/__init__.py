"""What can be asked of Rowport: the use cases that every face calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rowport.ports.ledger import Ledger
    from rowport.service.access import Access
    from rowport.service.artifacts import Artifacts
    from rowport.service.definitions import Definitions
    from rowport.service.feeds import Feeds, SavedMappings
    from rowport.service.imports import Imports
    from rowport.service.links import Links
    from rowport.service.loading import Loading
    from rowport.service.planning import Planning
    from rowport.service.preparing import Preparing
    from rowport.service.record_types import RecordTypes
    from rowport.service.replays import Replays
    from rowport.service.rows import Rows
    from rowport.service.settling import Settling


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The use cases that faces offer to people."""

    access: Access
    record_types: RecordTypes
    imports: Imports
    preparing: Preparing
    rows: Rows
    artifacts: Artifacts
    links: Links
    feeds: Feeds
    definitions: Definitions
    mappings: SavedMappings
    replays: Replays


@dataclass(frozen=True, slots=True, kw_only=True)
class Works:
    """The use cases that workers carry out."""

    ledger: Ledger
    planning: Planning
    loading: Loading
    settling: Settling
