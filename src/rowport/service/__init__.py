"""What can be asked of Rowport: the use cases that every face calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rowport.ports.ledger import Ledger
    from rowport.service.access import Access
    from rowport.service.artifacts import Artifacts
    from rowport.service.control import Control
    from rowport.service.definitions import Definitions
    from rowport.service.delivering import Delivering
    from rowport.service.events import Events, Telling
    from rowport.service.feeding import Feeding
    from rowport.service.feeds import Feeds, SavedMappings
    from rowport.service.imports import Imports
    from rowport.service.links import Links
    from rowport.service.loading import Loading
    from rowport.service.observing import Observing
    from rowport.service.planning import Planning
    from rowport.service.preparing import Preparing
    from rowport.service.record_types import RecordTypes
    from rowport.service.replays import Replays
    from rowport.service.retention import Retention
    from rowport.service.rounds import Rounds
    from rowport.service.rows import Rows
    from rowport.service.settling import Settling
    from rowport.service.undoing import Undoing
    from rowport.service.undos import Undos
    from rowport.service.uploads import Uploads
    from rowport.service.usage import Usage
    from rowport.service.waiting import Waits
    from rowport.service.webhooks import Webhooks


class Services(Protocol):
    """The use cases that faces offer to people; each is made by its first use."""

    @property
    def access(self) -> Access:
        """Who may do what."""
        ...

    @property
    def record_types(self) -> RecordTypes:
        """What can be imported."""
        ...

    @property
    def imports(self) -> Imports:
        """Imports, from the file to the end."""
        ...

    @property
    def uploads(self) -> Uploads:
        """Files that arrive in parts."""
        ...

    @property
    def control(self) -> Control:
        """Pauses."""
        ...

    @property
    def rounds(self) -> Rounds:
        """Rows that are tried again."""
        ...

    @property
    def undos(self) -> Undos:
        """Imports that are taken back."""
        ...

    @property
    def waits(self) -> Waits:
        """Why nothing happens."""
        ...

    @property
    def preparing(self) -> Preparing:
        """Imports that are made step by step."""
        ...

    @property
    def rows(self) -> Rows:
        """What became of rows."""
        ...

    @property
    def artifacts(self) -> Artifacts:
        """Files that tell of an import or a record type."""
        ...

    @property
    def links(self) -> Links:
        """Signed links to files."""
        ...

    @property
    def feeds(self) -> Feeds:
        """Recurring imports."""
        ...

    @property
    def definitions(self) -> Definitions:
        """Saved ways of importing."""
        ...

    @property
    def mappings(self) -> SavedMappings:
        """Remembered mappings."""
        ...

    @property
    def replays(self) -> Replays:
        """Answers that are given again."""
        ...

    @property
    def events(self) -> Events:
        """What happened to imports."""
        ...

    @property
    def observing(self) -> Observing:
        """How things stand in the whole installation."""
        ...

    @property
    def usage(self) -> Usage:
        """What organizations use."""
        ...

    @property
    def webhooks(self) -> Webhooks:
        """Who is told of it."""
        ...

    @property
    def retention(self) -> Retention:
        """How long things are kept."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Works:
    """The use cases that workers carry out."""

    ledger: Ledger
    planning: Planning
    loading: Loading
    undoing: Undoing
    settling: Settling
    telling: Telling
    delivering: Delivering
    retention: Retention
    feeding: Feeding
    uploads: Uploads
