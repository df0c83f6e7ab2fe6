"""One file at a URL."""

from __future__ import annotations

import http.client
import ssl
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Annotated, ClassVar, Final
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec import Meta

from rowport.config import settings as chosen
from rowport.engine.sourcing import Text, read_settings, resumed
from rowport.model.errors import (
    InvalidOptions,
    SourceChanged,
    SourceRefused,
    Unavailable,
)
from rowport.model.feeds import AfterRead, SourceKind
from rowport.outbound.connection import connected
from rowport.outbound.guard import Unsafe, resolve
from rowport.ports.sourcing import FoundFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_BLOCK_BYTES: Final = 256 * 1024
_SILENCE_S: Final = 15.0
_HEAD_S: Final = 30.0
_FILE_S: Final = 6 * 3600.0
_Header = Annotated[str, Meta(max_length=4000, pattern=r"^[\x20-\x7e\t]*$")]
_Token = Annotated[str, Meta(max_length=100, pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
_OURS: Final = frozenset({"host", "range", "if-range", "accept-encoding", "connection"})
_LATER: Final = frozenset({408, 425, 429})


class Settings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Of a URL."""

    url: Text
    name: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^/\x00-\x1f]+$")] | None = (
        None
    )
    """What the file is called; by default as the URL ends."""
    headers: dict[_Token, _Header] = {}


class UrlSource:
    """A URL: https, or http where the operator lets us ask that server."""

    kind: ClassVar[SourceKind] = SourceKind.URL
    secrets: ClassVar[frozenset[str]] = frozenset({"headers"})
    shows_half_files: ClassVar[bool] = False

    def check(self, settings: Mapping[str, object]) -> Mapping[str, object]:
        """See that it is a URL that may be asked; its name is resolved when it is."""
        wanted = read_settings(settings, Settings)
        _check_scheme(wanted.url)
        for name in wanted.headers:
            if name.lower() in _OURS:
                raise InvalidOptions(f"source: headers: {name} is set by Rowport.")
        kept: Mapping[str, object] = msgspec.to_builtins(wanted)
        return kept

    @contextmanager
    def open(self, settings: Mapping[str, object]) -> Iterator[OpenUrl]:
        """Give the URL; nothing is asked yet."""
        yield OpenUrl(read_settings(settings, Settings))


class OpenUrl:
    """A URL that can be asked: redirects are not followed, private addresses are not reached."""

    def __init__(self, wanted: Settings) -> None:
        self._wanted = wanted
        self._host = urlsplit(wanted.url).hostname or ""
        last = unquote(urlsplit(wanted.url).path).rsplit("/", 1)[-1]
        self._name = wanted.name or last or "download"
        self._known = FoundFile(name=self._name, size_bytes=None, version=None)

    def files(self) -> Iterator[FoundFile]:
        """Give the one file, as the head of an answer tells of it."""
        with self._answer("HEAD", {}, deadline_s=_HEAD_S) as response:
            if response.status in {http.client.METHOD_NOT_ALLOWED, http.client.NOT_IMPLEMENTED}:
                yield FoundFile(name=self._name, size_bytes=None, version=None)
                return
            self._check_status(response)
            yield self._found(response)

    def read(self, file: FoundFile) -> Iterator[bytes]:
        """Give the content; where it breaks off, it goes on from there if the server can."""
        self._known, done = file, 0
        for block in resumed(self._stream):
            done += len(block)
            yield block
        if self._known.size_bytes not in {None, done}:
            raise SourceChanged(f"{file.name}: {done} bytes came of {self._known.size_bytes}.")

    def set_aside(self, file: FoundFile, after: AfterRead, folder: str = "") -> None:
        """Refuse: what is at a URL is not ours to move."""
        if after is not AfterRead.NONE:
            to = f" (to {folder})" if folder else ""
            raise SourceRefused(
                f"{file.name} is at a URL: it can be neither moved{to} nor deleted."
            )

    def _stream(self, begin: int) -> Iterator[bytes]:
        """Give the content from a byte on; the file is known better once the server tells of it."""
        known = self._known
        if begin and known.version is None:
            raise SourceChanged(f"{known.name} broke off, and the server tells no version of it.")
        asked = {"Range": f"bytes={begin}-", "If-Range": known.version or ""} if begin else {}
        with self._answer("GET", asked, deadline_s=_FILE_S) as response:
            self._check_status(response)
            if begin and response.status != http.client.PARTIAL_CONTENT:
                raise SourceChanged(f"{known.name} is another file now, or not to be had in parts.")
            if not begin:
                self._known = self._found(response)
                if known.version not in {None, self._known.version}:
                    raise SourceChanged(f"{known.name} was replaced.")
            while block := response.read1(_BLOCK_BYTES):
                yield block
            if response.length:
                raise Unavailable(f"The connection to {self._host} ended before the file did.")

    @contextmanager
    def _answer(
        self, method: str, headers: Mapping[str, str], *, deadline_s: float
    ) -> Iterator[http.client.HTTPResponse]:
        _check_scheme(self._wanted.url)
        try:
            target = resolve(self._wanted.url, chosen().outbound_allowed)
        except Unsafe:
            raise SourceRefused(
                f"{self._host} cannot be found, or is an address that is not public."
            ) from None
        sent = {
            "Host": target.host_header,
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            **self._wanted.headers,
            **headers,
        }
        try:
            with connected(target, silence_s=_SILENCE_S, deadline_s=deadline_s) as connection:
                connection.request(method, target.path, headers=sent)
                yield connection.getresponse()
        except ssl.SSLCertVerificationError as error:
            raise SourceRefused(f"{self._host} does not prove who it is (TLS).") from error
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"{self._host} does not answer: {type(error).__name__}.") from error

    def _check_status(self, response: http.client.HTTPResponse) -> None:
        status = response.status
        if status in {http.client.OK, http.client.PARTIAL_CONTENT}:
            return
        if status >= http.client.INTERNAL_SERVER_ERROR or status in _LATER:
            raise Unavailable(f"{self._host} answers {status}.")
        if http.client.MULTIPLE_CHOICES <= status < http.client.BAD_REQUEST:
            raise SourceRefused(f"{self._host} answers {status}: redirects are not followed.")
        raise SourceRefused(f"{self._host} answers {status}.")

    def _found(self, response: http.client.HTTPResponse) -> FoundFile:
        length = response.getheader("Content-Length", "")
        modified = response.getheader("Last-Modified")
        return FoundFile(
            name=self._name,
            size_bytes=int(length) if length.isdecimal() else None,
            version=response.getheader("ETag") or modified,
            modified_at=_moment(modified),
        )


def _check_scheme(url: str) -> None:
    try:
        parts = urlsplit(url)
        port = parts.port or 80
    except ValueError:
        raise InvalidOptions("source: url: this is no URL.") from None
    if parts.scheme == "https" and parts.hostname and parts.username is None:
        return
    if parts.scheme == "http" and f"{parts.hostname}:{port}" in chosen().outbound_allowed:
        return
    raise InvalidOptions("source: url: it must begin with https:// and hold no user name.")


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except ValueError:
        return None
