"""`rowport org` and `rowport token`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Home


def test_a_token_s_secret_is_shown_once(home: Home) -> None:
    made = home.ask("token", "create", "laptop", "--scope", "import:read", "--days", "3")
    secret = made.pop("secret")
    assert secret.startswith("rp_")
    assert len(secret) >= 43
    assert (made["name"], made["scopes"], made["revoked_at"]) == ("laptop", ["import:read"], None)
    done = home.run("--json", "token", "list")
    assert made in done.documents
    assert secret not in done.out
    shown = home.run("token", "create", "phone")
    assert shown.out.strip().startswith("rp_")
    assert "never again" in shown.err
    assert shown.out.strip() not in home.run("token", "list").out


def test_a_token_is_revoked_by_its_id(home: Home) -> None:
    made = home.ask("token", "create", "old")
    assert home.ask("token", "revoke", made["id"])["revoked_at"] is not None
    assert "revoked" in home.run("token", "list").out
    assert home.run("token", "revoke", "01a2037b-a4db-707a-a7ae-d9de35d10f9e").status == 2
    done = home.run("token", "revoke", "old")
    assert (done.status, "is not the id of a token" in done.err) == (2, True)


def test_organizations_keep_their_tokens_apart(home: Home) -> None:
    made = home.ask("org", "create", "acme", "--name", "Acme Ltd", "--time-zone", "Europe/Berlin")
    assert (made["slug"], made["name"], made["time_zone"]) == ("acme", "Acme Ltd", "Europe/Berlin")
    assert home.ask("org", "show", "acme") == home.ask("org", "show", made["id"]) == made
    assert made in home.run("--json", "org", "list").documents
    token = home.ask("token", "create", "t", "--org", "acme")
    assert token["organization_id"] == made["id"]
    assert token["id"] in home.run("token", "list", "--org", "acme").out
    assert token["id"] not in home.run("token", "list").out
    assert home.run("token", "revoke", token["id"]).status == 2
    assert home.run("token", "revoke", token["id"], "--org", "acme").status == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("org", "create", "Acme"), "cannot be a slug"),
        (("org", "create", "zoned", "--time-zone", "Mars/Base"), "no IANA time zone"),
        (("org", "create", "named", "--name", " "), "name of an organization"),
        (("org", "show", "nobody"), "no organization 'nobody'"),
        (("token", "create", ""), "name of a token"),
        (("token", "create", "t", "--scope", "all"), "all"),
        (("token", "create", "t", "--org", "nobody"), "no organization"),
    ],
)
def test_what_cannot_be_is_refused(home: Home, words: tuple[str, ...], said: str) -> None:
    done = home.run(*words)
    assert (done.status, said in done.err) == (2, True), done


def test_a_slug_is_taken_once(home: Home) -> None:
    done = home.run("org", "create", "default")
    assert (done.status, "already" in done.err) == (4, True), done


def test_an_organization_has_a_share_and_a_limit(home: Home) -> None:
    made = home.ask("org", "create", "busy")
    assert (made["running_imports"], made["weight"]) == (None, 1)
    changed = home.ask("org", "set", "busy", "--running-imports", "3", "--weight", "5")
    assert (changed["running_imports"], changed["weight"]) == (3, 5)
    changed = home.ask("org", "set", "busy", "--running-imports", "default")
    assert (changed["running_imports"], changed["weight"]) == (None, 5)
    assert home.ask("org", "show", "busy") == changed
    for words in (("--running-imports", "0"), ("--running-imports", "many"), ("--weight", "0")):
        assert home.run("org", "set", "busy", *words).status == 2
    assert home.run("org", "set", "nobody", "--weight", "2").status == 2
