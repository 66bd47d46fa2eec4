"""The review page behind a reverse proxy: which requests it takes, and whose they are."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple
from urllib.error import HTTPError

import pytest

from conf.review_settings import ProxySettings
from jobs.reviewing.proxy import Proxy, read_proxy
from jobs.reviewing.users import Role, User, add_user
from schemas.errors import UsageError
from tests.review_samples import Server, category_item, running_server, write_store

SECRET = "0123456789" * 4
HOST = "review.example.com"
PROXY = Proxy(f"https://{HOST}", "x-user", SECRET)


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    return file


class Told(NamedTuple):
    """An answer of the page."""

    status: int
    cookies: str
    text: str


def test_settings_that_would_let_anybody_in_are_refused(secret_file: Path, tmp_path: Path) -> None:
    assert read_proxy(ProxySettings()) is None
    named = ProxySettings(f"https://{HOST.upper()}/", "X-User", str(secret_file))
    assert read_proxy(named) == PROXY
    assert read_proxy(ProxySettings(f"https://{HOST}:8443")) == Proxy(f"https://{HOST}:8443")
    short = tmp_path / "short"
    short.write_text("secret")
    for settings, problem in (
        (ProxySettings(f"http://{HOST}"), r"address is http://\S+: it must be https://"),
        (ProxySettings(f"https://{HOST}/review"), "it must be https:// with a host"),
        (ProxySettings(f"https://user@{HOST}"), "it must be https:// with a host"),
        (ProxySettings(f"https://{HOST}", "X-User"), "belong together"),
        (ProxySettings(f"https://{HOST}", None, str(secret_file)), "belong together"),
        (ProxySettings(None, "X-User", str(secret_file)), "user_header needs review.proxy.address"),
        (ProxySettings(f"https://{HOST}", "X-User", str(short)), "has 6 characters, but it needs at least 32"),
        (ProxySettings(f"https://{HOST}", "X-User", str(tmp_path / "none")), "cannot be read"),
    ):
        with pytest.raises(UsageError, match=problem):
            read_proxy(settings)


def test_only_the_proxy_can_say_who_asks() -> None:
    users = {"ada": User("ada", "lead", "hash")}
    assert PROXY.user([SECRET], ["ada"], users) == User("ada", "lead")
    assert PROXY.user([SECRET], ["bob@example.com"], users) == User("bob@example.com", "reviewer")
    for secrets, names in (
        ([], ["ada"]), (["wrong"], ["ada"]), ([SECRET, SECRET], ["ada"]), (["\u00e9"], ["ada"]),
        ([SECRET], []), ([SECRET], ["ada", "bob"]), ([SECRET], [""]), ([SECRET], ["a b"]),
    ):  # fmt: skip
        assert PROXY.user(secrets, names, users) is None


_Body = Mapping[str, object] | None


def ask(server: Server, path: str = "/", body: _Body = None, headers: Mapping[str, str] = MappingProxyType({})) -> Told:
    """Ask as a proxy passes a request on."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{server.address}{path}", data, {"host": HOST, **headers})  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - loopback
            cookies = "; ".join(answer.headers.get_all("set-cookie") or ())
            return Told(answer.status, cookies, answer.read().decode())
    except HTTPError as error:
        return Told(error.code, "", error.read().decode())


@pytest.fixture
def store(tmp_path: Path) -> Path:
    write_store(tmp_path / "store", [category_item(n) for n in range(3)])
    return tmp_path / "store"


@pytest.fixture
def named(store: Path, secret_file: Path) -> Iterator[Server]:
    """A page whose proxy names the users."""
    add_user(store, "ada", Role.LEAD, "correct horse battery")
    with running_server(store, address=PROXY.address, user_header="X-User", secret_file=str(secret_file)) as server:
        yield server


def test_a_proxy_s_users_need_no_password_and_answer_under_their_names(named: Server) -> None:
    bob = {"x-review-secret": SECRET, "x-user": "bob"}
    page = ask(named, headers=bob)
    assert (page.status, "data-sign-out" in page.text, "Leads" in page.text) == (200, False, False)
    assert re.search(r"review=\S+; HttpOnly; Path=/; SameSite=strict; Secure", page.cookies), page.cookies
    assert "Leads" in ask(named, headers={**bob, "x-user": "ada"}).text
    [token] = re.findall(r'csrf-token" content="(\w+)"', page.text)
    [session] = re.findall(r"review=([^;]+)", page.cookies)
    own = {**bob, "x-csrf-token": token, "cookie": f"review={session}", "content-type": "application/json"}
    place = {"window": "window-of-bob", "page": "page-of-bob"}
    questions = json.loads(ask(named, "/work", place, {**own, "origin": PROXY.address}).text)["questions"]
    [showing] = re.findall('data-showing="([^"]+)"', questions[0])
    body = {**place, "answers": [{"showing": showing, "decision": "accept"}]}
    outcomes = json.loads(ask(named, "/work", body, {**own, "origin": PROXY.address}).text)["outcomes"]
    assert [each["state"] for each in outcomes] == ["stored"]
    assert ask(named, "/work", place, {**own, "origin": "https://evil.example"}).status == 403
    log = (named.folder / "access.log").read_text()
    assert {json.loads(line)["user"] for line in log.splitlines()} == {"bob"}


def test_without_the_secret_nobody_is_anybody(named: Server) -> None:
    assert ask(named, headers={"x-user": "ada"}).status == 403
    assert ask(named, headers={"x-user": "ada", "x-review-secret": SECRET[:-1]}).status == 403
    assert ask(named, headers={"x-user": "ada", "host": f"127.0.0.1:{named.port}"}).status == 403
    assert ask(named, headers={"x-user": "ada", "x-review-secret": SECRET, "host": "evil.example"}).status == 421


def test_a_proxy_that_names_nobody_brings_people_to_the_form(store: Path) -> None:
    with running_server(store, address=PROXY.address) as server:
        here = {"host": f"127.0.0.1:{server.port}"}
        assert ask(server).status == 403, "nobody from elsewhere is the local reviewer"
        assert ask(server, headers=here).status == 200
        add_user(store, "ada", Role.LEAD, "correct horse battery")
        form = ask(server)
        assert (form.status, 'id="password"' in form.text, "Secure" in form.cookies) == (200, True, True)
        assert "Secure" not in ask(server, headers=here).cookies
