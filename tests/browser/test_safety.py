"""No answer is lost and none counts twice: killed servers, lost connections, other windows, and changed listings."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.browser.conftest import WAIT, opened
from tests.browser.test_keys import listing, lose_the_answer, saved, stored
from tests.review_samples import SOURCE, Server, category_item, running_server, write_store


def test_answers_given_while_the_server_is_down_are_stored_when_it_is_back(page: Page, server: Server) -> None:
    page.keyboard.press("a")
    saved(page)
    server.kill()
    for key in "a2s":
        page.keyboard.press(key)
    # The first attempt to send may end before the third key; the next one counts anew.
    page.wait_for_selector("#alarm:has-text('3 answers are kept in this browser')")
    assert listing(page) == "L0004", "the listings that were loaded ahead can still be answered"
    server.start()
    saved(page)
    assert [row[:2] for row in stored(server.folder)] == [
        ("L0000", "accept"),
        ("L0001", "accept"),
        ("L0002", "set_category"),
        ("L0003", "reject"),
    ]
    page.wait_for_selector("#alarm", state="hidden")
    page.keyboard.press("a")
    saved(page)
    assert len(stored(server.folder)) == 5


def test_a_lost_connection_and_a_closed_page_lose_no_answer(page: Page, server: Server) -> None:
    page.context.set_offline(True)
    page.keyboard.press("a")
    page.keyboard.press("s")
    page.wait_for_selector("#alarm:not([hidden])")
    page.keyboard.press("u")
    assert stored(server.folder) == []
    page.on("dialog", lambda dialog: dialog.accept())  # the browser asks whether to leave with unsent answers
    page.goto("about:blank")
    page.context.set_offline(False)
    page.goto(server.address)
    page.wait_for_selector("#stage article")
    saved(page)
    assert [row[:2] for row in stored(server.folder)] == [("L0000", "accept"), ("L0001", "reject")]


def test_an_answer_that_is_sent_twice_counts_once(page: Page, server: Server) -> None:
    page.route("**/work", lose_the_answer)
    page.keyboard.press("a")
    page.wait_for_selector("#alarm:not([hidden])")
    assert stored(server.folder) == [("L0000", "accept", "boots")], "the first time"
    page.unroute("**/work")
    saved(page)
    assert stored(server.folder) == [("L0000", "accept", "boots")]


def test_two_windows_get_different_listings(browser: Browser, page: Page, server: Server) -> None:
    others = opened(browser, server.address)
    other = next(others)
    for _ in range(15):
        page.keyboard.press("a")
        other.keyboard.press("s")
    # Keys that are pressed before their listing has come are answers only when it has.
    for _ in range(WAIT // 50):
        if len(stored(server.folder)) == 30:
            break
        page.wait_for_timeout(50)
    saved(page)
    saved(other)
    rows = stored(server.folder)
    assert len(rows) == 30
    assert len({listing_id for listing_id, *_ in rows}) == 30
    # An undo is about what was answered in the same window.
    page.keyboard.press("u")
    page.wait_for_selector("#status:has-text('Taken back')")
    assert sum(decision == "accept" for _, decision, _ in stored(server.folder)) == 14
    assert next(others, None) is None


def test_a_listing_that_has_changed_is_shown_again_and_says_what_has_changed(page: Page, server: Server) -> None:
    changed = category_item(0, content_hash="content-0b", title="Listing 0, new text", price=5.0)
    night = replace(SOURCE, run_id="nightly-2026-11-11-b02b69", run_date="2026-11-11")
    write_store(server.folder, [changed, *(category_item(n) for n in range(1, 60))], night)
    page.keyboard.press("a")
    page.wait_for_selector("#stage .notice, #ahead .notice", state="attached")
    page.keyboard.press("a")  # the listing that was on the screen, which has not changed
    page.wait_for_selector("#stage .notice")
    assert "Changed since you saw it: title and price" in page.inner_text("#stage .notice")
    saved(page)
    assert stored(server.folder) == [("L0001", "accept", "boots")]
    page.keyboard.press("s")
    page.wait_for_selector('#stage article[data-listing="L0002"]')
    saved(page)
    assert stored(server.folder)[1:] == [("L0000", "reject", "sandals")]
    with sqlite3.connect(server.folder / "answers.sqlite") as answers:
        row = answers.execute("SELECT content_hash, run_id FROM answers WHERE listing_id = 'L0000'").fetchone()
    assert row == ("content-0b", night.run_id)


def test_undo_after_the_answer_was_taken_adds_a_reopen(page: Page, server: Server) -> None:
    page.keyboard.press("a")
    saved(page)
    with sqlite3.connect(server.folder / "answers.sqlite") as answers:
        answers.execute("UPDATE answers SET taken = 1, written = 1")
    page.keyboard.press("u")
    page.wait_for_selector('#stage article[data-listing="L0000"]')
    with sqlite3.connect(server.folder / "answers.sqlite") as answers:
        rows = answers.execute("SELECT listing_id, content_hash, decision, undone, written FROM answers").fetchall()
    assert rows == [("L0000", "content-0", "accept", 1, 1), ("L0000", "content-0", "reopen", 0, 0)]


def test_an_undo_whose_answer_is_lost_takes_back_one_answer_however_often_it_is_pressed(
    page: Page, server: Server
) -> None:
    for key in "aas":
        page.keyboard.press(key)
    saved(page)
    page.route("**/undo", lose_the_answer)
    page.keyboard.press("u")
    page.wait_for_selector("#alarm:has-text('The server did not answer')")
    page.unroute("**/undo")
    page.keyboard.press("u")
    page.wait_for_selector("#status:has-text('Taken back')")
    assert [row[:2] for row in stored(server.folder)] == [("L0000", "accept"), ("L0001", "accept")]


def test_a_store_that_cannot_be_written_keeps_the_answers_in_the_browser(page: Page, server: Server) -> None:
    with sqlite3.connect(server.folder / "answers.sqlite", isolation_level=None) as answers:
        answers.execute("CREATE TRIGGER full BEFORE INSERT ON answers BEGIN SELECT RAISE(ABORT, 'disk is full'); END")
        page.keyboard.press("a")
        page.wait_for_selector("#alarm:not([hidden])")
        assert "cannot store answers now (disk is full)" in page.inner_text("#alarm")
        answers.execute("DROP TRIGGER full")
    saved(page)
    assert stored(Path(server.folder)) == [("L0000", "accept", "boots")]


def test_answers_for_another_store_at_the_same_address_are_kept_for_it(page: Page, server: Server) -> None:
    page.evaluate("localStorage.setItem('review-answer:another-store:1:x', '{\"showing\": \"x\"}')")
    page.reload()
    page.wait_for_selector("#stage article")
    page.keyboard.press("a")
    saved(page)
    assert page.evaluate("localStorage.getItem('review-answer:another-store:1:x')") is not None
    assert len(stored(server.folder)) == 1


def test_an_answer_that_the_browser_cannot_keep_is_not_taken_for_given(page: Page, server: Server) -> None:
    page.evaluate(
        "() => { Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); }; }"
    )
    page.keyboard.press("a")
    page.wait_for_selector("#alarm:has-text('cannot keep answers')")
    assert listing(page) == "L0000"
    assert stored(server.folder) == []


def test_the_first_export_appears_by_itself(browser: Browser, tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        pages = opened(browser, server.address, wait_for="#stage h2")
        page = next(pages)
        assert "The first export is being made" in page.inner_text("#stage")
        write_store(tmp_path, [category_item(0)])
        page.wait_for_selector('#stage article[data-listing="L0000"]')
        assert next(pages, None) is None
