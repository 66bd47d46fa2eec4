"""Asks web servers for pictures. Addresses are checked when connecting; time, size and redirects are limited."""

from __future__ import annotations

import random
import socket
from dataclasses import dataclass
from time import sleep
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as NoAnswerError

from conf.fetch_settings import FetchSettings
from jobs.fetching.targets import Target, is_allowed, may_connect, parse_target, redirected
from jobs.fetching.time_limit import TimeLimit
from schemas.reasons import ImageStatus

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_EMPTY = {204: ImageStatus.MISSING, 404: ImageStatus.NOT_FOUND, 410: ImageStatus.NOT_FOUND}
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers after which another attempt may succeed."""
_LONGEST_WAIT = 30.0
"""Seconds before another attempt. A host that asks for more is left alone during the run."""
_MOST_ADDRESSES = 3
_READ_BYTES = 1 << 16


@dataclass(frozen=True)
class Answer:
    """What a host has answered.

    Attributes:
        status: ok, missing (surely an empty file), not_found, too_large, not_allowed (a redirect to a host, or a name
            with an address, that may not be asked) or unreadable (all else).
        problem: why it is unreadable or not_allowed, in a word.
        http_status: the last status of HTTP; None if there was no answer.
        data: the bytes, if the status is ok.
        attempts: number of requests, without those of redirects.
        is_down: whether the host itself does not work now, so that its other pictures may be left for later.
    """

    status: ImageStatus
    problem: str | None = None
    http_status: int | None = None
    data: bytes | None = None
    attempts: int = 1
    is_down: bool = False


class InnerAddressError(Exception):
    """A name has an address that may not be asked."""


@dataclass(frozen=True)
class _Again:
    """An attempt that may be repeated: what it has found, and after how many seconds the host wants the next one."""

    answer: Answer
    wait: float | None = None


class Client:
    """Asks for one picture after the other and keeps connections open. Each thread needs its own."""

    def __init__(self, settings: FetchSettings, max_bytes: int) -> None:
        self._settings = settings
        self._max_bytes = max_bytes
        self._pools: dict[tuple[str, str, int], urllib3.HTTPConnectionPool] = {}
        self._limit = TimeLimit(settings.total_seconds)

    def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            pool.close()

    def ask(self, uri: str) -> Answer:
        """Ask for a picture, with repetitions."""
        attempt = 0
        while True:
            attempt += 1
            found = self._attempt(uri)
            answer = found.answer if isinstance(found, _Again) else found
            if isinstance(found, _Again) and attempt <= self._settings.retries:
                wait = found.wait if found.wait is not None else 0.5 * 2**attempt * random.uniform(0.5, 1.0)  # noqa: S311
                if wait <= _LONGEST_WAIT:
                    sleep(wait)
                    continue
            return Answer(
                answer.status, answer.problem, answer.http_status, answer.data, attempt, isinstance(found, _Again)
            )

    def _attempt(self, uri: str) -> Answer | _Again:
        with TimeLimit(self._settings.total_seconds) as self._limit:
            try:
                found = self._follow(parse_target(uri))
            except InnerAddressError:
                return Answer(ImageStatus.NOT_ALLOWED, "inner_address")
            except Exception as error:  # servers send what raises errors of any type, and one must not end the run
                found = _Again(Answer(ImageStatus.UNREADABLE, _problem_of(error)))
            # Whatever has been received then may be cut off.
            return _Again(Answer(ImageStatus.UNREADABLE, "timeout")) if self._limit.is_over else found

    def _follow(self, target: Target | None) -> Answer | _Again:
        """Ask, and follow redirects to allowed hosts."""
        status = None
        for _ in range(_MOST_REDIRECTS + 1):
            if target is None or not is_allowed(target, self._settings.hosts):
                return Answer(ImageStatus.NOT_ALLOWED, "host", status)
            response = self._send(target)
            try:
                status, location = response.status, response.headers.get("Location")
                if status not in _REDIRECTS or location is None:
                    return self._judge(response)
            finally:
                response.close()
            target = redirected(target, location)
        return Answer(ImageStatus.UNREADABLE, "redirects", status)

    def _send(self, target: Target) -> urllib3.BaseHTTPResponse:
        headers = {
            "User-Agent": self._settings.user_agent,
            "Accept": "image/*,*/*;q=0.1",
            "Accept-Encoding": "identity",
        }
        return self._pool(target).urlopen(
            "GET", target.path, headers=headers, retries=False, redirect=False, preload_content=False
        )

    def _judge(self, response: urllib3.BaseHTTPResponse) -> Answer | _Again:
        status = response.status
        if status == 200:
            return self._read(response)
        if status in _BUSY:
            return _Again(Answer(ImageStatus.UNREADABLE, "busy", status), _retry_after(response))
        if status in _EMPTY:
            return Answer(_EMPTY[status], None, status)
        return Answer(ImageStatus.UNREADABLE, "refused", status)

    def _read(self, response: urllib3.BaseHTTPResponse) -> Answer | _Again:
        """Read the bytes, but no more than are allowed."""
        status, promised = response.status, response.headers.get("Content-Length", "")
        if response.headers.get("Content-Encoding", "identity") != "identity":
            return Answer(ImageStatus.UNREADABLE, "compressed", status)
        length = int(promised) if promised.isascii() and promised.isdecimal() else None
        data = bytearray()
        while length is None or length <= self._max_bytes:
            part = response.read1(_READ_BYTES, decode_content=False)
            data += part
            if not part or len(data) > self._max_bytes:
                break
        if len(data) > self._max_bytes or (length is not None and length > self._max_bytes):
            return Answer(ImageStatus.TOO_LARGE, None, status)
        if length is not None and len(data) != length:
            return _Again(Answer(ImageStatus.UNREADABLE, "connection", status))
        if data:
            return Answer(ImageStatus.OK, None, status, bytes(data))
        # Without an end that is marked, nothing tells an empty file from an answer that was cut off within its headers.
        if length is None and "chunked" not in response.headers.get("Transfer-Encoding", "").lower():
            return _Again(Answer(ImageStatus.UNREADABLE, "connection", status))
        return Answer(ImageStatus.MISSING, None, status)

    def _pool(self, target: Target) -> urllib3.HTTPConnectionPool:
        key = (target.scheme, target.host, target.port)
        if key not in self._pools:
            limits = urllib3.Timeout(connect=self._settings.connect_seconds, read=self._settings.read_seconds)
            make = urllib3.HTTPSConnectionPool if target.scheme == "https" else urllib3.HTTPConnectionPool
            pool = make(target.host, target.port, timeout=limits, maxsize=1)
            pool.ConnectionCls = self._connection_class(HTTPSConnection if target.scheme == "https" else HTTPConnection)
            self._pools[key] = pool
        return self._pools[key]

    def _connection_class(self, base: Any) -> Any:  # noqa: ANN401 - a class of urllib3 and one that is derived from it
        """A class of connections that resolve a name once and connect to an address only after it has been checked."""
        client = self

        class Connection(base):  # type: ignore[misc]
            _dns_host: str
            timeout: float

            def _new_conn(self) -> socket.socket:
                name = self._dns_host
                first, *others = client.checked_addresses(self, name, self.port)
                try:
                    for address in others:
                        self._dns_host = first
                        try:
                            return self._watched()
                        except (HTTPError, OSError):
                            first = address
                    self._dns_host = first
                    return self._watched()
                finally:
                    self._dns_host = name

            def _watched(self) -> socket.socket:
                self.timeout = min(self.timeout, client._limit.seconds_left())
                connected: socket.socket = super()._new_conn()
                try:
                    client._limit.watch(connected)
                except OSError:
                    connected.close()
                    raise
                return connected

            def request(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as in the base class
                if self.sock is not None:  # it is open from an earlier attempt
                    client._limit.watch(self.sock)
                super().request(*args, **options)

        return Connection

    def checked_addresses(self, connection: HTTPConnection, name: str, port: int) -> list[str]:
        """The first addresses of a name, at least one.

        Raises:
            InnerAddressError: one of its addresses may not be asked.
            NameResolutionError: it has none.
        """
        try:
            found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            raise NameResolutionError(name, connection, socket.gaierror(str(error))) from error
        addresses = [str(each[4][0]) for each in found]
        if not all(may_connect(address, self._settings.networks) for address in addresses):
            raise InnerAddressError(name)
        return addresses[:_MOST_ADDRESSES]


def _problem_of(error: Exception) -> str:
    """The kind of an error, in a word."""
    kinds: tuple[tuple[type[Exception], str], ...] = (
        (NameResolutionError, "name"),
        (NewConnectionError, "connection"),  # for urllib3 it is a kind of time-out
        (NoAnswerError, "timeout"),
        (TimeoutError, "timeout"),
        (SSLError, "tls"),
    )
    return next((word for kind, word in kinds if isinstance(error, kind)), "connection")


def _retry_after(response: urllib3.BaseHTTPResponse) -> float | None:
    """The seconds after which a host wants the next request; None if it says none that can be understood."""
    try:
        return urllib3.Retry().get_retry_after(response)
    except HTTPError:
        return None
