"""What every request passes before the page's own code, and the headers of every answer."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from jobs.reviewing.proxy import Proxy

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = ("127.0.0.1", "localhost")
"""The hosts that the page listens on and answers for."""
LONGEST = 256 * 1024
"""Bytes of a request's body."""
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = [
    (b"content-security-policy", CONTENT_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),  # with no-referrer, a form of the page itself would say "null" as its origin
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
]
_SESSION = re.compile(r"[A-Za-z0-9_-]{20,64}")


class Guard:
    """Refuses requests for another host, from another site, or with a long body; adds the headers.

    A page of another site that has made its name lead to this machine (DNS rebinding) still sends its own name as the
    host, and a form or script of another site says so in Sec-Fetch-Site or Origin.
    """

    def __init__(self, app: App, port: int, proxy: Proxy | None = None) -> None:
        """Guard an application that listens on a port, perhaps behind a proxy."""
        self._app = app
        own = {f"{host}:{port}" for host in LOOPBACK} | (set(LOOPBACK) if port == 80 else set())
        self._hosts = own | ({proxy.host} if proxy else set())
        self._origins = {f"http://{host}" for host in own} | ({proxy.address} if proxy else set())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        problem = self._problem(scope["method"], headers)
        if problem is not None:
            await _refuse(send, *problem)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS]
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _problem(self, method: str, headers: dict[str, str]) -> tuple[int, str] | None:
        """Status and words of the refusal; None if the request may pass."""
        if headers.get("host", "") not in self._hosts:
            return 421, "this page answers only for " + " and ".join(sorted(self._hosts))
        if method in ("GET", "HEAD"):
            return None
        if headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return 403, "the request comes from another site"
        origin = headers.get("origin")
        if origin is not None and origin not in self._origins:
            return 403, "the request comes from another site"
        length = headers.get("content-length", "")
        if not length.isdecimal():
            return 411, "the length of the request is missing"
        return (413, "the request is too long") if int(length) > LONGEST else None


async def _refuse(send: Send, status: int, words: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *_HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": words.encode()})


def is_session(value: str | None) -> bool:
    """Whether a cookie can be one of ours."""
    return value is not None and _SESSION.fullmatch(value) is not None


def token_of(session: str, secret: str) -> str:
    """What the requests of a browser must carry besides its cookie."""
    return hmac.new(secret.encode(), session.encode(), hashlib.sha256).hexdigest()


def is_token(given: str, session: str, secret: str) -> bool:
    """Whether a request carries the token of its browser."""
    return hmac.compare_digest(given.encode(), token_of(session, secret).encode())
