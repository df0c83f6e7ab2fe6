"""`rowport webhook`, through the real program."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.conftest import until
from tests.integration.engine.receivers import Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Home


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    opened = Receiver()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def allowed(home: Home, receiver: Receiver) -> Home:
    """A home whose webhooks may reach the receiver."""
    return replace(home, environment={**home.environment, "ROWPORT_OUTBOUND_ALLOW": receiver.host})


def test_a_secret_is_shown_once(allowed: Home, receiver: Receiver) -> None:
    made = allowed.ask("webhook", "put", "once", receiver.url("/200"))
    assert made["secret"].startswith("whsec_")
    assert made["events"] == ["import.canceled", "import.completed", "import.failed"]
    again = allowed.ask("webhook", "put", "once", receiver.url("/200"), "--event", "all")
    assert again["secret"] is None
    assert len(again["events"]) == 8
    assert "secret" not in allowed.ask("webhook", "show", "once")
    rotated = allowed.ask("webhook", "put", "once", receiver.url("/200"), "--rotate")
    assert rotated["secret"] != made["secret"]
    for words in (["list"], ["show", "once"], ["deliveries", "once"]):
        assert "whsec_" not in allowed.run("webhook", *words).out


def test_a_test_tells_what_came_of_it(allowed: Home, receiver: Receiver) -> None:
    put = allowed.run("webhook", "put", "tried", receiver.url("/200"))
    secret = put.out.splitlines()[-1]
    tried = allowed.run("webhook", "test", "tried")
    assert tried.status == 0, tried
    assert "200, delivered" in tried.out
    assert receiver.take("/200")[-1].is_signed_with(secret)
    allowed.run("webhook", "put", "tried", receiver.url("/500"))
    failed = allowed.run("webhook", "test", "tried")
    assert failed.status == 4
    assert "the receiver answered 500: \N{REPLACEMENT CHARACTER}told" in failed.out
    lines = allowed.run("webhook", "deliveries", "tried", "--state", "waiting").out.splitlines()
    assert len(lines) == 2
    assert "next try" in lines[0]


def test_an_import_is_told_by_the_worker_that_loads_it(allowed: Home, receiver: Receiver) -> None:
    allowed.ask("webhook", "put", "told", receiver.url("/201"))
    file = allowed.file("told.csv", "email,Full name,age\nhook@x.org,Ann,30\n")
    done = allowed.run("import", file, "--type", "people", "--json")
    assert done.status == 0, done
    until(lambda: bool(receiver.take("/201")))
    assert receiver.take("/201")[0].document["data"]["id"] == done.document["id"]


def test_what_cannot_be_is_refused_with_a_reason(allowed: Home) -> None:
    inside = allowed.run("webhook", "put", "inside", "http://169.254.169.254/latest")
    assert inside.status == 2
    assert "not public" in inside.err
    assert "ROWPORT_OUTBOUND_ALLOW" in inside.err
    assert allowed.run("webhook", "show", "nobody").status == 2
    assert "delivery" in allowed.run("webhook", "replay", "once", "x").err


def test_a_webhook_is_deleted_and_replayed(allowed: Home, receiver: Receiver) -> None:
    allowed.ask("webhook", "put", "gone", receiver.url("/200"))
    assert allowed.ask("webhook", "replay", "gone") == {"replayed": 0}
    assert allowed.ask("webhook", "delete", "gone")["name"] == "gone"
    assert allowed.run("webhook", "show", "gone").status == 2
