"""What the review page refuses, and the headers of every answer."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.reviewing.guard import CONTENT_POLICY, Guard, is_session, is_token, token_of

PORT = 8337


def ask(method: str, **headers: str) -> tuple[int, dict[str, str]]:
    """Status and headers of the answer to a request; the application behind answers 200."""
    sent: list[dict[str, Any]] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401, ARG001
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Any) -> None:  # noqa: ANN401
        sent.append(message)

    async def receive() -> Any:  # noqa: ANN401
        return {"type": "http.request", "body": b""}

    named = {"host": f"127.0.0.1:{PORT}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    raw = [(name.encode(), value.encode()) for name, value in named.items()]
    # Playwright keeps an event loop running in this process, in which `asyncio.run` is refused. Nothing waits here.
    answer = Guard(application, PORT)({"type": "http", "method": method, "headers": raw}, receive, send)
    with pytest.raises(StopIteration):
        answer.send(None)
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}


@pytest.mark.parametrize("host", ["evil.example", f"evil.example:{PORT}", "127.0.0.1", "127.0.0.1:80", "", "10.0.0.1"])
def test_a_page_that_reaches_this_machine_by_another_name_is_refused(host: str) -> None:
    assert ask("GET", host=host)[0] == 421


@pytest.mark.parametrize("host", [f"127.0.0.1:{PORT}", f"localhost:{PORT}"])
def test_the_own_names_are_answered(host: str) -> None:
    assert ask("GET", host=host)[0] == 200


def test_what_other_sites_send_is_refused() -> None:
    own = f"http://127.0.0.1:{PORT}"
    assert ask("POST", content_length="2", origin=own)[0] == 200
    assert ask("POST", content_length="2", sec_fetch_site="same-origin")[0] == 200
    assert ask("POST", content_length="2", origin="http://evil.example")[0] == 403
    assert ask("POST", content_length="2", origin="null")[0] == 403
    assert ask("POST", content_length="2", sec_fetch_site="cross-site")[0] == 403
    assert ask("POST", content_length="2", sec_fetch_site="same-site")[0] == 403


def test_long_bodies_and_those_of_unknown_length_are_refused() -> None:
    assert ask("POST", content_length="262144")[0] == 200
    assert ask("POST", content_length="262145")[0] == 413
    assert ask("POST")[0] == 411
    assert ask("POST", content_length="-1")[0] == 411


def test_every_answer_forbids_what_the_page_does_not_need() -> None:
    for _, headers in (ask("GET"), ask("GET", host="evil.example")):
        assert headers["content-security-policy"] == CONTENT_POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"
    assert "unsafe" not in CONTENT_POLICY
    assert CONTENT_POLICY.startswith("default-src 'none';")


def test_a_token_belongs_to_one_browser_and_one_store() -> None:
    token = token_of("a" * 24, "secret")
    assert is_token(token, "a" * 24, "secret")
    assert not is_token(token, "b" * 24, "secret")
    assert not is_token(token, "a" * 24, "another")
    assert not is_token("", "a" * 24, "secret")
    assert is_session("a" * 24)
    assert not is_session("short")
    assert not is_session("a" * 24 + "\n")
    assert not is_session(None)
