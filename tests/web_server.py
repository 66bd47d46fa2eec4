"""A web server on this machine that answers as a test wants."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class WebServer:
    """Counts the requests, and how many it answers at the same time.

    Attributes:
        routes: path -> what answers a request for it; others are not found.
        asked: path -> number of requests.
        most: largest number of requests at the same time.
        agents: what the requests said who asks.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.routes: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        self.asked: Counter[str] = Counter()
        self.agents: set[str] = set()
        self.most = self._now = 0
        self._lock = threading.Lock()

    @property
    def host(self) -> str:
        """Address and port."""
        return f"127.0.0.1:{self.port}"

    def uri(self, path: str) -> str:
        """The URI of a path."""
        return f"http://{self.host}{path}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer a request."""
        with self._lock:
            self.asked[request.path] += 1
            self.agents.add(request.headers["User-Agent"])
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            self.routes.get(request.path, status(404))(request)
        except OSError:
            request.close_connection = True  # the client has gone
        finally:
            with self._lock:
                self._now -= 1


@contextmanager
def web_server() -> Iterator[WebServer]:
    """Serve on a free port until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found.answer(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in the base class
            """Nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False
        request_queue_size = 64

    with Server(("127.0.0.1", 0), Handler) as server:
        found = WebServer(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


def data(content: bytes, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answers with a file."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(content)

    return answer


def status(code: int, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answers with a status and no file."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(code)
        for name, value in {"Content-Length": "0", **headers}.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()

    return answer


def cut_off(content: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answers with these bytes, from the first line on, and closes the connection."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(content)
        request.close_connection = True

    return answer


def dripping(head: bytes, drop: bytes, seconds: float = 4.0) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answers with a head, then with a drop now and then, and closes the connection."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(head)
        for _ in range(round(seconds / 0.1)):
            request.wfile.write(drop)
            time.sleep(0.1)
        request.close_connection = True

    return answer
