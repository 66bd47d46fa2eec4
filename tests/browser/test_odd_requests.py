"""What nobody should send: it is refused or ignored, nothing breaks, and no answer waits behind it for ever."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page

from tests.browser.test_keys import saved, stored
from tests.browser.test_views import problems
from tests.review_samples import Server

ODD = ("%00", "no-such-value", "%ED%A0%80", "%22", "NEAR%28", "-", "1e999", "%F0%9F%A6%84", "x" * 1500)
PLACE = {"window": "aaaaaaaa", "page": "aaaaaaaa"}


def test_odd_values_in_an_address_break_nothing(page: Page, server: Server) -> None:
    for name in ("reason", "category", "seller", "language", "search", "drawn", "days", "lang"):
        for value in ODD:
            for path in ("/", "/bulk", "/filters", "/lead", "/lead/history"):
                status = page.request.get(f"{server.address}{path}?{name}={value}").status
                assert status == 200 or (status == 422 and path == "/filters"), (path, name, value)
    for path in ("/static/..%2fsite.py", "/picture?listing=../../etc/passwd", "/nowhere", "/%ff"):
        assert page.request.get(server.address + path).status == 404, path
    page.goto(f"{server.address}/nowhere?lang=fr")
    assert page.inner_text("h2") == "Il n'y a rien à cette adresse."
    assert problems(page) == []
    page.click("main a")
    page.wait_for_selector("#stage article")
    page.goto(f"{server.address}/lead?days=none")
    assert page.url == f"{server.address}/lead"


@pytest.mark.usefixtures("server")
def test_odd_bodies_are_refused_without_a_trace(page: Page, server: Server) -> None:
    token = page.locator("meta[name=csrf-token]").get_attribute("content") or ""
    headers = {"x-csrf-token": token, "content-type": "application/json"}
    for path in ("/work", "/undo", "/previous", "/bulk", "/tiles", "/lead/settle", "/lead/reopen"):
        for body in ("", "{", "null", "[" * 9000, json.dumps({**PLACE, "undo": "\ud800"}), json.dumps({"page": 2**70})):
            answer = page.request.post(server.address + path, data=body.encode(), headers=headers)
            assert answer.status in (400, 422), (path, body[:40])
            assert "Traceback" not in answer.text()
    for before in (2**63, -1):
        text = json.dumps({**PLACE, "before": before})
        answer = page.request.post(f"{server.address}/previous", data=text, headers=headers)
        assert answer.status == 422


def test_half_a_character_in_a_note_and_long_notes_stop_no_answer(page: Page, server: Server) -> None:
    page.keyboard.press("n")
    page.evaluate("document.querySelector('#note-text').value = 'cut \\ud83e'")
    page.keyboard.press("Enter")
    page.context.set_offline(True)
    page.keyboard.press("a")
    for _ in range(9):
        page.keyboard.press("n")
        page.evaluate("document.querySelector('#note-text').value = '字'.repeat(9000)")
        page.keyboard.press("Enter")
        page.keyboard.press("a")
    page.context.set_offline(False)
    saved(page)
    assert [row[:2] for row in stored(server.folder)] == [(f"L{n:04d}", "accept") for n in range(10)]
