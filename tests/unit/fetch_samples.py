"""Requests for pictures on a server of a test."""

from __future__ import annotations

from conf.fetch_settings import FetchSettings
from jobs.fetching.http_client import Answer, Client
from tests.web_server import WebServer

MAX_BYTES = 100_000
PICTURE = b"picture" * 100


def settings(server: WebServer, **values: object) -> FetchSettings:
    """Settings for a server on this machine, with short limits."""
    quick: dict[str, object] = {
        "hosts": (server.host,),
        "networks": ("127.0.0.0/8",),
        "retries": 0,
        "connect_seconds": 2.0,
        "read_seconds": 2.0,
        "total_seconds": 5.0,
        "user_agent": "a test",
    }
    return FetchSettings(**{**quick, **values})  # type: ignore[arg-type]


def ask(server: WebServer, path: str, **values: object) -> Answer:
    """Ask once for a path."""
    client = Client(settings(server, **values), MAX_BYTES)
    try:
        return client.ask(server.uri(path))
    finally:
        client.close()
