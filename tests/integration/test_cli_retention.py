"""`rowport retention`, through the real program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Home


def test_results_expire_and_every_command_says_so(home: Home) -> None:
    file: Path = home.file("kept.csv", "email,Full name,age\nkept@x.org,Ann,30\n")
    imported = home.run("import", file, "--type", "people", "--json").document
    assert home.ask("retention", "set", "results", "30") == {"kind": "results", "days": 30}
    assert "results   30 days" in home.run("retention", "show").out
    assert home.run("retention", "run").out == "nothing is due\n"
    with psycopg.connect(home.run("db", "url").out.strip(), autocommit=True) as connection:
        connection.execute(
            "UPDATE rowport.imports SET finished_at = finished_at - interval '31 days' "
            "WHERE id = %s",
            (imported["id"],),
        )
    went = home.run("--json", "retention", "run").documents
    assert went == [{"import_id": imported["id"], "kind": "results", "days": 30}]
    asked = home.run("rows", imported["id"])
    assert (asked.status, asked.out) == (4, "")
    assert "kept for 30 days after the import's end" in asked.err
    told = home.ask("status", imported["id"])["expired"]["results"]
    assert told["why"] == "kept for 30 days after the import's end"
    assert "its results expired on" in home.run("status", imported["id"]).out
    assert home.ask("retention", "set", "results", "forever")["days"] is None


def test_what_is_no_number_of_days_is_refused(home: Home) -> None:
    for days in ("0", "soon", "99999999999"):
        done = home.run("retention", "set", "upload", days)
        assert done.status == 2, done
