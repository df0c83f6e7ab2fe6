"""Write down the schema that the migrations make, so that a change of it is seen in review.

python tools/schema.py
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Final

from rowport.store.database import connect
from rowport.store.embedded.binaries import installed_directories
from rowport.store.embedded.client import EmbeddedPostgres
from rowport.store.migrations import migrate

SNAPSHOT: Final = Path(__file__).parents[1] / "src/rowport/store/schema.sql"
TITLE: Final = "-- The schema after all migrations: `make schema` writes it, nothing reads it.\n"
NOISE: Final = ("--", "SET ", "SELECT pg_catalog.set_config", "\\restrict", "\\unrestrict")


def dump(url: str) -> str:
    """Give the ledger's schema without comments, settings and blank lines."""
    program = str(installed_directories()[0] / "pg_dump")
    done = subprocess.run(
        [program, "--schema-only", "--schema=rowport", "--no-owner", url],
        check=True,
        capture_output=True,
        encoding="utf-8",
    )
    lines = [line for line in done.stdout.splitlines() if line and not line.startswith(NOISE)]
    return TITLE + "\n".join(lines) + "\n"


def main() -> None:
    """Write the snapshot."""
    with tempfile.TemporaryDirectory(prefix="rowport-schema-") as home:
        server = EmbeddedPostgres(Path(home))
        with server, connect(server.url()) as connection:
            migrate(connection)
            SNAPSHOT.write_text(dump(server.url()), encoding="utf-8")
        server.discard()
    print(f"{SNAPSHOT} is written")


if __name__ == "__main__":
    main()
