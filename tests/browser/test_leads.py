"""The leads' view in a browser: who may see it, one key for each disagreement, and opening a listing again."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from jobs.reviewing.answering import Answer, store_answers
from jobs.reviewing.database import Store
from jobs.reviewing.opinions import Shares
from jobs.reviewing.showing import Filters, Reviewer, show_next
from jobs.reviewing.users import Role, add_user
from tests.browser.conftest import opened
from tests.browser.test_sign_in import PASSWORD, fill_in
from tests.browser.test_views import problems
from tests.review_samples import Server, category_item, other_items, running_server, write_store

HOSTILE = "<img src=x onerror=\"document.title = 'attacked'\">"


def answer_all(
    folder: Path, name: str, differing: frozenset[str], note: str = HOSTILE, minutes_ago: float = 60.0
) -> None:
    """A reviewer answers everything, one listing every 20 seconds; some of it otherwise, with a note."""
    store = Store(folder)
    now = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=minutes_ago)
    who = Reviewer(f"window-{name}", f"page-{name}", name, "reviewer")
    for n, asked in enumerate(show_next(store, who, Filters(), [], 100, now)):
        is_other = asked.view["listing_id"] in differing
        given = Answer(asked.showing_id, "reject" if is_other else "accept", note=note if is_other else None)
        store_answers(store, who, [given], now + dt.timedelta(seconds=20 * n), Shares(1.0))
    with store.writing() as connection:
        connection.execute("DELETE FROM claims")
    store.close()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Server]:
    """Two reviewers have answered 45 questions and differ about five of them; there is a lead."""
    others = [item for item in other_items() if item.listing_id in ("L0902", "L0904", "L0905")]
    write_store(tmp_path, [*(category_item(n) for n in range(42)), *others])
    for name, role in (("ada", Role.REVIEWER), ("bob", Role.REVIEWER), ("lea", Role.LEAD)):
        add_user(tmp_path, name, role, PASSWORD)
    answer_all(tmp_path, "ada", frozenset())
    answer_all(tmp_path, "bob", frozenset({"L0003", "L0005", "L0009", "L0902", "L0904"}))
    with running_server(tmp_path, second_share=1.0) as started:
        yield started


def lead_page(browser: Browser, office: Server, path: str, ready: str, **options: object) -> Iterator[Page]:
    pages = opened(browser, office.address + path, wait_for="#name", **options)
    page = next(pages)
    fill_in(page, "lea")
    page.wait_for_selector(ready)
    yield page
    assert next(pages, None) is None


def settled(server: Server) -> list[tuple[str, str, str, str]]:
    query = "SELECT listing_id, decision, reviewer_role, purpose FROM answers WHERE reviewer = 'lea' AND undone = 0"
    with sqlite3.connect(server.folder / "answers.sqlite") as answers:
        return answers.execute(query).fetchall()


def choose(page: Page, name: str) -> str:
    """The key of an answer."""
    labels = page.locator("#stage [data-choose]").evaluate_all("all => all.map((each) => each.dataset.label)")
    return str(labels.index(name) + 1)


def test_one_key_settles_a_disagreement_and_the_next_one_is_there(browser: Browser, office: Server) -> None:
    pages = lead_page(browser, office, "/lead", "text=Settle 5")
    page = next(pages)
    page.click("text=Settle 5")
    page.wait_for_selector('#stage article[data-listing="L0003"]')
    assert page.inner_text("#left") == "5 to settle"
    assert HOSTILE in page.inner_text("#stage")
    page.keyboard.press(choose(page, "Sandals"))
    page.wait_for_selector('#stage article[data-listing="L0005"]')
    page.keyboard.press("u")
    page.wait_for_selector('#stage article[data-listing="L0003"]')
    page.wait_for_selector("#status:has-text('taken back')")
    for key in "fhat":  # The search takes letters that are pressed before it is there.
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    page.wait_for_selector('#stage article[data-listing="L0005"]')
    page.wait_for_selector("#status:has-text('Hats')")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector('#stage article[data-listing="L0009"]')
    page.keyboard.press("o")
    page.wait_for_selector('#stage article[data-listing="L0902"]')
    assert page.inner_text("#stage h3") == "Is the price right?"
    page.keyboard.press(choose(page, "No, the price is wrong"))
    page.wait_for_selector('#stage article[data-listing="L0904"] .older img')
    assert problems(page) == []
    page.keyboard.press(choose(page, "Yes, the same product"))
    page.wait_for_selector('#stage article[data-listing="L0005"]')
    page.keyboard.press(choose(page, "Sandals"))
    page.wait_for_selector("#stage .empty:has-text('nothing to settle')")
    assert settled(office) == [
        ("L0003", "set_category", "lead", "work"),
        ("L0902", "accept", "lead", "work"),
        ("L0904", "accept", "lead", "work"),
        ("L0005", "reject", "lead", "work"),
    ]
    with sqlite3.connect(office.folder / "answers.sqlite") as answers:
        query = "SELECT count(*), count(undone_by) FROM answers WHERE listing_id = 'L0009' AND undone = 1"
        assert answers.execute(query).fetchone() == (2, 2)
    assert page.title() != "attacked"
    assert next(pages, None) is None


def test_who_was_signed_out_finds_the_way_back(browser: Browser, office: Server) -> None:
    pages = lead_page(browser, office, "/lead/settle", "#stage article")
    page = next(pages)
    with sqlite3.connect(office.folder / "answers.sqlite") as answers:
        answers.execute("DELETE FROM sessions")
    page.keyboard.press("1")
    page.click("#alarm a")
    fill_in(page, "lea")
    page.wait_for_selector('#stage article[data-listing="L0003"]')
    assert page.url == f"{office.address}/lead/settle"
    assert settled(office) == []
    assert next(pages, None) is None


def test_keys_that_are_pressed_fast_settle_one_each_in_order(browser: Browser, office: Server) -> None:
    pages = lead_page(browser, office, "/lead/settle", "#stage article")
    page = next(pages)
    for _ in range(8):
        page.keyboard.press("1")
    page.wait_for_selector("#stage .empty:has-text('nothing to settle')")
    assert [row[0] for row in settled(office)] == ["L0003", "L0005", "L0009", "L0902", "L0904"]
    assert next(pages, None) is None


def test_only_leads_see_it(browser: Browser, office: Server) -> None:
    pages = opened(browser, f"{office.address}/lead", wait_for="#name")
    page = next(pages)
    fill_in(page, "ada")
    page.wait_for_selector("text=This page is for leads and admins.")
    exports = [f"/lead/export/{name}.csv" for name in ("work", "agreement", "answers")]
    for path in ("/lead", "/lead/settle", "/lead/history?listing=L0003", *exports):
        assert page.request.get(office.address + path).status == 403, path
    page.goto(office.address)
    page.wait_for_selector("#stage .empty h2")
    assert page.locator('a[href="/lead"]').count() == 0
    token = page.locator("meta[name=csrf-token]").get_attribute("content") or ""
    place = {"window": "aaaaaaaa", "page": "aaaaaaaa"}
    bodies: dict[str, dict[str, object]] = {
        "disputes": {}, "settle": {"showing": "aaaaaaaa", "chosen": 1}, "reopen": {"listing": "L0003", "judged": "x"},
        "leave": {"listing": "L0003", "judged": "x", "reviewer": "ada"}, "free": {"reviewer": "bob"},
    }  # fmt: skip
    for name, body in bodies.items():
        headers = {"x-csrf-token": token}
        answer = page.request.post(f"{office.address}/lead/{name}", data={**place, **body}, headers=headers)
        assert answer.status == 403, name
    log = (office.folder / "access.log").read_text(encoding="utf-8")
    assert log.count("refused leads' pages") == 12
    assert next(pages, None) is None


def test_figures_are_told_by_reviewer(browser: Browser, office: Server) -> None:
    pages = lead_page(browser, office, "/lead", "text=Settle 5")
    page = next(pages)
    work, agreement = (page.locator("table").nth(n).inner_text() for n in (0, 1))
    assert "ada\t45\t0\t180\t0\u202f%\t0\u202f%" in work
    assert "All together\t42\t92.9\u202f%\tone always said the same" in agreement
    page.click("text=7 days")
    page.wait_for_selector('[aria-current="true"]:has-text("7 days")')
    with page.expect_download() as downloaded:
        page.click("text=All answers as CSV")
    assert downloaded.value.suggested_filename.startswith("review-answers-")
    assert downloaded.value.path().read_text(encoding="utf-8").count("second,") == 45
    assert "exported answers" in (office.folder / "access.log").read_text(encoding="utf-8")
    assert next(pages, None) is None


def test_a_listing_is_found_and_opened_again(browser: Browser, office: Server) -> None:
    pages = lead_page(browser, office, "/lead/history", "#listing")
    page = next(pages)
    page.keyboard.type("L0004")
    page.keyboard.press("Enter")
    page.wait_for_selector("table.history")
    told = page.inner_text("table.history")
    for part in ("ada", "bob", "second opinion", "Boots", "not yet"):
        assert part in told
    page.click("text=Open again")
    assert "Take back the answers that stand (2)" in page.inner_text("#confirm-text")
    assert problems(page) == []
    page.keyboard.press("Enter")
    page.wait_for_selector("tr.taken_back")
    assert "lea" in page.inner_text("tr.taken_back >> nth=0")
    assert page.locator("[data-open]").count() == 0
    page.goto(office.address)
    page.wait_for_selector('#stage article[data-listing="L0004"]')
    page.goto(f"{office.address}/lead/history?listing=L0004")
    page.select_option("select[name=reviewer]", "bob")
    assert problems(page) == []
    page.click("text=Leave it to this person")
    page.wait_for_selector("form.again:has-text('Left to this person: bob')")
    page.goto(office.address)
    page.wait_for_selector("#stage .empty h2")
    page.goto(f"{office.address}/lead")
    assert "bob\t0\t1" in page.inner_text("table >> nth=2")
    page.click("[data-free=bob]")
    page.wait_for_selector("[data-free=bob]", state="detached")
    page.goto(office.address)
    page.wait_for_selector('#stage article[data-listing="L0004"]')
    page.goto(f"{office.address}/lead/history?listing=nowhere")
    page.wait_for_selector("text=Nothing is known of such a listing here.")
    assert next(pages, None) is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_views_are_accessible_narrow_and_in_two_languages(browser: Browser, office: Server, scheme: str) -> None:
    views = {"/lead": "table", "/lead/settle": "#stage article", "/lead/history?listing=L0003": "table"}
    pages = lead_page(browser, office, "/lead", "table", color_scheme=scheme)
    page = next(pages)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        for path, ready in views.items():
            page.goto(office.address + path)
            page.wait_for_selector(ready)
            assert problems(page) == [], (path, width)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page.goto(f"{office.address}/lead?lang=fr")
    assert page.inner_text("h1") == "Responsables"
    assert next(pages, None) is None
