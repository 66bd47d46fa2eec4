"""Alike cases are decided at once, after some of them were answered one by one, and taken back at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from playwright.sync_api import Browser, Page

from tests.browser.conftest import opened
from tests.browser.test_keys import lose_the_answer, saved, stored
from tests.browser.test_views import problems
from tests.review_samples import Server

GROUP = "seller=S0007&category=sandals&suggested=boots"
IDLE = "main[aria-busy=false]"
"""Keys do nothing while a wall is being brought up to date."""


def answered_singly(browser: Browser, server: Server) -> Iterator[Page]:
    """The page of a group, five cases of which have been answered one by one."""
    pages = opened(browser, f"{server.address}/groups", wait_for="h1")
    page = next(pages)
    assert "62 open" in page.inner_text(".groups")
    assert "the model is 81" in page.inner_text(".groups")
    page.click("text=First answer 5 one by one")
    page.wait_for_selector("#stage article")
    for key in "aaaas":
        page.keyboard.press(key)
    saved(page)
    page.goto(f"{server.address}/groups")
    assert "of 5 answered one by one, the suggestion was right for 4" in page.inner_text(".groups")
    page.click("text=Decide the rest at once")
    page.wait_for_selector(f"{IDLE} .tile")
    yield page
    assert next(pages, None) is None


def test_a_group_is_decided_at_once_without_those_taken_out_and_taken_back_at_once(
    browser: Browser, server: Server
) -> None:
    pages = answered_singly(browser, server)
    page = next(pages)
    singly = stored(server.folder)
    assert [listing for listing, *_ in singly] != [f"L{n:04d}" for n in range(5)], "they are drawn at random"
    assert page.locator(".tile").count() == 57
    out = [page.locator(".tile").nth(n).get_attribute("data-listing") for n in (0, 2)]
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.keyboard.press("a")
    assert page.inner_text("#confirm-text") == "Decide 55 listings at once: the suggestion is right?"
    assert problems(page) == []
    page.keyboard.press("Enter")
    page.wait_for_selector("#status:has-text('55 saved')")
    assert sorted(page.locator(".tile").evaluate_all("all => all.map((each) => each.dataset.listing)")) == sorted(
        str(each) for each in out
    )
    rows = stored(server.folder)
    assert len(rows) == 60
    assert {row[1:] for row in rows[5:]} == {("accept", "boots")}
    page.wait_for_selector(IDLE)
    with sqlite3.connect(server.folder / "answers.sqlite") as answers:
        batches = answers.execute("SELECT count(*), count(DISTINCT batch_id) FROM answers WHERE batch_id IS NOT NULL")
        assert batches.fetchone() == (55, 1)
        answers.execute("UPDATE answers SET taken = 1 WHERE number = 10")
    page.keyboard.press("u")
    page.wait_for_selector("#status:has-text('taken back')")
    assert stored(server.folder)[:5] == singly
    assert [row[1] for row in stored(server.folder)[5:]] == ["reopen"], "one of them was on its way to the table"
    page.wait_for_selector("li:nth-child(57) .tile")
    assert next(pages, None) is None


def test_a_lost_connection_leaves_the_choice_and_nothing_counts_twice(browser: Browser, server: Server) -> None:
    pages = answered_singly(browser, server)
    page = next(pages)
    page.context.set_offline(True)
    page.keyboard.press("s")
    page.keyboard.press("Enter")
    page.wait_for_selector("#alarm:has-text('The server did not answer')")
    assert page.locator(".tile").count() == 57
    assert len(stored(server.folder)) == 5
    page.context.set_offline(False)
    page.route("**/work", lose_the_answer)
    page.wait_for_selector(IDLE)
    page.evaluate("document.querySelector('#alarm').textContent = ''")
    page.keyboard.press("s")
    page.keyboard.press("Enter")
    page.wait_for_selector("#alarm:has-text('The server did not answer')")
    page.unroute("**/work")
    page.wait_for_selector(IDLE)
    page.keyboard.press("s")
    page.keyboard.press("Enter")
    page.wait_for_selector("#status:has-text('57 saved')")
    page.wait_for_selector("#wall-empty", state="visible")
    assert len({listing for listing, *_ in stored(server.folder)}) == len(stored(server.folder)) == 62
    assert next(pages, None) is None


def decide_all_but_one(page: Page) -> None:
    page.keyboard.press("Space")
    page.keyboard.press("s")
    page.keyboard.press("Enter")
    page.wait_for_selector("#status:has-text('56 saved')")
    page.wait_for_selector(IDLE)


def undo_without_an_answer(page: Page) -> None:
    page.route("**/undo", lose_the_answer)
    page.keyboard.press("u")
    page.wait_for_selector("#alarm:has-text('The server did not answer')")
    page.unroute("**/undo")
    page.wait_for_selector(IDLE)


def test_an_undo_that_is_repeated_because_its_answer_was_lost_takes_back_no_more(
    browser: Browser, server: Server
) -> None:
    pages = answered_singly(browser, server)
    page = next(pages)
    decide_all_but_one(page)
    undo_without_an_answer(page)
    assert len(stored(server.folder)) == 5
    page.keyboard.press("u")
    page.wait_for_selector("#status:has-text('taken back')")
    page.wait_for_selector(IDLE)
    assert len(stored(server.folder)) == 5

    decide_all_but_one(page)
    undo_without_an_answer(page)
    page.keyboard.press("s")
    page.keyboard.press("Enter")
    page.wait_for_selector("#status:has-text('1 saved')")
    page.wait_for_selector(IDLE)
    assert len(stored(server.folder)) == 6
    page.keyboard.press("u")
    page.wait_for_selector("#status:has-text('taken back')")
    assert len(stored(server.folder)) == 5, "the answer that was given since"
    assert next(pages, None) is None


def test_what_was_saved_is_said_to_be_saved_where_the_page_cannot_be_brought_up_to_date(
    browser: Browser, server: Server
) -> None:
    pages = answered_singly(browser, server)
    page = next(pages)
    out = page.locator(".tile").nth(0).get_attribute("data-listing")
    page.route("**/tiles", lambda route: route.abort())
    page.keyboard.press("Space")
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    page.wait_for_selector("#alarm:has-text('could not be brought up to date')")
    assert page.inner_text("#status") == "56 saved"
    assert page.locator(".tile").evaluate_all("all => all.map((each) => each.dataset.listing)") == [out]
    assert len(stored(server.folder)) == 61
    assert next(pages, None) is None


def test_a_group_without_answered_cases_has_no_wall_and_its_pages_are_accessible(
    browser: Browser, server: Server
) -> None:
    for scheme in ("light", "dark"):
        pages = opened(browser, f"{server.address}/wall?{GROUP}", wait_for="h1", color_scheme=scheme)
        page = next(pages)
        assert page.url == f"{server.address}/groups"
        assert problems(page) == []
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert next(pages, None) is None
    pages = answered_singly(browser, server)
    page = next(pages)
    assert problems(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert next(pages, None) is None
