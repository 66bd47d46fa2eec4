"""Which servers may be asked."""

from __future__ import annotations

import pytest

from conf.load import SettingsError, load_settings
from jobs.fetching.targets import is_allowed, may_connect, parse_target, redirected

HOSTS = ("cdn.example.com", "*.shop.example", "local.example:8080", "[fd00::1]:81", "xn--mnchen-3ya.example")


@pytest.mark.parametrize(
    ("uri", "allowed"),
    [
        ("https://cdn.example.com/a.jpg", True),
        ("HTTP://CDN.Example.COM:80/a.jpg?w=1", True),
        ("https://cdn.example.com./a.jpg", True),
        ("https://cdn.example.com:8443/a.jpg", False),
        ("https://cdn.example.com.evil.example/a.jpg", False),
        ("https://a.b.shop.example/", True),
        ("https://shop.example/", False),
        ("https://evilshop.example/", False),
        ("http://local.example:8080/", True),
        ("http://local.example/", False),
        ("http://[fd00::1]:81/", True),
        ("http://[fd00::1]/", False),
        ("https://münchen.example/ü.jpg", True),
    ],
)
def test_only_allowed_hosts_are_asked(uri: str, allowed: bool) -> None:
    target = parse_target(uri)
    assert target is not None
    assert is_allowed(target, HOSTS) is allowed
    assert not is_allowed(target, ())


@pytest.mark.parametrize(
    "uri",
    [
        "ftp://cdn.example.com/a.jpg", "file:///etc/passwd", "https:///a.jpg", "https://user:word@cdn.example.com/a.jpg",
        "https://cdn.example.com\\@evil.example/", "https://cdn.example.com/a\r\nHost: evil", "https://[::1/a", "a.jpg",
        "https://cdn.example.com:99999/", "https://cdn.example.com:x/",
    ],
)  # fmt: skip
def test_what_parsers_could_read_differently_is_no_target(uri: str) -> None:
    assert parse_target(uri) is None


def test_a_path_is_encoded_once() -> None:
    target = parse_target("https://cdn.example.com/my pictures/ä%20b.jpg?size=1,2&x=é#part")
    assert target is not None
    assert target.path == "/my%20pictures/%C3%A4%20b.jpg?size=1,2&x=%C3%A9"


def test_a_redirect_may_be_relative() -> None:
    target = parse_target("https://cdn.example.com/a/b.jpg")
    assert target is not None
    for location, expected in {
        "c.jpg": "https://cdn.example.com:443/a/c.jpg",
        "//evil.example/c.jpg": "https://evil.example:443/c.jpg",
        "http://cdn.example.com/": "http://cdn.example.com:80/",
    }.items():
        found = redirected(target, location)
        assert found is not None
        assert found.uri == expected
    assert redirected(target, "file:///etc/passwd") is None


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 - an address to refuse
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00:ec2::254", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::a9fe:a9fe", False),
        ("2002:7f00:1::", False),
    ],
)
def test_no_address_inside_the_own_network_is_connected_to(address: str, allowed: bool) -> None:
    assert may_connect(address, ()) is allowed


def test_a_network_can_be_allowed() -> None:
    networks = ("127.0.0.0/8", "fd00::/8")
    assert may_connect("127.0.0.1", networks)
    assert may_connect("::ffff:127.0.0.1", networks)
    assert may_connect("fd00::9", networks)
    assert not may_connect("10.0.0.1", networks)


@pytest.mark.parametrize("value", ["https://cdn.example.com", "cdn.example.com/pictures", "*", "a b", "*.*.example"])
def test_a_host_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(SettingsError, match="must be the name of a host:"):
        load_settings("test", [f"fetch.hosts=['{value}']"])
    with pytest.raises(SettingsError, match="must be a network, such as"):
        load_settings("test", [f"fetch.networks=['{value}']"])
