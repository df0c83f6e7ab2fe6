"""The tour that `make demo-feeds` shows: files that arrive by themselves, and what MoEngage sees.

Starts an S3 server, an SFTP server and `rowport serve`, lets a periodic S3 feed take three files
(a good one, one that is partly bad, one that is all bad) and an SFTP feed one more, and prints the
runs, the imports, and what a client of MoEngage's file imports API sees of them.  Exits with 0 only
if all of it is as it must be.  Everything it makes lies in .demo-feeds/ of the checkout.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import obstore
from obstore.store import S3Store

from file_servers import NotReady, free_port, make_bucket, s3_server, sftp_server, wait_for
from rowport.bootstrap import open_rowport

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT: Final = Path(__file__).resolve().parents[1]
BIN: Final = CHECKOUT / ".venv" / "bin"
ROOM: Final = Path(os.environ.get("ROWPORT_DEMO_ROOM", CHECKOUT / ".demo-feeds"))
PATIENCE_S: Final = 90.0
KEYS: Final = {"access_key_id": "AKIADEMO", "secret_access_key": "not-a-secret"}
GOOD: Final = "email,name,age\n" + "".join(f"good{n}@example.org,Good {n},{n}\n" for n in range(20))
PARTLY: Final = "email,name,age\n" + "".join(
    f"part{n}@example.org,Part {n},{n if n % 2 else 'old'}\n" for n in range(20)
)
BAD: Final = "email,name,age\n" + "".join(f",Nobody {n},many\n" for n in range(20))
MORE: Final = "email,name,age\nsftp@example.org,Sftp,7\n"
SCHEMA: Final = {
    "fields": [
        {"name": "email", "type": "string", "constraints": {"required": True}},
        {"name": "name", "type": "string"},
        {"name": "age", "type": "integer"},
    ],
    "primaryKey": ["email"],
}
WANTED: Final = {
    "partly.csv": "PARTIAL_SUCCESS",
    "good.csv": "SUCCESSFUL",
    "bad.csv": "FAILED",
    "more.csv": "SUCCESSFUL",
}


class DemoFailed(Exception):
    """What was seen is not what must be."""


def main() -> int:
    """Run the tour; 1 if anything was not as it must be."""
    shutil.rmtree(ROOM, ignore_errors=True)
    ROOM.mkdir(parents=True)
    try:
        with ExitStack() as stack:
            tour(stack)
    except (DemoFailed, NotReady) as reason:
        say(f"\nThe demo failed: {reason}")
        return 1
    return 0


def tour(stack: ExitStack) -> None:
    """Start everything, put the feeds, and look at what came of them."""
    (ROOM / "sftp").mkdir()
    s3_port = stack.enter_context(s3_server())
    sftp_port, host_key = stack.enter_context(sftp_server(ROOM / "sftp", "demo", "demo"))
    make_bucket(s3_port, "demo")
    s3_store = S3Store(
        "demo",
        endpoint=f"http://127.0.0.1:{s3_port}",
        region="us-east-1",
        access_key_id=KEYS["access_key_id"],
        secret_access_key=KEYS["secret_access_key"],
        client_options={"allow_http": True},
    )
    for name, content in (("good.csv", GOOD), ("partly.csv", PARTLY), ("bad.csv", BAD)):
        obstore.put(s3_store, f"out/{name}", content.encode())
    (ROOM / "sftp" / "more.csv").write_text(MORE)
    allowed = f"127.0.0.1:{s3_port},127.0.0.1:{sftp_port}"
    world = {**os.environ, "ROWPORT_HOME": str(ROOM / "home"), "ROWPORT_OUTBOUND_ALLOW": allowed}
    url = stack.enter_context(server(world))
    say("What MoEngage's clients need, and a record type that they may see:")
    token = ask(world, "token", "create", "moengage", "--scope", "import:read")
    workspace = ask(world, "org", "show", "default", is_shown=False)
    moengage = {"workspace_id": workspace["oid"], "api_key": token["secret"]}
    write("people.schema.json", SCHEMA)
    ask(world, "type", "put", "people", str(ROOM / "people.schema.json"))
    show_to_moengage()
    say("\nA periodic feed of a bucket, and one of an SFTP server; each file is an import:")
    s3 = {
        "kind": "s3",
        "bucket": "demo",
        "prefix": "out",
        "endpoint": f"http://127.0.0.1:{s3_port}",
    }
    put_feed(world, "nightly", {**s3, **KEYS})
    sftp = {"kind": "sftp", "host": "127.0.0.1", "port": sftp_port, "host_key": host_key}
    put_feed(world, "partner", {**sftp, "username": "demo", "password": "demo", "path": "/"})
    for name in ("nightly", "partner"):
        ask(world, "feed", "run", name)
    imports = [show_runs(world, name) for name in ("nightly", "partner")]
    say("\nThe imports:")
    show_imports(world, [each for found in imports for each in found])
    say("\nWhat a client of MoEngage is told:")
    show_moengage(url, moengage)
    ask(world, "feed", "run", "nightly")
    again = until_ended(world, "nightly")
    expect("state of a second run", again["state"], "nothing")
    say("\nA second run finds nothing new: each file was imported once.")


def put_feed(world: dict[str, str], name: str, source: dict[str, Any]) -> None:
    """Put a feed that is due every day."""
    document = {
        "type": "people",
        "source": source,
        "schedule": {"every": "day", "time_zone": "Europe/Berlin"},
        "files": "each",
        "settle_s": 1,
    }
    write(f"{name}.feed.json", document)
    ask(world, "feed", "put", name, str(ROOM / f"{name}.feed.json"))


def show_runs(world: dict[str, str], name: str) -> list[str]:
    """Tell what the newest run decided about each file; give its imports."""
    run = until_ended(world, name)
    say(f"\n  feed {name}: {run['state']}")
    for file in run["files"]:
        say(f"    {file['name']:<12}{file['decision']}")
    expect(f"state of the run of {name}", run["state"], "done")
    return [file["import"] for file in run["files"]]


def until_ended(world: dict[str, str], name: str) -> dict[str, Any]:
    """Wait for the newest run of a feed to end."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        run: dict[str, Any] = ask(world, "feed", "show", name, is_shown=False)["runs"][0]
        if run["state"] != "open":
            return run
        if time.monotonic() > deadline:
            raise DemoFailed(f"the run of {name} does not end: {run['reason']}")
        time.sleep(1)


def show_imports(world: dict[str, str], ids: list[str]) -> None:
    """Tell how each import went."""
    for each in ids:
        deadline = time.monotonic() + PATIENCE_S
        while (job := ask(world, "status", each, is_shown=False))["finished_at"] is None:
            if time.monotonic() > deadline:
                raise DemoFailed(f"import {each} has not ended")
            time.sleep(0.5)
        counts, name = job["counts"], job["files"][0]["name"]
        told = f"{counts['created']:>3} created, {counts['failed']:>3} failed"
        say(f"  {name:<12}{job['state']:<11}{job['result'] or '':<10}{told}")


def show_moengage(url: str, access: dict[str, str]) -> None:
    """Ask as MoEngage's clients do, and check what they are told."""
    asking = httpx.Client(
        base_url=url + "/v1.0/data/fileimports/import",
        auth=(access["workspace_id"], access["api_key"]),
        headers={"MOE-APPKEY": access["workspace_id"]},
    )
    with asking:
        status = asking.post("/status", json={}).raise_for_status().json()
        told = {}
        for found in status["data"]:
            kinds = f"{found['import_source']:<6}{found['schedule_type']:<10}"
            say(f"  status       {found['import_name']:<12}{kinds}{found['status']}")
            history = asking.post("/run/history", json={"import_id": found["import_id"]})
            for file in history.raise_for_status().json()["data"]:
                told[file["file_name"]] = file["file_status"]
                rows = f"{file['total_rows']} rows, {file['failed_rows']} failed"
                say(f"  run/history  {file['file_name']:<12}{file['file_status']:<17}{rows}")
    expect("what MoEngage is told of each file", told, WANTED)


def show_to_moengage() -> None:
    """Let MoEngage's clients see imports of the record type, as users."""
    with open_rowport(home=ROOM / "home", database_url=None) as rowport:
        rowport.services.record_types.set_attributes(
            rowport.organization.id, "people", {"moengage": {"type": "USERS"}}
        )


# ------------------------------------------------------------------------------------ the servers


@contextmanager
def server(world: dict[str, str]) -> Iterator[str]:
    """Run `rowport serve`, and give its address once it is ready."""
    port = free_port()
    with (ROOM / "server.log").open("wb") as log:
        running = subprocess.Popen(
            [BIN / "rowport", "serve", "--port", str(port)], env=world, stdout=log, stderr=log
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: httpx.get(f"{url}/readyz").status_code == httpx.codes.OK, "rowport serve")
        yield url
    finally:
        running.terminate()
        running.wait(60)


# -------------------------------------------------------------------------------------- the words


def ask(world: dict[str, str], *words: str, is_shown: bool = True) -> Any:  # noqa: ANN401  JSON
    """Run a command and give what it answers as JSON."""
    if is_shown:
        say("  $ rowport " + " ".join(words).replace(f"{ROOM}/", ""))
    done = subprocess.run(
        [BIN / "rowport", *words, "--json"], env=world, capture_output=True, check=False
    )
    if done.returncode:
        raise DemoFailed(f"rowport {words[0]} ended with {done.returncode}: {done.stderr.decode()}")
    return json.loads(done.stdout)


def write(name: str, document: object) -> None:
    """Write a JSON file into the room."""
    (ROOM / name).write_text(json.dumps(document, indent=2) + "\n")


def expect(what: str, seen: object, wanted: object) -> None:
    """Fail unless both are the same."""
    if seen != wanted:
        raise DemoFailed(f"{what}: {seen!r} instead of {wanted!r}")


def say(text: str) -> None:
    """Print a line."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
