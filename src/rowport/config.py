"""Settings that come from the environment: each is named ROWPORT_* and stands in docs/cli.md."""

from __future__ import annotations

import logging
import os
import pathlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from rowport.model.errors import InvalidOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_CHUNK_ROWS: Final = 16_000
DEFAULT_CHUNK_MB: Final = 4
"""Two workers and the command that they serve stay below 512 MiB together."""
DEFAULT_PARSER_MB: Final = 384
DEFAULT_MAX_INFLATED_MB: Final = 64 * 1024
DEFAULT_MAX_RATIO: Final = 200
"""Tables rarely shrink to less than a fiftieth; what inflates more than this is a bomb."""
HOST: Final = re.compile(r"[0-9a-z.:_-]+:[0-9]{1,5}")
DEFAULT_EVENT_DAYS: Final = 30
DEFAULT_TOKEN_CALLS: Final = 12_000
DEFAULT_ORGANIZATION_CALLS: Final = 60_000
ORIGIN: Final = re.compile(r"https?://[0-9a-z.:_-]+")
LEVELS: Final = {"info": logging.INFO, "debug": logging.DEBUG}
SECRET: Final = re.compile(r"[!-~]{16,512}", re.ASCII)
DEFAULT_MAX_UPLOAD_MB: Final = 64 * 1024
DEFAULT_UPLOAD_DAYS: Final = 7
WHOLE: Final = re.compile(r"0*[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How Rowport works on this machine."""

    chunk_rows: int = DEFAULT_CHUNK_ROWS
    """ROWPORT_CHUNK_ROWS: the most rows of a chunk."""
    chunk_bytes: int = DEFAULT_CHUNK_MB * 1024 * 1024
    """ROWPORT_CHUNK_MB: about the most megabytes of a chunk."""
    parser_bytes: int = DEFAULT_PARSER_MB * 1024 * 1024
    """ROWPORT_PARSER_MB: the most megabytes that the parser of one spreadsheet or Parquet file may
    take."""
    max_inflated_bytes: int = DEFAULT_MAX_INFLATED_MB * 1024 * 1024
    """ROWPORT_MAX_INFLATED_MB: the most megabytes to which a file may inflate."""
    max_ratio: int = DEFAULT_MAX_RATIO
    """ROWPORT_MAX_RATIO: how many times its own size a file may inflate to."""
    has_rate_limits: bool = True
    """ROWPORT_RATE_LIMITS: `documented` (the default) holds each dialect to its published limits;
    `off` lets everything through."""
    dialects: frozenset[str] | None = None
    """ROWPORT_DIALECTS: names with commas between them, or `none`; None: all."""
    dialect_prefixes: Mapping[str, str] = field(default_factory=dict)
    """ROWPORT_DIALECT_PREFIXES: `name=/path` with commas between them; a dialect not named here
    answers at its own paths."""
    public_url: str | None = None
    """ROWPORT_PUBLIC_URL: how the outside reaches the server; None: as each request says."""
    outbound_allowed: frozenset[str] = frozenset()
    """ROWPORT_OUTBOUND_ALLOW: `host:port` with commas between them, which webhooks and feeds may
    reach though they are private."""
    token_calls: int = DEFAULT_TOKEN_CALLS
    """ROWPORT_TOKEN_CALLS: how many calls of the native API a token may make in a minute."""
    organization_calls: int = DEFAULT_ORGANIZATION_CALLS
    """ROWPORT_ORGANIZATION_CALLS: how many all tokens of an organization may make together."""
    cors_origins: frozenset[str] = frozenset()
    """ROWPORT_CORS_ORIGINS: `https://host` with commas between them, whose pages may call us."""
    log_level: int = logging.INFO
    """ROWPORT_LOG: `info` (the default) or `debug`, which also tells of every request."""
    source_folders: frozenset[str] = frozenset()
    """ROWPORT_SOURCE_FOLDERS: folders with `:` between them, from which feeds may read."""
    has_instance_role: bool = False
    """ROWPORT_S3_INSTANCE_ROLE: `on` lets feeds without keys of their own use this machine's."""
    are_metrics_open: bool = False
    """ROWPORT_METRICS: `token` (the default) or `open`, so that whoever reaches the port reads
    /metrics."""
    metrics_token: str | None = None
    """ROWPORT_METRICS_TOKEN: a secret that opens /metrics and nothing else; None: only tokens with
    the scope admin do."""
    secret_keys: str = field(default="", repr=False)
    """ROWPORT_SECRET_KEYS: keys that secrets of feeds are encrypted with, 32 bytes each in Base64
    with commas between them: the first encrypts.  Empty: a key in the home."""
    event_days: int = DEFAULT_EVENT_DAYS
    """ROWPORT_EVENT_DAYS: how many days events and deliveries are kept."""
    running_imports: int | None = None
    """ROWPORT_RUNNING_IMPORTS: how many imports of an organization run at once that has no limit of
    its own; None: any number."""
    max_upload_bytes: int = DEFAULT_MAX_UPLOAD_MB * 1024 * 1024
    """ROWPORT_MAX_UPLOAD_MB: the most megabytes of a resumable upload."""
    upload_days: int = DEFAULT_UPLOAD_DAYS
    """ROWPORT_UPLOAD_DAYS: how many days an upload is kept after its last part."""


def settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Raises:
        InvalidOptions: a value cannot be read.
    """
    known = os.environ if environment is None else environment
    return Settings(
        chunk_rows=_positive(known, "ROWPORT_CHUNK_ROWS", DEFAULT_CHUNK_ROWS),
        chunk_bytes=_positive(known, "ROWPORT_CHUNK_MB", DEFAULT_CHUNK_MB) * 1024 * 1024,
        parser_bytes=_positive(known, "ROWPORT_PARSER_MB", DEFAULT_PARSER_MB) * 1024 * 1024,
        max_inflated_bytes=(
            _positive(known, "ROWPORT_MAX_INFLATED_MB", DEFAULT_MAX_INFLATED_MB) * 1024 * 1024
        ),
        max_ratio=_positive(known, "ROWPORT_MAX_RATIO", DEFAULT_MAX_RATIO),
        has_rate_limits=_has_rate_limits(known),
        dialects=_dialects(known),
        dialect_prefixes=_prefixes(known),
        public_url=known.get("ROWPORT_PUBLIC_URL", "").rstrip("/") or None,
        outbound_allowed=_hosts(known),
        token_calls=_positive(known, "ROWPORT_TOKEN_CALLS", DEFAULT_TOKEN_CALLS),
        organization_calls=_positive(
            known, "ROWPORT_ORGANIZATION_CALLS", DEFAULT_ORGANIZATION_CALLS
        ),
        cors_origins=_origins(known),
        log_level=_log_level(known),
        source_folders=_folders(known),
        secret_keys=known.get("ROWPORT_SECRET_KEYS", ""),
        has_instance_role=_has_instance_role(known),
        are_metrics_open=_are_metrics_open(known),
        metrics_token=_metrics_token(known),
        event_days=_positive(known, "ROWPORT_EVENT_DAYS", DEFAULT_EVENT_DAYS),
        running_imports=(
            _positive(known, "ROWPORT_RUNNING_IMPORTS", 1)
            if "ROWPORT_RUNNING_IMPORTS" in known
            else None
        ),
        max_upload_bytes=(
            _positive(known, "ROWPORT_MAX_UPLOAD_MB", DEFAULT_MAX_UPLOAD_MB) * 1024 * 1024
        ),
        upload_days=_positive(known, "ROWPORT_UPLOAD_DAYS", DEFAULT_UPLOAD_DAYS),
    )


def _has_rate_limits(environment: Mapping[str, str]) -> bool:
    said = environment.get("ROWPORT_RATE_LIMITS", "documented")
    if said not in {"documented", "off"}:
        raise InvalidOptions(f"ROWPORT_RATE_LIMITS={said!r} is neither `documented` nor `off`.")
    return said == "documented"


def _folders(environment: Mapping[str, str]) -> frozenset[str]:
    found = set(environment.get("ROWPORT_SOURCE_FOLDERS", "").split(os.pathsep)) - {""}
    for folder in found:
        if not pathlib.Path(folder).is_absolute():
            raise InvalidOptions(f"ROWPORT_SOURCE_FOLDERS: {folder[:80]!r} is no absolute path.")
    return frozenset(found)


def _has_instance_role(environment: Mapping[str, str]) -> bool:
    said = environment.get("ROWPORT_S3_INSTANCE_ROLE", "off")
    if said not in {"on", "off"}:
        raise InvalidOptions(f"ROWPORT_S3_INSTANCE_ROLE={said!r} is neither `on` nor `off`.")
    return said == "on"


def _are_metrics_open(environment: Mapping[str, str]) -> bool:
    said = environment.get("ROWPORT_METRICS", "token")
    if said not in {"token", "open"}:
        raise InvalidOptions(f"ROWPORT_METRICS={said[:40]!r} is neither `token` nor `open`.")
    return said == "open"


def _metrics_token(environment: Mapping[str, str]) -> str | None:
    secret = environment.get("ROWPORT_METRICS_TOKEN")
    if secret is not None and not SECRET.fullmatch(secret):  # which no error text repeats
        raise InvalidOptions(
            "ROWPORT_METRICS_TOKEN has 16 to 512 visible ASCII characters; 32 random bytes in "
            "base64 do well."
        )
    return secret


def _dialects(environment: Mapping[str, str]) -> frozenset[str] | None:
    said = environment.get("ROWPORT_DIALECTS")
    if said is None:
        return None
    return frozenset(name.strip() for name in said.split(",")) - {"", "none"}


def _hosts(environment: Mapping[str, str]) -> frozenset[str]:
    found = {part.strip() for part in environment.get("ROWPORT_OUTBOUND_ALLOW", "").split(",")}
    for host in found - {""}:
        if not HOST.fullmatch(host):
            raise InvalidOptions(f"ROWPORT_OUTBOUND_ALLOW: {host[:80]!r} is not `host:port`.")
    return frozenset(found - {""})


def _origins(environment: Mapping[str, str]) -> frozenset[str]:
    said = environment.get("ROWPORT_CORS_ORIGINS", "").split(",")
    found = {part.strip().rstrip("/") for part in said} - {""}
    for origin in found:
        if not ORIGIN.fullmatch(origin):
            raise InvalidOptions(f"ROWPORT_CORS_ORIGINS: {origin[:80]!r} is not `https://host`.")
    return frozenset(found)


def _log_level(environment: Mapping[str, str]) -> int:
    said = environment.get("ROWPORT_LOG", "info")
    if said not in LEVELS:
        raise InvalidOptions(f"ROWPORT_LOG={said[:40]!r} is neither `info` nor `debug`.")
    return LEVELS[said]


def _prefixes(environment: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for pair in filter(None, environment.get("ROWPORT_DIALECT_PREFIXES", "").split(",")):
        name, _, path = pair.strip().partition("=")
        if not path.startswith("/"):
            raise InvalidOptions(f"ROWPORT_DIALECT_PREFIXES: {pair!r} is not `name=/path`.")
        found[name] = path.rstrip("/")
    return found


def _positive(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name)
    if text is None:
        return default
    if not WHOLE.fullmatch(text):
        raise InvalidOptions(f"{name}={text[:40]!r} is not a whole number from 1 to 999999999.")
    return int(text)
