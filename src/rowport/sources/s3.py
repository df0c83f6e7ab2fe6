"""A prefix of a bucket, at Amazon S3 or at a server that speaks like it."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar, Final
from urllib.parse import urlsplit

import msgspec
import obstore
from msgspec import Meta
from obstore.exceptions import (
    BaseError,
    InvalidPathError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import S3Store

from rowport.config import settings as chosen
from rowport.engine.sourcing import Pattern, Text, is_wanted, read_settings, resumed
from rowport.model.errors import InvalidOptions, SourceChanged, SourceRefused, Unavailable
from rowport.model.feeds import AfterRead, SourceKind
from rowport.ports.sourcing import FoundFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from obstore import GetOptions, ObjectMeta
    from obstore.store import S3Config

_BLOCK_BYTES: Final = 4 * 1024 * 1024
_SILENCE: Final = timedelta(seconds=10)
_ANSWER: Final = timedelta(seconds=30)
"""For what is no stream: a page of a list, the head of an object."""
_FOR_EVER: Final = timedelta(days=7)
_RETRIES: Final = 2
_PORTS: Final = {"http": 80, "https": 443}
_REFUSALS: Final = (
    "NoSuchBucket",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "PermanentRedirect",
    "AuthorizationHeaderMalformed",
    "InvalidBucketName",
)
"""What a store says when asking again will not help."""


class Settings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Of a bucket."""

    bucket: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$")]
    prefix: Annotated[str, Meta(max_length=1000, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    pattern: Pattern = "*"
    region: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,40}$")] = "us-east-1"
    access_key_id: Text | None = None
    secret_access_key: Text | None = None
    session_token: Annotated[str, Meta(min_length=1, max_length=4000)] | None = None
    endpoint: Text | None = None
    """Of a store that is not Amazon's: `https://host[:port]`."""


class S3Source:
    """A bucket."""

    kind: ClassVar[SourceKind] = SourceKind.S3
    secrets: ClassVar[frozenset[str]] = frozenset({"secret_access_key", "session_token"})
    shows_half_files: ClassVar[bool] = False

    def check(self, settings: Mapping[str, object]) -> Mapping[str, object]:
        """See that there are keys, and that an endpoint is one that the operator lets us ask."""
        wanted = read_settings(settings, Settings)
        if (wanted.access_key_id is None) != (wanted.secret_access_key is None):
            raise InvalidOptions("source: access_key_id and secret_access_key go together.")
        if wanted.access_key_id is None and not chosen().has_instance_role:
            raise InvalidOptions(
                "source: access_key_id and secret_access_key are missing; the role of this machine "
                "is used only where ROWPORT_S3_INSTANCE_ROLE is on."
            )
        if wanted.endpoint is not None:
            _check_endpoint(wanted.endpoint)
        kept: Mapping[str, object] = msgspec.to_builtins(wanted)
        return kept

    @contextmanager
    def open(self, settings: Mapping[str, object]) -> Iterator[OpenBucket]:
        """Give the bucket; nothing is asked yet."""
        wanted = read_settings(settings, Settings)
        if wanted.endpoint is not None:
            _check_endpoint(wanted.endpoint)
        yield OpenBucket(_store(wanted, _ANSWER), _store(wanted, _FOR_EVER), wanted)


class OpenBucket:
    """A bucket that can be asked."""

    def __init__(self, store: S3Store, streams: S3Store, wanted: Settings) -> None:
        self._store = store
        self._streams = streams
        self._wanted = wanted

    def files(self) -> Iterator[FoundFile]:
        """Give the objects below the prefix; what ends with `/` is a folder of a console."""
        with _told(self._wanted.bucket):
            for page in obstore.list(self._store, _folder(self._wanted.prefix) or None):
                for meta in page:
                    name = self._name(meta["path"])
                    if name and is_wanted(name, self._wanted.pattern):
                        yield _found(name, meta)

    def read(self, file: FoundFile) -> Iterator[bytes]:
        """Give an object; where the stream breaks off, it goes on from there."""
        done = 0
        for block in resumed(partial(self._stream, file)):
            done += len(block)
            yield block
        if done != file.size_bytes:
            raise SourceChanged(f"{file.name}: {done} bytes came of {file.size_bytes}.")

    def _stream(self, file: FoundFile, begin: int) -> Iterator[bytes]:
        if begin and begin == file.size_bytes:
            return
        options: GetOptions = {"if_match": file.version}
        if begin:
            options["range"] = {"offset": begin}
        path = self._path(file.name)
        with _told(self._wanted.bucket):
            try:
                found = obstore.get(self._streams, path, options=options)
            except (FileNotFoundError, PreconditionError):
                raise SourceChanged(f"{file.name} was replaced or is gone.") from None
            for block in found.stream(min_chunk_size=_BLOCK_BYTES):
                yield bytes(block)

    def set_aside(self, file: FoundFile, after: AfterRead, folder: str = "") -> None:
        """Move the object below the prefix, or delete it."""
        path = self._path(file.name)
        with _told(self._wanted.bucket), suppress(FileNotFoundError):
            match after:
                case AfterRead.NONE:
                    pass
                case AfterRead.DELETE:
                    obstore.delete(self._store, path)
                case AfterRead.MOVE:
                    obstore.rename(self._store, path, self._path(f"{folder}/{file.name}"))

    def _path(self, name: str) -> str:
        return _folder(self._wanted.prefix) + name

    def _name(self, path: str) -> str:
        # The store gives paths without what some consoles put in front.
        return path.removeprefix(_folder(self._wanted.prefix))


def _folder(prefix: str) -> str:
    """Give a prefix as obstore matches it: by whole folders."""
    inner = prefix.strip("/")
    return f"{inner}/" if inner else ""


def _store(wanted: Settings, deadline: timedelta) -> S3Store:
    config: S3Config = {"region": wanted.region}
    if wanted.access_key_id is not None and wanted.secret_access_key is not None:
        config["access_key_id"] = wanted.access_key_id
        config["secret_access_key"] = wanted.secret_access_key
    if wanted.session_token is not None:
        config["session_token"] = wanted.session_token
    if wanted.endpoint is not None:
        config["endpoint"] = wanted.endpoint
    return S3Store(
        wanted.bucket,
        config=config,
        client_options={
            "timeout": deadline,
            "read_timeout": _SILENCE,
            "connect_timeout": _SILENCE,
            "allow_http": bool(wanted.endpoint and wanted.endpoint.startswith("http:")),
        },
        retry_config={"max_retries": _RETRIES, "retry_timeout": _ANSWER},
    )


def _check_endpoint(endpoint: str) -> None:
    """Refuse what the operator has not named: the store's own resolver cannot be watched."""
    try:
        parts = urlsplit(endpoint)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        raise InvalidOptions(f"source: endpoint: {endpoint!r} is no http(s) URL.") from None
    if parts.path.strip("/") or parts.query or parts.username or not parts.hostname:
        raise InvalidOptions(f"source: endpoint: {endpoint!r} is more than `https://host[:port]`.")
    if f"{parts.hostname}:{port}" not in chosen().outbound_allowed:
        raise InvalidOptions(
            f"source: endpoint: {parts.hostname}:{port} is not among the servers that the operator "
            "lets feeds ask (ROWPORT_OUTBOUND_ALLOW)."
        )


def _found(name: str, meta: ObjectMeta) -> FoundFile:
    return FoundFile(
        name=name,
        size_bytes=meta["size"],
        version=meta["e_tag"],
        modified_at=meta["last_modified"],
    )


@contextmanager
def _told(bucket: str) -> Iterator[None]:
    """Say what a store answers; its own words can hold keys, so they are not repeated."""
    try:
        yield
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise SourceRefused(f"The bucket {bucket} does not let us in.") from error
    except InvalidPathError as error:
        raise SourceRefused(f"The bucket {bucket} has a name in it that cannot be read.") from error
    except (BaseError, OSError) as error:
        if isinstance(error, FileNotFoundError) and "NoSuchBucket" not in str(error):
            raise
        why = next((word for word in _REFUSALS if word in str(error)), None)
        if why:
            raise SourceRefused(f"The bucket {bucket} cannot be read: {why}.") from error
        raise Unavailable(f"The store of bucket {bucket} does not answer.") from error
