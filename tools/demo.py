"""The tour that `make demo` shows: one messy file imported twice, the fate of every row told.

Calls .venv/bin/rowport as a user would and checks what it answers; exits with 0 only if the
second import found everything in place.  Everything it makes lies in .demo/ of the checkout, or
in the folder that ROWPORT_DEMO_ROOM names.

ROWPORT_DEMO_FILE=path takes the caller's own file instead of examples/contacts.csv.
"""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import own_file
from rowport.model.errors import RowportError

if TYPE_CHECKING:
    from collections.abc import Sequence

CHECKOUT: Final = Path(__file__).resolve().parents[1]
ROWPORT: Final = CHECKOUT / ".venv" / "bin" / "rowport"
ROOM: Final = Path(os.environ.get("ROWPORT_DEMO_ROOM", CHECKOUT / ".demo"))
EXAMPLE: Final = CHECKOUT / "examples" / "contacts.csv"
SOME_ROWS_FAILED: Final = 3
OUTCOMES: Final = ("created", "updated", "unchanged", "skipped", "failed")
WORST: Final = 8
PATIENCE_S: Final = 15
LONGEST: Final = 150

Answer = dict[str, Any]


class DemoFailed(Exception):
    """What was seen is not what must be."""


def main() -> int:
    """Run the tour; 1 if anything was not as it must be."""
    wish = os.environ.get("ROWPORT_DEMO_FILE", "")
    try:
        empty_room()
        if wish:
            tour_of_own_file(Path(wish).expanduser())
        else:
            tour_of_contacts()
    except DemoFailed as reason:
        say(f"\nThe demo failed: {reason}")
        return 1
    return 0


def empty_room() -> None:
    """Begin anew, once the workers and the database of a tour just before have left."""
    patience = time.monotonic() + PATIENCE_S
    while ROOM.exists():
        try:
            leave_taken()
            shutil.rmtree(ROOM)
        except OSError as reason:
            if time.monotonic() > patience:
                raise DemoFailed(f"something still uses {ROOM}: {reason}") from reason
            time.sleep(0.1)
    ROOM.mkdir(parents=True)


def leave_taken() -> None:
    """See that no Rowport process uses the room: each holds a shared lock on this file.

    Raises:
        OSError: one does.
    """
    clients = ROOM / "home" / "postgres" / "clients.lock"
    if clients.exists():
        with clients.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def tour_of_contacts() -> None:
    """Import the example; its truth is known, so every count is checked."""
    truth = json.loads((EXAMPLE.parent / "contacts.truth.json").read_text(encoding="utf-8"))
    schema = EXAMPLE.parent / "contacts.schema.json"
    say("A record type from a Table Schema; the e-mail address identifies a contact:")
    rowport("type", "put", "contacts", short(schema), "--key", "email")
    first = tour(EXAMPLE, "contacts")
    expect("rows", first["total"], truth["total"])
    expect("created rows", first["created"], truth["created"])
    expect("failed rows", first["failed"], truth["failed"])
    again(EXAMPLE, "contacts", first)


def tour_of_own_file(file: Path) -> None:
    """Import the caller's file; every column is taken as text."""
    if not file.is_file():
        raise DemoFailed(f"{file} is not a file.  Type: make demo FILE=path/to/your.csv")
    try:
        found = own_file.look_at(file)
    except RowportError as reason:
        raise DemoFailed(f"{file}: {reason}") from reason
    place = ROOM / "own.schema.json"
    place.write_text(
        json.dumps(found.schema, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
    say(
        f"A record type of {len(found.schema['fields'])} columns, all taken as text: {short(place)}"
    )
    rowport("type", "put", "own", short(place), *(("--key", found.key) if found.key else ()))
    first = tour(file, "own")
    if found.key:
        again(file, "own", first)
    else:
        say("\nNo column of this file is different in each row, so there is no key yet: a second")
        say("import would add its rows again.  Name one with `rowport type put ... --key FIELD`.")


def tour(file: Path, kind: str) -> Counter[str]:
    """Import once and show what became of the rows."""
    say(f"\nThe file goes in ({file.stat().st_size:,} bytes):")
    done = run_import(file, kind)
    counts = show_counts(done)
    if counts["failed"]:
        show_worst_columns(done["id"])
        out = ROOM / f"{kind}.failed-rows.csv"
        rowport("failed-rows", done["id"], "--out", short(out))
        say(f"\nThe failed rows, to mend and send back: {short(out)}")
    return counts


def again(file: Path, kind: str, first: Counter[str]) -> None:
    """Import the same file again: nothing may double."""
    say("\nThe same file once more:")
    counts = show_counts(run_import(file, kind))
    good = first["total"] - first["failed"]
    expect("created rows of the second import", counts["created"], 0)
    expect("updated rows of the second import", counts["updated"], 0)
    expect("unchanged rows of the second import", counts["unchanged"], good)
    expect("failed rows of the second import", counts["failed"], first["failed"])
    say(f"\nNothing doubled: {good:,} records were there already and stayed as they were.")


def run_import(file: Path, kind: str) -> Answer:
    """Import and give the import as JSON; some failed rows are no surprise."""
    text = rowport("import", short(file), "--type", kind, "--json", accept=(0, SOME_ROWS_FAILED))
    done: Answer = json.loads(text)
    expect("state of the import", done["state"], "completed")
    return done


def show_counts(done: Answer) -> Counter[str]:
    """Print the outcomes and check that they add up."""
    counts = Counter[str](done["counts"])
    say("")
    for outcome in OUTCOMES:
        say(f"  {outcome:<10}{counts[outcome]:>12,}")
    say(f"  {'total':<10}{counts['total']:>12,}   ({done['result']})")
    expect("sum of the outcomes", sum(counts[outcome] for outcome in OUTCOMES), counts["total"])
    return counts


def show_worst_columns(import_id: str) -> None:
    """Group the errors of the failed rows by column and code."""
    text = rowport("rows", import_id, "--outcome", "failed", "--json", is_shown=False)
    rows = json_lines(text)
    tally = Counter(
        (error["field"] or "(the whole row)", error["code"])
        for row in rows
        for error in row["errors"]
    )
    example = {
        (error["field"] or "(the whole row)", error["code"]): (
            f"row {row['row']}, line {row['line']}: {error['message']}"
        )
        for row in reversed(rows)
        for error in row["errors"]
    }
    say("\nThe worst columns, each with the first row that shows it:\n")
    for place, count in tally.most_common(WORST):
        say(f"  {count:>6,}  {place[0]:<16}{place[1]}")
        say(f"          {cut(example[place])}")


def cut(text: str) -> str:
    """Keep a sentence within two lines of a terminal."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 3] + "..."


def json_lines(text: str) -> list[Answer]:
    """Read one JSON document a line, or one document that is a list."""
    if text.lstrip().startswith("["):
        return list(json.loads(text))
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def rowport(*arguments: str, accept: Sequence[int] = (0,), is_shown: bool = True) -> str:
    """Run the command as a user would; give its standard output.

    Progress and messages go to the terminal untouched.
    """
    if is_shown:
        shown = [argument for argument in arguments if argument != "--json"]
        say(f"\n  $ rowport {shlex.join(shown)}")
    world = {name: value for name, value in os.environ.items() if name != "ROWPORT_DATABASE_URL"}
    done = subprocess.run(
        [ROWPORT, *arguments],
        cwd=CHECKOUT,
        env={**world, "ROWPORT_HOME": str(ROOM / "home")},
        stdout=subprocess.PIPE,
        check=False,
    )
    if done.returncode not in accept:
        raise DemoFailed(f"`rowport {shlex.join(arguments)}` ended with status {done.returncode}.")
    return done.stdout.decode()


def expect(what: str, seen: object, wanted: object) -> None:
    """Stop unless what was seen is what must be."""
    if seen != wanted:
        raise DemoFailed(f"{what}: {seen} instead of {wanted}.")


def short(path: Path) -> str:
    """Name a path from the checkout, where it lies inside."""
    path = path.resolve()
    return str(path.relative_to(CHECKOUT) if path.is_relative_to(CHECKOUT) else path)


def say(line: str) -> None:
    """Print a line at once, so that it stands before what the next command prints."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
