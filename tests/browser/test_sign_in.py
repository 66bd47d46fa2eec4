"""With users, the page asks who one is, and an expired session loses no answer."""

from __future__ import annotations

import sqlite3

import pytest
from playwright.sync_api import Browser, Page

from jobs.reviewing.users import Role, add_user
from tests.browser.conftest import opened
from tests.browser.test_keys import saved, stored
from tests.browser.test_views import problems
from tests.review_samples import Server

PASSWORD = "correct horse battery"  # noqa: S105


@pytest.fixture(autouse=True)
def _users(server: Server) -> None:
    add_user(server.folder, "ada", Role.LEAD, PASSWORD)
    add_user(server.folder, "bob", Role.REVIEWER, PASSWORD)


def fill_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.fill("#name", name)
    page.fill("#password", password)
    page.keyboard.press("Enter")


def test_the_right_password_opens_the_page_and_answers_carry_name_and_role(browser: Browser, server: Server) -> None:
    pages = opened(browser, f"{server.address}/?reason=wrong_category", wait_for="#name")
    page = next(pages)
    assert problems(page) == []
    fill_in(page, "ada", "wrong password")
    page.wait_for_selector("text=Name or password is wrong.")
    fill_in(page, "ada")
    page.wait_for_selector("#stage article")
    assert page.url == f"{server.address}/?reason=wrong_category"
    cookies = {each["name"]: each for each in page.context.cookies()}
    assert (cookies["review"]["httpOnly"], cookies["review"]["sameSite"]) == (True, "Strict")
    page.keyboard.press("a")
    saved(page)
    page.click("[data-sign-out]")
    page.wait_for_selector("#name")
    fill_in(page, "bob")
    page.wait_for_selector("#stage article")
    page.keyboard.press("s")
    saved(page)
    with sqlite3.connect(server.folder / "answers.sqlite") as answers:
        rows = answers.execute("SELECT listing_id, reviewer, reviewer_role FROM answers ORDER BY number").fetchall()
    assert [row[1:] for row in rows] == [("ada", "lead"), ("bob", "reviewer")]
    assert next(pages, None) is None


def test_an_expired_session_in_the_middle_of_an_answer_loses_nothing(browser: Browser, server: Server) -> None:
    pages = opened(browser, server.address, wait_for="#name")
    page = next(pages)
    fill_in(page, "ada")
    page.wait_for_selector("#stage article")
    page.keyboard.press("a")
    saved(page)
    with sqlite3.connect(server.folder / "answers.sqlite") as answers:
        answers.execute("DELETE FROM sessions")
    page.keyboard.press("s")
    page.wait_for_selector("#alarm:has-text('You are signed out')")
    assert len(stored(server.folder)) == 1
    page.on("dialog", lambda dialog: dialog.accept())
    page.click("#alarm a")
    # Answers of one person are not sent in the name of another.
    page.wait_for_selector("#name")
    fill_in(page, "bob")
    page.wait_for_selector("#stage article")
    saved(page)
    assert len(stored(server.folder)) == 1
    page.click("[data-sign-out]")
    page.wait_for_selector("#name")
    fill_in(page, "ada")
    page.wait_for_selector("#stage article")
    saved(page)
    assert [row[:2] for row in stored(server.folder)] == [("L0000", "accept"), ("L0001", "reject")]
    assert next(pages, None) is None


def test_nothing_is_shown_to_who_is_not_signed_in_and_no_address_leads_elsewhere(
    browser: Browser, server: Server
) -> None:
    pages = opened(browser, f"{server.address}/sign-in?next=//elsewhere.example/", wait_for="#name")
    page = next(pages)
    for path in ("/picture?listing=L0000", "/categories?q=", "/filters", "/progress?window=aaaaaaaa&page=aaaaaaaa"):
        assert page.request.get(server.address + path).status == 401, path
    assert page.request.post(f"{server.address}/work", data={}).status == 401
    fill_in(page, "ada")
    page.wait_for_selector("#stage article")
    assert page.url == f"{server.address}/"
    assert next(pages, None) is None
