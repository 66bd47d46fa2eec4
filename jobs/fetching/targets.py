"""Which servers may be asked: the allowed hosts, and no address inside the own network."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

_PORTS = {"http": 80, "https": 443}
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\]")
_KEPT = "/%:@!$&'()*+,;=~-._"
_ENTRY = re.compile(r"(?:\[(?P<address>.*)\]|(?P<name>[^:]*))(?::(?P<port>[0-9]+))?")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Target:
    """What is asked for.

    Attributes:
        scheme: http or https.
        host: name or address, in ASCII and lower case.
        port: the port.
        path: path and query, percent-encoded.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def uri(self) -> str:
        """The URI."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"


def parse_target(uri: str) -> Target | None:
    """Parse an http or https URI; None if it is none, or has a user or characters that parsers read differently."""
    try:
        parts = urlsplit(uri)
        port, name = parts.port, parts.hostname
    except ValueError:
        return None
    if _UNSAFE.search(uri) or parts.scheme not in _PORTS or not name or "@" in parts.netloc:
        return None
    try:
        host = name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        return None
    path = quote(parts.path or "/", safe=_KEPT)
    query = f"?{quote(parts.query, safe=_KEPT + '?')}" if parts.query else ""
    return Target(parts.scheme, host.lower().rstrip("."), _PORTS[parts.scheme] if port is None else port, path + query)


def redirected(target: Target, location: str) -> Target | None:
    """Where a redirect leads; None if it is no http or https URI."""
    return parse_target(urljoin(target.uri, location.strip()))


def is_allowed(target: Target, hosts: Sequence[str]) -> bool:
    """Whether a host may be asked.

    Args:
        target: the host and its port.
        hosts: `conf.fetch_settings.FetchSettings.hosts`.
    """
    return any(_matches(target, entry) for entry in hosts)


def _matches(target: Target, entry: str) -> bool:
    match = _ENTRY.fullmatch(entry)
    if match is None:
        return False
    name, port = match["address"] or match["name"], match["port"]
    if target.port not in (_PORTS.values() if port is None else (int(port),)):
        return False
    return target.host.endswith(name[1:]) if name.startswith("*.") else target.host == name


def may_connect(address: str, networks: Sequence[str]) -> bool:
    """Whether an address may be connected to: it is public, or in one of the networks.

    Args:
        address: an IP address. One of version 6 that stands for one of version 4 is judged as that.
        networks: `conf.fetch_settings.FetchSettings.networks`.
    """
    ip = _inner(ipaddress.ip_address(address.partition("%")[0]))
    if any(ip in ipaddress.ip_network(network) for network in networks):
        return True
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def _inner(ip: _Address) -> _Address:
    """The address of version 4 that one of version 6 stands for."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else ip)
