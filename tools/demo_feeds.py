"""The tour that `make demo-feeds` shows: files that arrive by themselves, and what MoEngage sees.

Starts an S3 server, an SFTP server and `rowport serve`, lets a periodic S3 feed take three files
(a good one, one that is partly bad, one that is all bad) and an SFTP feed one more, and prints the
runs, the imports, and what a client of MoEngage's file imports API sees of them.  Exits with 0 only
if all of it is as it must be.  Everything it makes lies in .demo-feeds/ of the checkout.
"""

from __future__ import annotations

import asyncio
import json
import os
import queue
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import asyncssh
import httpx
import obstore
from obstore.store import S3Store

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
    except DemoFailed as reason:
        say(f"\nThe demo failed: {reason}")
        return 1
    return 0


def tour(stack: ExitStack) -> None:
    """Start everything, put the feeds, and look at what came of them."""
    s3_port, s3_store = stack.enter_context(s3_server())
    sftp_port, host_key = stack.enter_context(sftp_server())
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
    show_to_moengage(world)
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


def show_to_moengage(world: dict[str, str]) -> None:
    """Let MoEngage's clients see imports of the record type, as users."""
    code = (
        "import os, pathlib\n"
        "from rowport.bootstrap import open_rowport\n"
        "home = pathlib.Path(os.environ['ROWPORT_HOME'])\n"
        "with open_rowport(home=home, database_url=None) as rowport:\n"
        "    rowport.services.record_types.set_attributes(\n"
        "        rowport.organization.id, 'people', {'moengage': {'type': 'USERS'}})\n"
    )
    subprocess.run([BIN / "python", "-c", code], env=world, check=True)


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


@contextmanager
def s3_server() -> Iterator[tuple[int, S3Store]]:
    """Run an S3 server with the bucket `demo`."""
    port = free_port()
    running = subprocess.Popen(
        [BIN / "moto_server", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: httpx.put(f"{url}/demo").status_code == httpx.codes.OK, "the S3 server")
        yield (
            port,
            S3Store(
                "demo",
                endpoint=url,
                region="us-east-1",
                access_key_id=KEYS["access_key_id"],
                secret_access_key=KEYS["secret_access_key"],
                client_options={"allow_http": True},
            ),
        )
    finally:
        running.kill()
        running.wait()


class Guests(asyncssh.SSHServer):
    """Lets in who says demo."""

    def password_auth_supported(self) -> bool:
        """Say yes."""
        return True

    def validate_password(self, username: str, password: str) -> bool:
        """Tell whether both are `demo`."""
        return (username, password) == ("demo", "demo")


@contextmanager
def sftp_server() -> Iterator[tuple[int, str]]:
    """Run an SFTP server over a folder; give its port and its host key."""
    root, key = ROOM / "sftp", asyncssh.generate_private_key("ssh-ed25519")
    root.mkdir()
    ports: queue.Queue[int] = queue.Queue()
    stop = threading.Event()

    async def serve() -> None:
        listener = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[key],
            server_factory=Guests,
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=bytes(root)),
        )
        ports.put(listener.get_port())
        await asyncio.to_thread(stop.wait)
        listener.close()
        await listener.wait_closed()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        yield ports.get(timeout=30), key.export_public_key().decode().strip()
    finally:
        stop.set()
        thread.join()


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def wait_for(is_ready: Any, what: str) -> None:  # noqa: ANN401  any question
    """Wait until something answers as it should."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            if is_ready():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise DemoFailed(f"{what} does not answer")


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
