"""How the server is set up, and the warnings that a server deserves that may lose data."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DURABILITY_SETTINGS = ("fsync", "full_page_writes", "synchronous_commit")

HBA = "# Written by Rowport at each start.\nlocal all all scram-sha-256\n"

# Row values must not get into the log.  An ERROR quotes them (`invalid input syntax ...: "4x"`),
# its DETAIL and CONTEXT quote whole rows, and the note on a crashed backend quotes its statement:
# so errors stay with the client that made them, and messages are terse.
_SETTINGS = """\
# Written by Rowport at each start; ALTER SYSTEM wins over it.
listen_addresses = ''                 # the unix socket only: no port to guard, none to collide
unix_socket_permissions = 0700
max_connections = 100
password_encryption = 'scram-sha-256'

# A bulk loader on a small machine
shared_buffers = 192MB
effective_cache_size = 1GB
work_mem = 16MB
maintenance_work_mem = 128MB
max_parallel_workers_per_gather = 0   # the importing workers use the cores; /dev/shm may be small
random_page_cost = 1.1
jit = off
max_wal_size = 3GB
min_wal_size = 256MB
checkpoint_timeout = 15min
wal_compression = {wal_compression}
autovacuum = on
max_logical_replication_workers = 0   # nobody subscribes: one process less

# What was committed stays committed
fsync = on
full_page_writes = on
synchronous_commit = on

timezone = 'UTC'
lc_messages = 'C'
default_text_search_config = 'pg_catalog.simple'

logging_collector = off               # the supervisor gives the file and cuts it
log_timezone = 'UTC'
log_line_prefix = '%m [%p] '
log_statement = 'none'
log_min_messages = log
log_min_error_statement = panic
log_error_verbosity = terse
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
"""


def settings_text(*, has_lz4: bool) -> str:
    """The text of postgresql.conf."""
    return _SETTINGS.format(wal_compression="lz4" if has_lz4 else "off")


def durability_warnings(settings: Mapping[str, str]) -> list[str]:
    """Say what a power cut could take from a server with these settings; empty when nothing.

    Args:
        settings: name to value as pg_settings has them, at least `DURABILITY_SETTINGS`.
    """
    losses = {
        "fsync": "a power cut or a crash of the machine can destroy the whole database",
        "full_page_writes": "a power cut in the middle of a page write can corrupt tables",
        "synchronous_commit": "rows reported as imported can vanish after a crash",
    }
    return [
        f"This PostgreSQL runs with {name} = {settings.get(name, 'unknown')}: {losses[name]}. "
        f"Set {name} = on, unless the storage of a hosted service is known to take its place."
        for name in DURABILITY_SETTINGS
        if settings.get(name, "unknown") in {"off", "unknown"}
    ]
