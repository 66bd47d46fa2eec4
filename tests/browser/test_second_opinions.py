"""Two people who are signed in answer the same drawn question; the page does not tell the second one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from jobs.reviewing.users import Role, add_user
from tests.browser.conftest import opened
from tests.browser.test_keys import saved
from tests.browser.test_sign_in import PASSWORD, fill_in
from tests.review_samples import Server, category_item, running_server, write_store


@pytest.fixture
def drawing(tmp_path: Path) -> Iterator[Server]:
    """A server that draws every question, with two users."""
    write_store(tmp_path, [category_item(n) for n in range(3)])
    add_user(tmp_path, "ada", Role.REVIEWER, PASSWORD)
    add_user(tmp_path, "bob", Role.REVIEWER, PASSWORD)
    with running_server(tmp_path, second_share=1.0) as started:
        yield started


def signed_in(browser: Browser, server: Server, name: str) -> Iterator[Page]:
    pages = opened(browser, server.address, wait_for="#name")
    page = next(pages)
    fill_in(page, name)
    page.wait_for_selector("#stage article, #stage .empty h2")
    yield page
    assert next(pages, None) is None


def test_two_people_answer_a_drawn_question_and_see_the_same(browser: Browser, drawing: Server) -> None:
    texts = {}
    for name, keys in (("ada", "asa"), ("bob", "aaa")):
        pages = signed_in(browser, drawing, name)
        page = next(pages)
        assert page.locator("#stage article").get_attribute("data-listing") == "L0000"
        texts[name] = page.inner_text("#stage")
        page.wait_for_selector("text=3 left")
        for key in keys:
            page.keyboard.press(key)
        page.wait_for_selector("#stage .empty h2")
        saved(page)
        page.wait_for_selector("text=0 left")
        page.goto("about:blank")
        assert next(pages, None) is None
    assert texts["ada"] == texts["bob"]
    query = "SELECT listing_id, reviewer, purpose, decision FROM answers ORDER BY number"
    with sqlite3.connect(drawing.folder / "answers.sqlite") as answers:
        found = answers.execute(query).fetchall()
    assert found == [
        *((f"L{n:04d}", "ada", "work", decision) for n, decision in enumerate(("accept", "reject", "accept"))),
        *((f"L{n:04d}", "bob", "second", "accept") for n in range(3)),
    ]
