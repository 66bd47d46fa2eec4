"""A server cannot hold a fetch for longer than the limits, and what was broken off is no picture."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler

import pytest

from jobs.fetching.http_client import Answer, Client
from jobs.fetching.time_limit import TimeLimit
from schemas.reasons import ImageStatus
from tests.unit.fetch_samples import MAX_BYTES, PICTURE, ask, settings
from tests.web_server import WebServer, data, dripping, status, web_server


@pytest.fixture
def server() -> Iterator[WebServer]:
    with web_server() as found:
        yield found


def is_timeout(answer: Answer) -> bool:
    return (answer.status, answer.problem, answer.is_down) == (ImageStatus.UNREADABLE, "timeout", True)


def test_a_host_that_does_not_answer_is_left_in_time(server: WebServer) -> None:
    def silent(_: BaseHTTPRequestHandler) -> None:
        time.sleep(4)

    server.routes["/silent"] = silent
    began = time.monotonic()
    assert is_timeout(ask(server, "/silent", read_seconds=0.3))
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"."),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n", b"."),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 1000\r\n\r\n", b"."),
        (b"HTTP/1.0 200 OK\r\n\r\n", b"."),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"."),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n.\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n", b"1\r\n.\r\n"),
        (b"HTTP/1.1 200 OK\r\nX-Endless: ", b"."),
    ],
    ids=["length", "length, close", "1.0, length", "1.0, no length", "no length", "chunks", "chunks, close", "headers"],
)
def test_an_answer_byte_by_byte_is_broken_off_in_time(server: WebServer, head: bytes, drop: bytes) -> None:
    server.routes["/dripping"] = dripping(head, drop)
    began = time.monotonic()
    assert is_timeout(ask(server, "/dripping", total_seconds=0.6))
    assert time.monotonic() - began < 3


def test_an_answer_after_a_redirect_is_broken_off_in_time(server: WebServer) -> None:
    server.routes["/moved"] = status(302, Location="/dripping")
    server.routes["/dripping"] = dripping(b"HTTP/1.1 200 OK\r\n\r\n", b".")
    began = time.monotonic()
    assert is_timeout(ask(server, "/moved", total_seconds=0.6))
    assert time.monotonic() - began < 3


def test_no_connection_is_opened_if_a_name_took_too_long(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve, connected = socket.getaddrinfo, []

    def slowly(*args: object, **options: object) -> object:
        time.sleep(0.5)
        return resolve(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    monkeypatch.setattr("urllib3.util.connection.create_connection", lambda *args, **_: connected.append(args))
    server.routes["/a"] = data(PICTURE)
    assert is_timeout(ask(server, "/a", total_seconds=0.2))
    assert connected == []


def test_the_addresses_of_a_name_share_the_time(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    allowed: list[float] = []

    def resolve(_: str, port: int, *__: object, **___: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{n}", port)) for n in (1, 2, 3)]

    def never(_: object, timeout: float, **__: object) -> socket.socket:
        allowed.append(timeout)
        time.sleep(timeout)
        raise TimeoutError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr("urllib3.util.connection.create_connection", never)
    limits = settings(server, hosts=("shop.example:80",), connect_seconds=0.4, total_seconds=0.6)
    with closing(Client(limits, MAX_BYTES)) as client:
        assert is_timeout(client.ask("http://shop.example/a"))
    assert allowed[0] == 0.4
    assert sum(allowed) <= 0.6, "the third address is not tried"


def test_a_connection_that_tls_has_taken_over_is_broken_off() -> None:
    here, there = socket.socketpair()
    stopped = threading.Event()

    def drip() -> None:
        record = b"\x16\x03\x03\x40\x00" + bytes(200)  # a record of 16 KiB that never ends
        try:
            for n in range(len(record)):
                there.sendall(record[n : n + 1])
                if stopped.wait(0.1):
                    return
        except OSError:
            return

    sender = threading.Thread(target=drip)
    context = ssl.create_default_context()
    here.settimeout(4)
    began = time.monotonic()
    with there, TimeLimit(0.5) as limit:
        limit.watch(here)
        sender.start()
        with (
            context.wrap_socket(here, server_hostname="shop.example", do_handshake_on_connect=False) as wrapped,
            pytest.raises(OSError, match=r"EOF|reset|closed"),
        ):
            wrapped.do_handshake()
        assert limit.is_over
        assert time.monotonic() - began < 3
        stopped.set()
        sender.join()
