"""Pictures are fetched politely, within limits, and never from inside the own network."""

from __future__ import annotations

import datetime as dt
import os
import socket
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from conf.fetch_settings import FetchSettings
from jobs.fetch_pictures import _summary
from jobs.fetching.fetching import Fetched
from jobs.fetching.http_client import Answer, Client
from jobs.fetching.lanes import Hosts, fetch_all
from jobs.fetching.picture_folder import PictureFolder
from schemas.errors import UsageError
from schemas.reasons import ImageStatus
from tests.unit.fetch_samples import MAX_BYTES, PICTURE, ask, settings
from tests.web_server import WebServer, cut_off, data, status, web_server
from udfs.fetched_pictures import fetched_name
from udfs.picture_uris import read_uri

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def server() -> Iterator[WebServer]:
    with web_server() as found:
        yield found


def test_a_picture_is_fetched_with_a_name_and_unchanged(server: WebServer) -> None:
    server.routes["/a%20b.jpg?w=1"] = data(PICTURE)
    assert ask(server, "/a b.jpg?w=1") == Answer(ImageStatus.OK, None, 200, PICTURE)
    assert server.agents == {"a test"}


def test_each_answer_has_a_status(server: WebServer) -> None:
    server.routes |= {
        "/gone": status(410),
        "/empty": data(b""),
        "/none": status(204),
        "/denied": status(403),
        "/busy": status(503),
        "/large": data(bytes(MAX_BYTES + 1)),
        "/endless": cut_off(b"HTTP/1.1 200 OK\r\n\r\n" + PICTURE * 1000),
        "/unknown": cut_off(b"HTTP/1.1 200 OK\r\n\r\n" + PICTURE),
        "/old": cut_off(b"HTTP/1.0 200 OK\r\n\r\n" + PICTURE),
        "/cut": cut_off(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + PICTURE),
        "/cut-chunk": cut_off(CHUNKED + b"3\r\nabc\r\n"),
        "/cut-headers": cut_off(b"HTTP/1.1 200 OK\r\nContent-Type: image/jp"),
        "/no-chunk": cut_off(CHUNKED + b"0\r\n\r\n"),
        "/zipped": data(PICTURE, Content_Encoding="gzip"),
        "/limit": data(bytes(MAX_BYTES)),
    }
    found = {path: ask(server, path) for path in (*server.routes, "/missing")}
    assert {path: (answer.status.value, answer.problem, answer.http_status) for path, answer in found.items()} == {
        "/gone": ("not_found", None, 410),
        "/empty": ("missing", None, 200),
        "/none": ("missing", None, 204),
        "/denied": ("unreadable", "refused", 403),
        "/busy": ("unreadable", "busy", 503),
        "/large": ("too_large", None, 200),
        "/endless": ("too_large", None, 200),
        "/unknown": ("ok", None, 200),
        "/old": ("ok", None, 200),
        "/cut": ("unreadable", "connection", None),
        "/cut-chunk": ("unreadable", "connection", None),
        "/cut-headers": ("unreadable", "connection", 200),
        "/no-chunk": ("missing", None, 200),
        "/zipped": ("unreadable", "compressed", 200),
        "/limit": ("ok", None, 200),
        "/missing": ("not_found", None, 404),
    }
    assert {path for path, answer in found.items() if answer.is_down} == {
        "/busy",
        "/cut",
        "/cut-chunk",
        "/cut-headers",
    }
    assert {path for path, answer in found.items() if answer.data} == {"/limit", "/unknown", "/old"}


def test_a_busy_host_is_asked_again_when_it_wants(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("jobs.fetching.http_client.sleep", waits.append)
    answers = iter([status(429, Retry_After="7"), status(503), data(PICTURE)])

    def answer(request: BaseHTTPRequestHandler) -> None:
        next(answers)(request)

    server.routes["/a"] = answer
    assert ask(server, "/a", retries=3) == Answer(ImageStatus.OK, None, 200, PICTURE, attempts=3)
    assert waits[0] == 7
    assert 1 <= waits[1] <= 2, "twice as long as a first wait"
    server.routes["/b"] = status(503, Retry_After="3600")
    left = ask(server, "/b", retries=3)
    assert (left.status, left.attempts, left.is_down) == (ImageStatus.UNREADABLE, 1, True), "an hour is too long"
    server.routes["/c"] = status(404)
    assert ask(server, "/c", retries=3).attempts == 1


def test_redirects_lead_only_to_allowed_hosts(server: WebServer) -> None:
    with web_server() as other:
        other.routes["/a"] = data(b"secret")
        server.routes |= {
            "/near": status(302, Location="/there"),
            "/there": data(PICTURE),
            "/far": status(302, Location=other.uri("/a")),
            "/file": status(302, Location="file:///etc/passwd"),
            "/round": status(301, Location="/round"),
        }
        assert ask(server, "/near").data == PICTURE
        assert ask(server, "/far") == Answer(ImageStatus.NOT_ALLOWED, "host", 302)
        assert ask(server, "/file") == Answer(ImageStatus.NOT_ALLOWED, "host", 302)
        assert other.asked == {}
        assert ask(server, "/round") == Answer(ImageStatus.UNREADABLE, "redirects", 301)
        assert server.asked["/round"] == 6


def test_no_inner_address_is_asked_whatever_its_name(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.routes["/a"] = data(PICTURE)
    assert ask(server, "/a", networks=()) == Answer(ImageStatus.NOT_ALLOWED, "inner_address")
    names = {"shop.example": ["127.0.0.1"], "both.example": ["93.184.216.34", "127.0.0.1"]}
    resolved: list[str] = []

    def resolve(name: str, port: int, *_: object, **__: object) -> list[object]:
        resolved.append(name)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in names.get(name, [name])]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    for name in names:
        client = Client(FetchSettings(hosts=(f"{name}:{server.port}",), retries=0), MAX_BYTES)
        assert client.ask(f"http://{name}:{server.port}/a").problem == "inner_address"
    assert server.asked == {}
    resolved.clear()
    client = Client(FetchSettings(hosts=(f"shop.example:{server.port}",), networks=("127.0.0.0/8",)), MAX_BYTES)
    assert client.ask(f"http://shop.example:{server.port}/a").data == PICTURE
    client.close()
    assert resolved.count("shop.example") == 1, "what was checked is what is connected to"


def test_a_hint_names_the_hosts_with_inner_addresses_and_no_network_to_allow() -> None:
    failed = {
        ("inner.example:80", "not_allowed", "inner_address"): 2,
        ("far.example:80", "not_allowed", "host"): 1,
    }
    hint, _ = _summary("a-run", {"pictures_fetched": 0}, Fetched(failed=Counter(failed))).hints
    assert "redirect to such (inner_address): inner.example:80. If" in hint
    assert hint.endswith("--set 'fetch.networks=[NETWORK]'")


def test_a_name_without_an_address_and_a_closed_port_are_no_errors(server: WebServer) -> None:
    client = Client(FetchSettings(hosts=("none.invalid",), retries=0), MAX_BYTES)
    assert client.ask("http://none.invalid/a.jpg").problem == "name"
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    client = Client(FetchSettings(hosts=(f"127.0.0.1:{port}",), networks=("127.0.0.0/8",), retries=0), MAX_BYTES)
    assert client.ask(f"http://127.0.0.1:{port}/a.jpg").problem == "connection"
    client = Client(settings(server), MAX_BYTES)
    secure = FetchSettings(hosts=(server.host,), networks=("127.0.0.0/8",), retries=0)
    assert Client(secure, MAX_BYTES).ask(f"https://{server.host}/a.jpg").problem == "tls"


def fetched(limits: FetchSettings, uris: list[str], hosts: Hosts) -> dict[str, ImageStatus]:
    kept = fetch_all(
        uris,
        limits,
        hosts,
        lambda: Client(limits, MAX_BYTES),
        ask=lambda client, uri: client.ask(uri),
        keep=lambda uri, answer: (uri, answer.status),
    )
    return dict(kept)


def test_a_host_is_asked_for_a_few_pictures_at_a_time(server: WebServer) -> None:
    def slow(request: BaseHTTPRequestHandler) -> None:
        time.sleep(0.05)
        data(PICTURE)(request)

    server.routes = {f"/{n}": slow for n in range(20)}
    uris = [server.uri(path) for path in server.routes]
    limits = settings(server, parallel=16, parallel_per_host=3)
    assert set(fetched(limits, uris, Hosts()).values()) == {ImageStatus.OK}
    assert server.most == 3
    assert set(server.asked.values()) == {1}


def test_a_host_that_is_down_is_left_alone_and_the_others_are_not(server: WebServer) -> None:
    server.routes = {f"/{n}": status(503) for n in range(50)}
    hosts = Hosts()
    limits = settings(server, parallel_per_host=1)
    found = fetched(limits, [server.uri(path) for path in server.routes], hosts)
    assert len(found) == 5, "the others have no status and are asked the next time"
    assert hosts.down == [server.host]
    with web_server() as other:
        other.routes["/a"] = data(PICTURE)
        uris = [*(server.uri(path) for path in server.routes), other.uri("/a")]
        both = replace(limits, hosts=(server.host, other.host))
        assert fetched(both, uris, hosts) == {other.uri("/a"): ImageStatus.OK}


def test_an_error_while_keeping_a_picture_ends_the_run(server: WebServer) -> None:
    server.routes = {f"/{n}": data(PICTURE) for n in range(50)}

    def refuse(_: str, __: Answer) -> None:
        raise OSError("no space left")

    limits = settings(server)
    uris = [server.uri(path) for path in server.routes]
    with pytest.raises(OSError, match="no space left"):
        fetch_all(uris, limits, Hosts(), lambda: Client(limits, MAX_BYTES), ask=lambda c, uri: c.ask(uri), keep=refuse)
    assert server.asked.total() <= 2 * limits.parallel_per_host


def test_readers_find_what_has_been_fetched_and_ask_no_server(tmp_path: Path) -> None:
    folder = PictureFolder(str(tmp_path / "pictures"))
    prefixes = (f"fetched:{tmp_path}/pictures",)
    uris = [f"HTTPS://cdn.example.com/{name}.jpg" for name in ("ok", "gone", "later")]

    def read() -> list[tuple[bytes | None, str]]:
        return [(found, status.value) for found, status in (read_uri(uri, prefixes, MAX_BYTES) for uri in uris)]

    assert read() == [(None, "unreadable")] * 3, "the folder is not there, as if it were not mounted"
    folder.prepare()
    assert read() == [(None, "not_fetched")] * 3
    folder.mark(uris[0], ImageStatus.NOT_FOUND)
    folder.mark(uris[1], ImageStatus.NOT_FOUND)
    folder.keep(uris[0], PICTURE)
    assert read() == [(PICTURE, "ok"), (None, "not_found"), (None, "not_fetched")]
    assert (folder.read(uris[0]), folder.read(uris[1])) == (PICTURE, None)
    assert read_uri(uris[0], prefixes, 10)[1] == ImageStatus.TOO_LARGE
    assert read_uri(uris[0], ("fetched:",), MAX_BYTES)[1] == ImageStatus.NOT_FETCHED
    assert read_uri(uris[0], (str(tmp_path),), MAX_BYTES)[1] == ImageStatus.NOT_ALLOWED
    assert read_uri(fetched_name(uris[0]), prefixes, MAX_BYTES)[1] == ImageStatus.NOT_ALLOWED, "paths stay outside"


def test_a_folder_forgets_pictures_and_what_killed_runs_have_begun(tmp_path: Path) -> None:
    folder = PictureFolder(str(tmp_path))
    folder.prepare()
    folder.keep("http://a/1", PICTURE)
    folder.mark("http://a/2", ImageStatus.MISSING)
    names = sorted(fetched_name(uri)[3:] for uri in ("http://a/1", "http://a/2"))
    assert folder.names() == names
    for age, name in ((0, "now.new"), (90_000, "then.new")):
        (tmp_path / names[0][:2] / name).touch()
        os.utime(tmp_path / names[0][:2] / name, (time.time() - age,) * 2)
    folder.delete_abandoned(dt.datetime.now(dt.UTC))
    folder.delete(names)
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"README", "now.new"}


def test_a_folder_that_cannot_be_written_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match=r"cannot be kept in abfss://.*Set fetch.folder to"):
        PictureFolder("abfss://container@account/pictures")


def test_a_folder_that_cannot_be_made_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (f"{tmp_path}/file/pictures", f"file://{tmp_path}/file/pictures"):
        with pytest.raises(UsageError, match=r"cannot be kept in .*file/pictures: .*AWS_ENDPOINT_URL"):
            PictureFolder(folder).prepare()
    spaced = PictureFolder(f"{tmp_path}/a folder%20#1")
    spaced.prepare()
    spaced.keep("https://a.shop/1.jpg", b"picture")
    assert spaced.read("https://a.shop/1.jpg") == b"picture"
    assert (tmp_path / "a folder%20#1" / "README").exists()
