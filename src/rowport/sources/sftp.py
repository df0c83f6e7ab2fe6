"""A folder of an SFTP server, whose host key was pinned when the source was set up."""

from __future__ import annotations

import asyncio
import stat
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, TypeVar

import asyncssh
import msgspec
from msgspec import Meta

from rowport.config import settings as chosen
from rowport.engine.sourcing import Pattern, Text, is_wanted, read_settings, resumed
from rowport.model.errors import InvalidOptions, SourceChanged, SourceRefused, Unavailable
from rowport.model.feeds import AfterRead, SourceKind
from rowport.outbound.guard import Unsafe, safe_addresses
from rowport.ports.sourcing import FoundFile

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator, Mapping

_BLOCK_BYTES: Final = 1024 * 1024
_ANSWER_S: Final = 20.0
_DEEPEST: Final = 20
_FINGERPRINT: Final = "SHA256:"
_REFUSALS: Final = (
    asyncssh.SFTPPermissionDenied,
    asyncssh.SFTPNoSuchFile,
    asyncssh.SFTPNoSuchPath,
    asyncssh.SFTPNotADirectory,
    asyncssh.SFTPOpUnsupported,
    asyncssh.SFTPWriteProtect,
)

Given = TypeVar("Given")


class Settings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Of an SFTP server."""

    host: Annotated[str, Meta(pattern=r"^[A-Za-z0-9.:_-]{1,253}$")]
    port: Annotated[int, Meta(ge=1, le=65535)] = 22
    username: Text
    password: Text | None = None
    private_key: Annotated[str, Meta(max_length=20_000)] | None = None
    """In OpenSSH's or PEM form."""
    passphrase: Text | None = None
    """Of the private key."""
    host_key: Text
    """The server's public key (`ssh-ed25519 AAAA...`) or its fingerprint (`SHA256:...`)."""
    path: Text = "."
    pattern: Pattern = "*"


class SftpSource:
    """An SFTP server."""

    kind: ClassVar[SourceKind] = SourceKind.SFTP
    secrets: ClassVar[frozenset[str]] = frozenset({"password", "private_key", "passphrase"})
    shows_half_files: ClassVar[bool] = True

    def check(self, settings: Mapping[str, object]) -> Mapping[str, object]:
        """See that there is something to log in with, and that all keys can be read."""
        wanted = read_settings(settings, Settings)
        if (wanted.password is None) == (wanted.private_key is None):
            raise InvalidOptions("source: either password or private_key is needed.")
        _private_keys(wanted)
        _fingerprint(wanted.host_key)
        kept: Mapping[str, object] = msgspec.to_builtins(wanted)
        return kept

    @contextmanager
    def open(self, settings: Mapping[str, object]) -> Iterator[OpenServer]:
        """Log in."""
        wanted = read_settings(settings, Settings)
        with asyncio.Runner() as loop:
            server = OpenServer(wanted, loop)
            try:
                server.connect()
                yield server
            finally:
                server.close()


class OpenServer:
    """A server that we are logged in to."""

    def __init__(self, wanted: Settings, loop: asyncio.Runner) -> None:
        self._wanted = wanted
        self._loop = loop
        self._connection: asyncssh.SSHClientConnection | None = None
        self._sftp: asyncssh.SFTPClient | None = None

    def connect(self) -> None:
        """Log in anew."""
        self.close()
        with self._told():
            self._connection = self._run(_connected(self._wanted))
            self._sftp = self._run(self._connection.start_sftp_client())

    def close(self) -> None:
        """Leave, without waiting for an answer."""
        if self._connection is not None:
            self._connection.abort()
            with suppress(OSError, asyncssh.Error):
                self._loop.run(self._connection.wait_closed())
        self._connection = self._sftp = None

    def files(self) -> Iterator[FoundFile]:
        """Give the files of the folder and of those in it; links are not followed."""
        folders = [""]
        while folders:
            below = folders.pop()
            with self._told():
                entries = self._run(self._client.readdir(self._path(below)))
            for entry in entries:
                name = f"{below}{_text(entry.filename)}"
                mode = entry.attrs.permissions or 0
                if name.rsplit("/", 1)[-1] in {".", ".."}:
                    continue
                if stat.S_ISDIR(mode) and name.count("/") < _DEEPEST:
                    folders.append(f"{name}/")
                elif stat.S_ISREG(mode) and is_wanted(name, self._wanted.pattern):
                    yield _found(name, entry.attrs)

    def read(self, file: FoundFile) -> Iterator[bytes]:
        """Give the content; where the connection breaks, it goes on from there."""
        done = 0
        for block in resumed(partial(self._stream, file), self.connect):
            done += len(block)
            yield block
        if done != file.size_bytes:
            raise SourceChanged(f"{file.name}: {done} bytes came of {file.size_bytes}.")

    def _stream(self, file: FoundFile, begin: int) -> Iterator[bytes]:
        path = self._path(file.name)
        with self._told():
            try:
                content = self._run(self._client.open(path, "rb", encoding=None))
            except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
                raise SourceChanged(f"{file.name} is gone.") from None
            _same(file, self._run(content.stat()))
            offset = begin
            while block := _bytes(self._run(content.read(_BLOCK_BYTES, offset))):
                offset += len(block)
                yield block
            _same(file, self._run(content.stat()))
            self._run(content.close())

    def set_aside(self, file: FoundFile, after: AfterRead, folder: str = "") -> None:
        """Move the file below the folder, or delete it."""
        path = self._path(file.name)
        with self._told(), suppress(asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
            match after:
                case AfterRead.NONE:
                    pass
                case AfterRead.DELETE:
                    self._run(self._client.remove(path))
                case AfterRead.MOVE:
                    to = self._path(f"{folder.strip('/')}/{file.name}")
                    self._run(self._client.makedirs(to.rsplit("/", 1)[0], exist_ok=True))
                    self._run(self._client.posix_rename(path, to))

    @property
    def _client(self) -> asyncssh.SFTPClient:
        if self._sftp is None:
            raise Unavailable(f"{self._wanted.host} has closed the connection.")
        return self._sftp

    def _path(self, name: str) -> str:
        return f"{self._wanted.path.rstrip('/') or '/'}/{name}".replace("//", "/")

    def _run(self, question: Awaitable[Given]) -> Given:
        """Wait for an answer, but not for ever."""
        return self._loop.run(_in_time(question))

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say what the server says."""
        host = self._wanted.host
        try:
            yield
        except asyncssh.HostKeyNotVerifiable as error:
            raise SourceRefused(
                f"{host} does not have the pinned host key: it may be another server."
            ) from error
        except asyncssh.PermissionDenied as error:
            raise SourceRefused(f"{host} does not let us in.") from error
        except _REFUSALS as error:
            raise SourceRefused(f"{host}: {error.reason}.") from error
        except (OSError, TimeoutError, asyncssh.Error) as error:
            raise Unavailable(f"{host} does not answer: {type(error).__name__}.") from error


class _Pinned(asyncssh.SSHClient):
    """Trusts one host key."""

    def __init__(self, fingerprint: str) -> None:
        self._fingerprint = fingerprint

    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        """Tell whether it is the pinned one."""
        del host, addr, port
        return key.get_fingerprint() == self._fingerprint


async def _in_time(question: Awaitable[Given]) -> Given:
    async with asyncio.timeout(_ANSWER_S):
        return await question


async def _connected(wanted: Settings) -> asyncssh.SSHClientConnection:
    try:
        addresses = safe_addresses(wanted.host, wanted.port, chosen().outbound_allowed)
    except Unsafe:
        raise SourceRefused(
            f"{wanted.host} cannot be found, or is an address that is not public."
        ) from None
    fingerprint = _fingerprint(wanted.host_key)
    return await asyncssh.connect(
        addresses[0],
        wanted.port,
        client_factory=lambda: _Pinned(fingerprint),
        config=None,
        known_hosts=([], [], []),
        username=wanted.username,
        password=wanted.password,
        client_keys=_private_keys(wanted) or None,
        agent_path=None,
        connect_timeout=_ANSWER_S,
        login_timeout=_ANSWER_S,
    )


def _private_keys(wanted: Settings) -> list[asyncssh.SSHKey]:
    if wanted.private_key is None:
        return []
    try:
        return [asyncssh.import_private_key(wanted.private_key, wanted.passphrase)]
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
        raise InvalidOptions(
            "source: private_key: it cannot be read, or its passphrase is missing or wrong."
        ) from None


def _fingerprint(host_key: str) -> str:
    if host_key.startswith(_FINGERPRINT):
        return host_key
    try:
        return asyncssh.import_public_key(host_key).get_fingerprint()
    except asyncssh.KeyImportError:
        raise InvalidOptions(
            "source: host_key: it is no public key (`ssh-ed25519 AAAA...`) and no fingerprint "
            "(`SHA256:...`)."
        ) from None


def _found(name: str, attributes: asyncssh.SFTPAttrs) -> FoundFile:
    modified = attributes.mtime
    return FoundFile(
        name=name,
        size_bytes=attributes.size,
        version=f"{attributes.size}-{modified}",
        modified_at=None if modified is None else datetime.fromtimestamp(modified, UTC),
    )


def _same(file: FoundFile, attributes: asyncssh.SFTPAttrs) -> None:
    if _found(file.name, attributes).version != file.version:
        raise SourceChanged(f"{file.name} changed while it was read.")


def _bytes(block: bytes | str) -> bytes:
    return block.encode() if isinstance(block, str) else block


def _text(name: bytes | str) -> str:
    return name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name
