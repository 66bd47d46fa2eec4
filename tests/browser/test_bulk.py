"""All that a filter finds is decided at once, not the visible part alone."""

from __future__ import annotations

import sqlite3

from playwright.sync_api import Browser, Page

from tests.browser.conftest import opened
from tests.browser.test_keys import saved, stored
from tests.browser.test_views import problems
from tests.review_samples import Server

FILTER = "seller=S0007&reason=wrong_category"


def test_one_answer_goes_to_all_that_a_filter_finds_and_one_undo_takes_it_back(
    browser: Browser, server: Server
) -> None:
    pages = opened(browser, f"{server.address}/?{FILTER}")
    page = next(pages)
    page.click(".filters summary")
    page.click("text=All at once")
    page.wait_for_selector("text=First answer 5 one by one")
    assert problems(page) == []
    page.click("text=First answer 5 one by one")
    page.wait_for_selector("#stage article")
    for key in "aaaas":
        page.keyboard.press(key)
    saved(page)
    singly = stored(server.folder)
    assert [listing for listing, *_ in singly] != [f"L{n:04d}" for n in range(5)], "they are drawn at random"
    page.goto(f"{server.address}/bulk?{FILTER}")
    assert "55 open" in page.inner_text("header")
    assert "of 5 answered one by one, the suggestion was right for 4" in page.inner_text("main")
    page.keyboard.press("a")
    assert page.inner_text("#confirm-text") == "Decide 55 at once: the suggestion is right?"
    assert problems(page) == []
    page.keyboard.press("Enter")
    page.wait_for_selector("#status:has-text('55 saved')")
    assert {row[1:] for row in stored(server.folder)[5:]} == {("accept", "boots")}
    with sqlite3.connect(server.folder / "answers.sqlite") as answers:
        batches = answers.execute("SELECT count(*), count(DISTINCT batch_id) FROM answers WHERE batch_id IS NOT NULL")
        assert batches.fetchone() == (55, 1)
    with page.expect_navigation():
        page.keyboard.press("u")
    assert "55 open" in page.inner_text("header")
    assert stored(server.folder) == singly
    assert next(pages, None) is None


def test_what_has_changed_meanwhile_is_not_decided(browser: Browser, server: Server, page: Page) -> None:
    for key in "aaaaa":
        page.keyboard.press(key)
    saved(page)
    page.goto("about:blank")
    pages = opened(browser, f"{server.address}/bulk?{FILTER}", wait_for="[data-decide]")
    bulk = next(pages)
    page.goto(server.address)
    page.wait_for_selector("#stage article")
    page.keyboard.press("a")
    saved(page)
    bulk.keyboard.press("s")
    bulk.keyboard.press("Enter")
    bulk.wait_for_selector("#alarm:has-text('has changed')")
    assert len(stored(server.folder)) == 6
    bulk.goto(f"{server.address}/bulk?seller=S0007")
    assert "Choose a reason" in bulk.inner_text("main")
    assert next(pages, None) is None
