"""What is imported and when: feeds, and imports that belong to none, as one list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rowport.model.errors import Conflict, NotFound
from rowport.ports.definitions import DefinitionQuery
from rowport.ports.ledger import Circumstances
from rowport.service.feeds import SENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from rowport.model.feeds import Definition, Feed, FileRun
    from rowport.model.imports import Import
    from rowport.ports import BlobReader, BlobStore
    from rowport.ports.definitions import FileRunQuery
    from rowport.ports.ledger import Ledger
    from rowport.service.imports import Imports

BLOCK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Definitions:
    """Feeds and imports of their own."""

    ledger: Ledger
    imports: Imports
    blobs: BlobStore

    def find(
        self, organization_id: UUID, query: DefinitionQuery
    ) -> tuple[Sequence[Definition], int]:
        """Give a page of definitions and how many all pages hold."""
        with self.ledger.database.tenant(organization_id) as tx:
            return self.ledger.definitions.find(tx, organization_id, query)

    def files(self, organization_id: UUID, query: FileRunQuery) -> tuple[Sequence[FileRun], int]:
        """Give a page of the files that were or will be imported, and how many there are."""
        with self.ledger.database.tenant(organization_id) as tx:
            return self.ledger.definitions.find_files(tx, organization_id, query)

    def run_again(self, feed: Feed, *, created_by: UUID | None = None) -> Import:
        """Run a feed now with the file that it ran last; its schedule does not move.

        Only feeds whose files are sent to us have such a file; the others look at their
        source anew (`Feeds.run_now`).

        Raises:
            NotFound: the feed is gone.
            Conflict: a run is under way, or there is no file to run.
        """
        organization_id = feed.organization_id
        with self.ledger.database.tenant(organization_id) as tx:
            if not self.ledger.definitions.lock_feed(tx, organization_id, feed.oid):
                raise NotFound(f"There is no feed {feed.oid}.")
            query = DefinitionQuery(type_ids=[feed.record_type_id], oid=feed.oid, limit=1)
            found, _ = self.ledger.definitions.find(tx, organization_id, query)
            last = _ended_run(feed, found)
            file = last.files[0]
            return self.imports.create(
                organization_id,
                feed.type_name,
                file_name=file.name,
                parts=_parts(self._open(file.blob, file.name)),
                options=last.options,
                media_type=file.media_type,
                around=Circumstances(
                    name=last.name,
                    created_by=created_by,
                    feed_id=feed.id,
                    attributes=last.attributes,
                ),
            )

    def _open(self, blob: str, name: str) -> BlobReader:
        try:
            return self.blobs.open(blob)
        except NotFound:
            raise Conflict(f"The file {name} is not kept any more; send it again.") from None


def _ended_run(feed: Feed, found: Sequence[Definition]) -> Import:
    """Give the newest run of a feed, which can be repeated.

    Raises:
        Conflict: it cannot.
    """
    if feed.source_kind not in SENT:
        raise Conflict(f"The files of the feed {feed.name} are fetched: let it run instead.")
    last = found[0].last_run if found else None
    if last is None or not last.files:
        raise Conflict("This feed has had no file yet that could be run again.")
    if not last.state.is_final:
        raise Conflict(f"The feed is running already: its import {last.id} is {last.state}.")
    return last


def _parts(blob: BlobReader) -> Iterator[bytes]:
    for begin in range(0, blob.size_bytes, BLOCK_BYTES):
        yield blob.read_at(begin, BLOCK_BYTES)
