"""Operations outlast the server, and callers who come at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
from tests.conftest import PATIENCE_S
from tests.integration.dialects.rocketchat.conftest import Client, running, user

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Home


def test_staged_users_and_a_run_outlast_the_server(new_home: Callable[[], Home]) -> None:
    home = new_home()
    told = home.ask("dialects", "setup", "--demo")["rocketchat"]
    headers = {"X-Auth-Token": told["auth_token"], "X-User-Id": told["user_id"]}

    def client(url: str) -> Client:
        return Client(http=httpx.Client(base_url=url, timeout=PATIENCE_S), headers=headers)

    staged: dict[str, Any] = {}
    settings = {"ROWPORT_CHUNK_ROWS": "20"}
    with running(home, **settings) as url:
        admin = client(url)
        admin.done("import.new")
        admin.done("import.addUsers", {"users": [user(number) for number in range(2000)]})
        staged = admin.get("import.status")
        admin.http.close()
    with running(home, **settings) as url:
        admin = client(url)
        assert admin.get("import.status") == staged
        admin.done("import.run")
        admin.http.close()
    with running(home, **settings) as url:
        admin = client(url)
        done = admin.until("done", "error")["operation"]
        assert done["_id"] == staged["operation"]["_id"]
        assert done["count"] == {"total": 2000, "users": 2000, "completed": 2000, "error": 0}
        admin.http.close()


def test_of_operations_made_at_once_one_is_valid(admin: Client) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: admin.done("import.new")["operation"]["_id"], range(8)))
    listed = admin.get("getLatestImportOperations")
    assert {one["_id"] for one in listed} == set(made)
    assert sum(one["valid"] for one in listed) == 1


def test_no_more_than_twenty_operations_are_listed(admin: Client) -> None:
    made = [admin.done("import.new")["operation"]["_id"] for _ in range(21)]
    listed = admin.get("getLatestImportOperations")
    assert len(listed) == 20
    assert listed[0]["_id"] == made[-1]
    times = [one["_updatedAt"] for one in listed]
    assert times == sorted(times, reverse=True)


def test_a_connection_outlasts_bodies_that_nobody_wants(admin: Client) -> None:
    stranger = Client(http=admin.http, headers={})
    unwanted = b"x" * 200_000
    for _ in range(40):
        assert admin.call("POST", "import.clear", content=unwanted).status_code == 200
        assert stranger.call("POST", "import.addUsers", content=unwanted).status_code == 401
