"""Webhooks are signed as the Standard Webhooks specification says."""

from __future__ import annotations

import base64
from datetime import timedelta
from uuid import UUID

import pytest

from rowport.config import settings
from rowport.model.errors import InvalidOptions
from rowport.service.delivering import DELAYS, next_delay
from rowport.service.signatures import derived_secret, shown, signature_header


def test_a_signature_is_that_of_the_reference_libraries() -> None:
    # The example in the tests of the reference implementations.
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    header = signature_header(
        [secret],
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
    )
    assert header == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_each_valid_secret_signs() -> None:
    header = signature_header([b"a", b"b"], message_id="m", timestamp=1, body=b"{}")
    assert [part[:3] for part in header.split(" ")] == ["v1,", "v1,"]


def test_secrets_differ_by_key_webhook_and_version_and_are_always_the_same() -> None:
    made = {
        derived_secret(key, UUID(int=number), version)
        for key in (b"k" * 32, b"l" * 32)
        for number in (1, 2)
        for version in (1, 2)
    }
    assert len(made) == 8
    secret = derived_secret(b"k" * 32, UUID(int=1), 1)
    assert secret in made
    assert shown(secret).startswith("whsec_")
    assert base64.b64decode(shown(secret).removeprefix("whsec_")) == secret


def test_tries_go_on_over_days_and_end() -> None:
    delays = [next_delay(tries, None) for tries in range(1, len(DELAYS) + 1)]
    assert all(delays)
    total = sum(filter(None, delays), timedelta())
    assert timedelta(hours=67) < total < timedelta(hours=84)
    assert next_delay(len(DELAYS) + 1, None) is None


def test_the_receiver_may_ask_for_more_time() -> None:
    assert next_delay(1, 3600) == timedelta(hours=1)
    assert next_delay(9, 1) is not None
    assert (next_delay(9, 1) or timedelta()) > timedelta(hours=20)


def test_private_hosts_are_allowed_by_host_and_port() -> None:
    chosen = settings({"ROWPORT_OUTBOUND_ALLOW": "10.0.0.1:80, hooks.internal:8443,"})
    assert chosen.outbound_allowed == {"10.0.0.1:80", "hooks.internal:8443"}
    with pytest.raises(InvalidOptions, match="host:port"):
        settings({"ROWPORT_OUTBOUND_ALLOW": "http://10.0.0.1"})
