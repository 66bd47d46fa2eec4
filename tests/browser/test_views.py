"""Each question is shown as it should be, in a browser: escaped, accessible, narrow, dark and in two languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.conftest import opened
from tests.browser.test_keys import saved, stored
from tests.review_samples import Server, category_item, running_server, write_store

REASONS = ("wrong_category", "audit_sample", "price_outlier", "duplicate", "personal_data", "missing_category")
ATTACKS = (
    "<script>document.title = 'attacked'</script>",
    "<img src=x onerror=\"document.title = 'attacked'\">",
    '"><svg onload="document.title = \'attacked\'">',
    "</article></main><h1>attacked</h1>",
    "javascript:document.title='attacked'",
    "{{ 7 * 7 }} {% raw %} ${7 * 7}",
    "' onmouseover='document.title = 1",
    '<a href="https://elsewhere.example/">here</a>',
    "</script><!-- ",
    "\u202eattacked\u2066",
)


def problems(page: Page) -> list[str]:
    """What axe-core finds, as rule and place."""
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['html'][:120]}" for each in found for node in each["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_in_any_view(browser: Browser, server: Server, scheme: str) -> None:
    pages = opened(browser, f"{server.address}/?reason={REASONS[0]}", color_scheme=scheme)
    page = next(pages)
    # Axe is a script of the test's, which the page's policy would refuse as it should.
    page.wait_for_selector(".progress li")
    page.click(".filters summary")
    page.wait_for_selector(".filters option:nth-child(2)", state="attached")
    assert problems(page) == []
    for key, box in (("f", "#find"), ("n", "#note"), ("z", "#zoom"), ("?", "#help")):
        page.keyboard.press(key)
        page.wait_for_selector(f"{box}[open]")
        if key == "f":
            page.wait_for_selector("#found [data-category]")
        assert problems(page) == [], key
        page.keyboard.press("Escape")
    for reason in REASONS[1:]:
        page.goto(f"{server.address}/?reason={reason}")
        page.wait_for_selector("#stage article")
        assert problems(page) == [], reason
    assert next(pages, None) is None


def test_a_narrow_page_needs_no_sideways_scrolling_and_can_be_touched(browser: Browser, server: Server) -> None:
    pages = opened(browser, server.address, viewport={"width": 390, "height": 844}, has_touch=True)
    page = next(pages)
    for reason in REASONS:
        page.goto(f"{server.address}/?reason={reason}")
        page.wait_for_selector("#stage article")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, reason
        small = page.evaluate(
            "[...document.querySelectorAll('#stage button')].filter((b) => b.offsetHeight < 44).map((b) => b.innerText)"
        )
        assert small == [], reason
    page.goto(server.address)
    page.wait_for_selector("#stage article")
    page.tap("#stage [data-act=accept]")
    page.wait_for_selector('#stage article[data-listing="L0001"]')
    saved(page)
    assert stored(server.folder) == [("L0000", "accept", "boots")]
    assert next(pages, None) is None


def test_hostile_texts_are_shown_as_texts(browser: Browser, tmp_path: Path) -> None:
    hostile = [
        category_item(n, title=attack, description=attack, category=attack, sentence=attack, listing_id=f"{n}{attack}")
        for n, attack in enumerate(ATTACKS)
    ]
    write_store(tmp_path, hostile)
    with running_server(tmp_path) as server:
        pages = opened(browser, server.address)
        page = next(pages)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        for n, attack in enumerate(ATTACKS):
            page.wait_for_selector(f'#stage article[data-listing^="{n}"]')
            assert page.locator("#stage h2").text_content() == attack
            assert page.locator("#stage .description").text_content() == attack
            page.keyboard.press("k")
            page.keyboard.press("Enter")
        saved(page)
        assert page.title() == "Review · catalog-cleaner"
        assert page.locator("h1").count() == 1
        assert [url for url in asked if not url.startswith(server.address)] == []
        assert next(pages, None) is None


def test_a_blind_question_shows_and_holds_no_opinion(page: Page, server: Server) -> None:
    page.goto(f"{server.address}/?reason=audit_sample")
    page.wait_for_selector('#stage article[data-listing="L0901"]')
    text = page.inner_html("#stage")
    for hidden in ("Boots", "boots", "Sandals", "sandals", "S0007", "We think"):
        assert hidden not in text, hidden
    # Not 81 alone, which the key of a showing may contain.
    assert not re.search(r"0\.81|81(\s|&nbsp;)*%", text)
    page.keyboard.press("a")
    page.keyboard.press("s")
    page.keyboard.press("2")
    page.keyboard.press("f")
    page.keyboard.type("boots")
    page.keyboard.press("Enter")
    page.wait_for_selector("#stage .empty")
    saved(page)
    assert stored(server.folder) == [("L0901", "set_category", "boots")]


def test_each_question_has_its_own_words(page: Page, server: Server) -> None:
    expected = {
        "price_outlier": ("Is the price right?", "usual in this category: 20.00 to 45.00"),
        "duplicate": ("Do both listings offer the same product?", "The older description."),
        "personal_data": ("Does the text hold personal data?", "a phone number"),
        "missing_image": ("Does the listing need a picture?", "no picture"),
        "missing_category": ("Which category is right?", "none given"),
        "uninformative_title": ("Does the title say what the product is?", "No, it says nothing"),
    }
    for reason, texts in expected.items():
        page.goto(f"{server.address}/?reason={reason}")
        page.wait_for_selector("#stage article")
        for text in texts:
            assert text in page.inner_text("#stage"), reason
    page.goto(f"{server.address}/?reason=personal_data")
    assert page.inner_text("#stage mark") == "07.23.27.30.01"
    page.keyboard.press("a")
    page.wait_for_selector("#stage .empty")
    saved(page)
    assert stored(server.folder) == [("L0905", "accept", None)]


def test_a_title_from_right_to_left_is_shown_right_and_french_is_spoken(browser: Browser, server: Server) -> None:
    pages = opened(browser, f"{server.address}/?language=ar")
    page = next(pages)
    assert page.evaluate("getComputedStyle(document.querySelector('#stage h2')).direction") == "rtl"
    page.click("a[lang=fr]")
    page.wait_for_selector("#stage article")
    assert page.evaluate("document.documentElement.lang") == "fr"
    assert "Quelle catégorie est la bonne ?" in page.inner_text("#stage")
    assert "language=ar" in page.url, "the filter stays"
    assert next(pages, None) is None


@pytest.mark.usefixtures("server")
def test_a_search_leaves_the_listings_with_all_its_words(page: Page) -> None:
    page.click(".filters summary")
    page.fill(".filters input[name=search]", "listing 21")
    page.press(".filters input[name=search]", "Enter")
    page.wait_for_url("**search=listing+21**")
    page.wait_for_selector("#stage article")
    shown = page.locator("#stage article, #ahead article")
    assert shown.evaluate_all("all => all.map((each) => each.dataset.listing)") == ["L0021"]
    assert page.locator(".filters summary b").inner_text() == "listing 21"


@pytest.mark.usefixtures("server")
def test_filters_are_in_the_address_with_counts(page: Page) -> None:
    page.click(".filters summary")
    page.wait_for_selector(".filters select[name=reason] option:nth-child(2)", state="attached")
    reasons = page.locator(".filters select[name=reason] option").all_inner_texts()
    assert "probably wrong category (60)" in reasons
    assert "odd price (2)" in reasons
    page.select_option(".filters select[name=reason]", "price_outlier")
    page.click(".filters button")
    page.wait_for_selector('#stage article[data-listing="L0902"]')
    assert "reason=price_outlier" in page.url
    page.wait_for_selector(".progress:has-text('2 left')")
    page.keyboard.press("s")
    page.keyboard.press("s")
    page.wait_for_selector("#stage .empty")
    page.wait_for_selector(".progress:has-text('2 done today')")
