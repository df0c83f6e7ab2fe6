"""What is asked for by a URL reaches public addresses alone."""

from __future__ import annotations

import pytest

from rowport.outbound.guard import Unsafe, is_public, resolve


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104  not bound to
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "fc00::1",
        "fe80::1%eth0",
        "ff02::1",
        "2001:db8::1",
        "nonsense",
    ],
)
def test_an_address_that_is_not_public_is_known(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111"])
def test_a_public_address_is_known(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://1.1.1.1/x",
        "file:///etc/passwd",
        "gopher://1.1.1.1/",
        "http://",
        "http:///x",
        "http://user:secret@1.1.1.1/x",
        "http://1.1.1.1:99999/x",
        "http://1.1.1.1/a b",
        "http://1.1.1.1/a\r\nHost: inside",
        "http://1.1.1.1/\x00",
        "http://[::1/x",
        "http://1.1.1.1/" + "x" * 5000,
        "http://127.0.0.1/x",
        "http://127.1/x",
        "http://2130706433/x",
        "http://0x7f000001/x",
        "http://[::ffff:127.0.0.1]/x",
        "http://localhost:3000/x",
    ],
)
def test_a_url_that_could_lead_inside_is_refused(url: str) -> None:
    with pytest.raises(Unsafe):
        resolve(url)


def test_the_checked_address_is_the_one_that_is_used() -> None:
    target = resolve("https://1.1.1.1/file.csv?x=1#part")
    assert target.host == "1.1.1.1"
    assert target.addresses == ("1.1.1.1",)
    assert (target.scheme, target.port, target.path) == ("https", 443, "/file.csv?x=1")


def test_a_host_can_be_allowed_by_name_and_port() -> None:
    assert resolve("http://127.0.0.1:8080/x", ["127.0.0.1:8080"]).addresses == ("127.0.0.1",)
    with pytest.raises(Unsafe):
        resolve("http://127.0.0.1:8081/x", ["127.0.0.1:8080"])
