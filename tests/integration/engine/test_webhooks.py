"""Webhooks are told at least once, with the same id on each try, whatever the receiver does."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.conftest import until
from tests.integration.engine.receivers import Receiver

from rowport.config import settings
from rowport.model.errors import InvalidOptions, NotFound, WebhookDisabled, WebhookNotFound
from rowport.model.events import EventKind
from rowport.model.webhooks import DeliveryState
from rowport.outbound import posting
from rowport.runtime.delivering import deliver_due
from rowport.service.delivering import DELAYS, Delivering

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.engine.conftest import Engine

    from rowport.model.webhooks import Delivery, Webhook

ROWPORT = Path(sys.executable).with_name("rowport")
ROWS = [("a@x.org", "A", "1")]


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A receiver that webhooks may reach."""
    opened = Receiver()
    monkeypatch.setenv("ROWPORT_OUTBOUND_ALLOW", f"{opened.host},127.0.0.1:1")
    yield opened
    opened.close()


def put(
    engine: Engine,
    url: str,
    name: str = "hook",
    **options: Any,  # noqa: ANN401  put's own
) -> tuple[Webhook, str]:
    """Make a webhook; give it with its secret."""
    webhook, secret = engine.rowport.services.webhooks.put(
        engine.rowport.organization.id, name, url, **options
    )
    return webhook, secret or ""


def deliver(engine: Engine) -> None:
    """Send what is due, as a worker would."""
    deliver_due(engine.works.delivering, lambda: False)


def hurry(engine: Engine) -> None:
    """Let all time pass for which deliveries would wait."""
    engine.sql("UPDATE rowport.deliveries SET due_at = clock_timestamp() WHERE state = 'waiting'")
    engine.sql("UPDATE rowport.webhooks SET busy_until = NULL")


def deliveries(engine: Engine, name: str = "hook") -> list[Delivery]:
    """Give the deliveries of a webhook, the newest first."""
    return list(engine.rowport.services.webhooks.deliveries(engine.rowport.organization.id, name))


def show(engine: Engine, name: str = "hook") -> Webhook:
    """Look at a webhook again."""
    return engine.rowport.services.webhooks.get(engine.rowport.organization.id, name)


def test_the_end_of_an_import_is_told_and_signed(engine: Engine, receiver: Receiver) -> None:
    engine.put()
    _, secret = put(engine, receiver.url("/200"))
    imported = engine.run(ROWS)
    deliver(engine)
    [told] = receiver.told
    assert told.is_signed_with(secret)
    assert not told.is_signed_with("whsec_" + "A" * 43 + "=")
    assert abs(int(told.headers["webhook-timestamp"]) - time.time()) < 60
    assert told.headers["content-type"] == "application/json"
    assert told.document["type"] == "import.completed"
    assert told.document["data"]["id"] == str(imported.id)
    assert told.document["data"]["counts"]["created"] == 1
    [delivery] = deliveries(engine)
    assert (delivery.state, delivery.tries) == (DeliveryState.DELIVERED, 1)
    assert told.id == f"evt_{delivery.event_id.hex}"
    assert (delivery.log[0].status, delivery.log[0].error) == (200, None)


def test_only_what_it_was_put_for_is_told(engine: Engine, receiver: Receiver) -> None:
    engine.put()
    put(engine, receiver.url("/200"), events=frozenset({EventKind.CREATED, EventKind.STATE}))
    other = engine.rowport.services.access.ensure_organization("other", "Other")
    engine.rowport.services.webhooks.put(other.id, "theirs", receiver.url("/200/theirs"))
    engine.run(ROWS)
    deliver(engine)
    kinds = [told.document["data"]["state"] for told in receiver.told]
    assert kinds == ["reading", "queued", "running"]


@pytest.mark.parametrize("fault", ["/500", "/404", "/later", "/redirect", "refused"])
def test_a_failure_is_noted_and_tried_again_with_the_same_id(
    engine: Engine, receiver: Receiver, fault: str
) -> None:
    engine.put()
    url = "http://127.0.0.1:1/" if fault == "refused" else receiver.url(fault)
    put(engine, url)
    engine.run(ROWS)
    deliver(engine)
    [delivery] = deliveries(engine)
    assert delivery.state is DeliveryState.WAITING
    assert delivery.log[0].error is not None
    waits = delivery.due_at - delivery.log[0].began_at
    assert waits >= (timedelta(hours=1) if fault == "/later" else DELAYS[0] * 0.9)
    assert show(engine).failing_since is not None
    deliver(engine)
    assert deliveries(engine)[0].tries == 1, "it is not due yet"
    put(engine, receiver.url("/200"))
    hurry(engine)
    deliver(engine)
    [delivery] = deliveries(engine)
    assert (delivery.state, delivery.tries) == (DeliveryState.DELIVERED, 2)
    assert len({told.id for told in receiver.told}) == 1
    assert len({told.body for told in receiver.told}) == 1
    assert show(engine).failing_since is None


def test_a_redirect_is_not_followed(engine: Engine, receiver: Receiver) -> None:
    engine.put()
    put(engine, receiver.url("/redirect"))
    engine.run(ROWS)
    deliver(engine)
    assert [told.path for told in receiver.told] == ["/redirect"]
    [delivery] = deliveries(engine)
    assert delivery.log[0].error == "the receiver answered 302; redirects are not followed"


def test_the_beginning_of_the_answer_is_kept(engine: Engine, receiver: Receiver) -> None:
    engine.put()
    put(engine, receiver.url("/500"))
    engine.run(ROWS)
    deliver(engine)
    answer = deliveries(engine)[0].log[0].answer
    assert answer is not None
    assert answer.startswith("\N{REPLACEMENT CHARACTER}told xxx")
    assert len(answer) <= posting.ANSWER_BYTES


@pytest.mark.parametrize("path", ["/hang", "/drip"])
def test_a_receiver_that_does_not_answer_delays_no_other(
    engine: Engine, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(posting, "DEADLINE_S", 2.0)
    engine.put()
    put(engine, receiver.url(path), name="a")
    put(engine, receiver.url("/200"), name="b")
    engine.run(ROWS)
    engine.run([("b@x.org", "B", "1")])
    began = time.monotonic()
    deliver(engine)
    assert time.monotonic() - began < 10
    assert {d.state for d in deliveries(engine, "b")} == {DeliveryState.DELIVERED}
    [first, _] = sorted(deliveries(engine, "a"), key=lambda d: d.created_at)
    assert [tried.error for tried in first.log] == ["no answer in time"]
    of_b = {d.finished_at for d in deliveries(engine, "b")}
    tried = first.log[0]
    assert max(filter(None, of_b)) < tried.began_at + timedelta(milliseconds=tried.duration_ms)


def test_one_message_is_on_its_way_to_a_webhook_at_a_time(
    engine: Engine, receiver: Receiver
) -> None:
    engine.put()
    put(engine, receiver.url("/200"))
    engine.run(ROWS)
    engine.run(ROWS)
    first = engine.works.delivering.claim()
    assert first is not None
    assert engine.works.delivering.claim() is None
    engine.works.delivering.deliver(first)
    second = engine.works.delivering.claim()
    assert second is not None
    assert second.id != first.id


def test_gone_disables_at_once_and_putting_enables(engine: Engine, receiver: Receiver) -> None:
    engine.put()
    put(engine, receiver.url("/410"))
    engine.run(ROWS)
    engine.run(ROWS)
    deliver(engine)
    assert len(receiver.told) == 1
    assert show(engine).disabled_reason == "The receiver answered 410 Gone."
    assert [d.state for d in deliveries(engine)] == [DeliveryState.FAILED] * 2
    engine.run(ROWS)
    assert len(deliveries(engine)) == 2, "nothing is kept for a disabled webhook"
    webhooks, organization = engine.rowport.services.webhooks, engine.rowport.organization.id
    with pytest.raises(WebhookDisabled, match="410 Gone"):
        webhooks.replay(organization, "hook")
    put(engine, receiver.url("/200"))
    assert show(engine).disabled_at is None
    assert webhooks.replay(organization, "hook") == 2
    deliver(engine)
    assert {d.state for d in deliveries(engine)} == {DeliveryState.DELIVERED}
    assert {told.id for told in receiver.take("/410")} < {t.id for t in receiver.take("/200")}


def test_a_webhook_that_only_fails_for_days_is_disabled(engine: Engine, receiver: Receiver) -> None:
    engine.put()
    put(engine, receiver.url("/500"))
    engine.run(ROWS)
    deliver(engine)
    assert show(engine).disabled_at is None
    engine.sql("UPDATE rowport.webhooks SET failing_since = failing_since - interval '5 days'")
    hurry(engine)
    deliver(engine)
    reason = show(engine).disabled_reason or ""
    assert reason.startswith("Every try failed since ")
    assert reason.endswith("the receiver answered 500.")
    assert deliveries(engine)[0].state is DeliveryState.FAILED


def test_a_delivery_is_given_up_after_its_last_delay(engine: Engine, receiver: Receiver) -> None:
    engine.put()
    put(engine, receiver.url("/500"))
    engine.run(ROWS)
    for _ in range(len(DELAYS) + 1):
        assert deliveries(engine)[0].state is DeliveryState.WAITING
        hurry(engine)
        deliver(engine)
    [delivery] = deliveries(engine)
    assert (delivery.state, delivery.tries) == (DeliveryState.FAILED, len(DELAYS) + 1)
    assert [tried.number for tried in delivery.log] == list(range(1, len(DELAYS) + 2))
    webhooks, organization = engine.rowport.services.webhooks, engine.rowport.organization.id
    put(engine, receiver.url("/200"))
    assert webhooks.replay(organization, "hook", delivery_id=delivery.id) == 1
    deliver(engine)
    [delivery] = deliveries(engine)
    assert (delivery.state, delivery.tries) == (DeliveryState.DELIVERED, len(DELAYS) + 2)
    assert len({told.id for told in receiver.told}) == 1
    with pytest.raises(NotFound):
        webhooks.replay(organization, "hook", delivery_id=organization)


def test_no_private_address_is_told(engine: Engine, receiver: Receiver) -> None:
    engine.put()
    for url in ("http://127.0.0.1:2/", "http://169.254.169.254/", "file:///etc/passwd", "x"):
        with pytest.raises(InvalidOptions, match="not public"):
            put(engine, url)
    put(engine, receiver.url("/200"))
    engine.run(ROWS)
    strict = Delivering(ledger=engine.rowport.ledger, allowed=())
    deliver_due(strict, lambda: False)
    assert receiver.told == []
    [delivery] = deliveries(engine)
    assert delivery.log[0].error == posting.NOT_PUBLIC
    assert delivery.state is DeliveryState.WAITING


def test_the_secret_stands_nowhere_and_two_sign_while_it_changes(
    engine: Engine, receiver: Receiver
) -> None:
    engine.put()
    _, first = put(engine, receiver.url("/200"))
    _, nothing = put(engine, receiver.url("/200"))
    _, second = put(engine, receiver.url("/200"), rotate=True)
    assert nothing == ""
    assert first.startswith("whsec_")
    assert first != second
    engine.run(ROWS)
    deliver(engine)
    assert receiver.told[-1].is_signed_with(first)
    assert receiver.told[-1].is_signed_with(second)
    engine.sql("UPDATE rowport.webhooks SET rotated_at = rotated_at - interval '25 hours'")
    engine.run(ROWS)
    deliver(engine)
    assert not receiver.told[-1].is_signed_with(first)
    assert receiver.told[-1].is_signed_with(second)
    kept = engine.sql(
        "SELECT to_jsonb(w) AS told FROM rowport.webhooks AS w UNION ALL "
        "SELECT to_jsonb(d) FROM rowport.deliveries AS d UNION ALL "
        "SELECT to_jsonb(t) FROM rowport.delivery_tries AS t UNION ALL "
        "SELECT to_jsonb(e) FROM rowport.events AS e UNION ALL "
        "SELECT to_jsonb(j) FROM procrastinate_jobs AS j"
    )
    text = json.dumps(kept)
    key = engine.sql("SELECT value FROM rowport.secrets WHERE name = 'webhooks'")[0]["value"]
    assert base64.b64encode(key).decode() not in (first, second)
    assert str(show(engine).id) in text
    for secret in (first, second):
        assert secret.removeprefix("whsec_") not in text


def test_a_worker_that_dies_in_mid_delivery_is_followed_by_another_with_the_same_id(
    engine: Engine, receiver: Receiver
) -> None:
    engine.put()
    put(engine, receiver.url("/200"))
    engine.run(ROWS)
    # It has sent and dies before it can note what came of it.
    dead = engine.works.delivering.claim()
    assert dead is not None
    deliver(engine)
    assert deliveries(engine)[0].tries == 1, "its hold lasts"
    hurry(engine)
    deliver(engine)
    [delivery] = deliveries(engine)
    assert (delivery.state, delivery.tries) == (DeliveryState.DELIVERED, 2)
    assert [tried.number for tried in delivery.log] == [2]
    engine.works.delivering.deliver(dead)
    assert {told.id for told in receiver.told} == {f"evt_{delivery.event_id.hex}"}
    assert deliveries(engine)[0].state is DeliveryState.DELIVERED


@contextmanager
def worker(engine: Engine) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker as people run it."""
    environment = {**os.environ, "ROWPORT_DATABASE_URL": engine.url}
    command = [str(ROWPORT), "--home", str(engine.rowport.home), "worker"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def test_kill_9_in_mid_delivery_loses_nothing(engine: Engine, receiver: Receiver) -> None:
    engine.put()
    put(engine, receiver.url("/hang"))
    with worker(engine) as first:
        engine.land(ROWS)
        assert receiver.arrived.acquire(timeout=60), "nothing was sent"
        first.kill()
    [delivery] = deliveries(engine)
    assert (delivery.state, delivery.tries, delivery.log) == (DeliveryState.WAITING, 1, ())
    engine.sql("UPDATE rowport.webhooks SET url = %(url)s", url=receiver.url("/200"))
    engine.sql("UPDATE rowport.webhooks SET busy_until = clock_timestamp()")
    with worker(engine):
        until(lambda: deliveries(engine)[0].state is DeliveryState.DELIVERED)
    assert [told.path for told in receiver.told] == ["/hang", "/200"]
    assert len({told.id for told in receiver.told}) == 1


def test_chunks_are_loaded_while_every_receiver_hangs(engine: Engine, receiver: Receiver) -> None:
    engine.put()
    for number in range(10):
        put(engine, receiver.url(f"/hang/{number}"), name=f"hook{number}")
    engine.run(ROWS)
    with worker(engine):
        for _ in range(8):
            assert receiver.arrived.acquire(timeout=60), "not all were sent at once"
        imported = engine.land([("b@x.org", "B", "1")])
        until(lambda: engine.get(imported).state.is_final)
    assert engine.get(imported).counts.created == 1
    assert not any(d.log for d in deliveries(engine, "hook0")), "it still hangs"


def test_sigterm_ends_a_worker_whose_receiver_hangs_within_ten_seconds(
    engine: Engine, receiver: Receiver
) -> None:
    engine.put()
    put(engine, receiver.url("/hang"))
    with worker(engine) as process:
        engine.land(ROWS)
        assert receiver.arrived.acquire(timeout=60), "nothing was sent"
        process.terminate()
        assert process.wait(timeout=10) == 0
    assert deliveries(engine)[0].state is DeliveryState.WAITING


def test_a_hold_that_lies_far_ahead_is_none(engine: Engine, receiver: Receiver) -> None:
    engine.put()
    put(engine, receiver.url("/200"))
    engine.run(ROWS)
    engine.sql("UPDATE rowport.webhooks SET busy_until = clock_timestamp() + interval '1 day'")
    deliver(engine)
    assert deliveries(engine)[0].state is DeliveryState.DELIVERED


def test_a_test_is_sent_here_and_now(engine: Engine, receiver: Receiver) -> None:
    _, secret = put(engine, receiver.url("/200"))
    webhooks, organization = engine.rowport.services.webhooks, engine.rowport.organization.id
    tried = webhooks.test(organization, "hook")
    assert (tried.status, tried.error) == (200, None)
    [told] = receiver.told
    assert told.is_signed_with(secret)
    assert told.document["type"] == "webhook.test"
    assert deliveries(engine)[0].state is DeliveryState.DELIVERED
    assert engine.rowport.services.events.after(organization, 0) == []
    with pytest.raises(WebhookNotFound):
        webhooks.test(organization, "other")


def test_a_deleted_webhook_is_forgotten_with_what_is_on_its_way(
    engine: Engine, receiver: Receiver
) -> None:
    engine.put()
    put(engine, receiver.url("/200"))
    engine.run(ROWS)
    claimed = engine.works.delivering.claim()
    assert claimed is not None
    engine.rowport.services.webhooks.delete(engine.rowport.organization.id, "hook")
    engine.works.delivering.deliver(claimed)
    assert engine.sql("SELECT 1 FROM rowport.deliveries") == []


def test_what_waits_to_be_sent_is_not_forgotten_with_age(
    engine: Engine, receiver: Receiver
) -> None:
    engine.put()
    put(engine, receiver.url("/500"))
    engine.run(ROWS)
    engine.sql("UPDATE rowport.events SET created_at = created_at - interval '40 days'")
    kept = timedelta(days=settings().event_days)
    with engine.rowport.database.transaction() as tx:
        engine.rowport.ledger.events.drop_old(tx, kept=kept, limit=100)
    deliver(engine)
    assert len(receiver.told) == 1


def test_the_stop_of_a_worker_takes_no_new_delivery(engine: Engine, receiver: Receiver) -> None:
    engine.put()
    put(engine, receiver.url("/200"))
    engine.run(ROWS)
    stop = threading.Event()
    stop.set()
    deliver_due(engine.works.delivering, stop.is_set)
    assert receiver.told == []
