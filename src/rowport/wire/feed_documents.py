"""A feed as people write it down, in JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta

from rowport.model.errors import InvalidOptions
from rowport.model.feeds import AfterRead, FeedRules, OnceBy, SourceKind
from rowport.model.imports import ImportOptions, Mode, OnMatch
from rowport.service.feeds import SENT, WantedFeed
from rowport.wire.import_options import read_policy
from rowport.wire.times import rfc3339

if TYPE_CHECKING:
    from uuid import UUID

    from rowport.model.feeds import Feed, FeedRun


class After(msgspec.Struct, forbid_unknown_fields=True):
    """What becomes of a file that was read."""

    do: AfterRead
    folder: Annotated[str, Meta(max_length=200)] = "done"


class FeedDocument(msgspec.Struct, forbid_unknown_fields=True):
    """What a feed is to be."""

    type: str
    source: dict[str, Any]
    """`kind`, and the settings of that kind."""
    schedule: dict[str, Any] = {}
    key: list[str] = []
    mode: Mode = Mode.UPSERT
    on_match: OnMatch = OnMatch.UPDATE
    policy: str = "valid_rows"
    mapping: dict[str, str] = {}
    """Header -> field; headers not named here are matched by name."""
    format: dict[str, Any] = {}
    """How files are read, where detection should not choose."""
    files: Literal["together", "each"] = "together"
    """Whether the new files of a run are one import, or each is one of its own."""
    once_by: OnceBy = OnceBy.VERSION
    settle_s: int = 10
    marker: Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[^/]+$")] | None = None
    after: After = msgspec.field(default_factory=lambda: After(do=AfterRead.NONE))
    most_files: int = 100
    attributes: dict[str, Any] = {}


def read_feed(document: object, *, created_by: UUID | None = None) -> WantedFeed:
    """Understand a feed.

    Raises:
        InvalidOptions: a part of it is unknown, missing, or cannot be; which one.
    """
    try:
        said = msgspec.convert(document, FeedDocument)
    except msgspec.ValidationError as error:
        raise InvalidOptions(f"feed: {error}") from None
    return to_wanted(said, created_by=created_by)


def to_wanted(said: FeedDocument, *, created_by: UUID | None = None) -> WantedFeed:
    """Give what a document means.

    Raises:
        InvalidOptions: its source or its policy is none that there is.
    """
    settings = dict(said.source)
    try:
        kind = SourceKind(settings.pop("kind", ""))
    except ValueError:
        words = ", ".join(kind for kind in SourceKind if kind not in SENT)
        raise InvalidOptions(f"feed: source: kind is one of {words}.") from None
    return WantedFeed(
        type_name=said.type,
        source_kind=kind,
        source=settings,
        schedule=said.schedule,
        options=ImportOptions(
            key=tuple(said.key),
            mode=said.mode,
            on_match=said.on_match,
            policy=read_policy(said.policy),
            mapping=said.mapping,
            format=said.format,
        ),
        rules=FeedRules(
            is_together=said.files == "together",
            once_by=said.once_by,
            settle_s=said.settle_s,
            marker=said.marker,
            after=said.after.do,
            after_folder=said.after.folder,
            most_files=said.most_files,
        ),
        attributes=said.attributes,
        created_by=created_by,
    )


def feed_resource(feed: Feed) -> dict[str, object]:
    """Tell of a feed; its secrets are never told."""
    rules, options = feed.rules, feed.options
    return {
        "id": feed.oid,
        "name": feed.name,
        "type": feed.type_name,
        "source": {"kind": feed.source_kind, **feed.source},
        "has_secrets": feed.secrets is not None,
        "schedule": dict(feed.schedule),
        "key": list(options.key),
        "mode": options.mode,
        "on_match": options.on_match,
        "policy": options.policy.word,
        "mapping": dict(feed.mapping),
        "format": dict(options.format),
        "files": "together" if rules.is_together else "each",
        "once_by": rules.once_by,
        "settle_s": rules.settle_s,
        "marker": rules.marker,
        "after": {"do": rules.after, "folder": rules.after_folder},
        "most_files": rules.most_files,
        "attributes": dict(feed.attributes),
        "next_run_at": rfc3339(feed.next_run_at if feed.paused_at is None else None),
        "paused": None
        if feed.paused_at is None
        else {"at": rfc3339(feed.paused_at), "by": feed.paused_by},
        "archived_at": rfc3339(feed.archived_at),
        "created_at": rfc3339(feed.created_at),
        "updated_at": rfc3339(feed.updated_at),
    }


def run_resource(run: FeedRun) -> dict[str, object]:
    """Tell of one run of a feed."""
    return {
        "slot": rfc3339(run.slot),
        "asked_by": run.asked_by,
        "state": run.state,
        "reason": run.reason,
        "files": [
            {
                "name": file.name,
                "size_bytes": file.size_bytes,
                "decision": file.decision,
                "reason": file.reason or None,
                "import": file.import_id,
            }
            for file in run.files
        ],
        "created_at": rfc3339(run.created_at),
        "finished_at": rfc3339(run.finished_at),
    }
