"""Each main view of the page renders, and is drawn for the docs where REVIEW_PICTURES names a folder.

REVIEW_PICTURES=docs .venv/bin/python -m pytest -n 0 tests/browser/test_pictures.py
"""

from __future__ import annotations

import datetime as dt
import io
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from catalogue_generator.pictures import UNIFORMS, Subject, draw_picture
from catalogue_generator.vocabulary import COLOURS
from jobs.reviewing.assigning import leave_to, open_questions
from jobs.reviewing.database import Store
from jobs.reviewing.shapes import LARGE, SMALL, OpenItem, Picture, Similar, write_export
from jobs.reviewing.showing import Reviewer
from jobs.reviewing.users import Role, add_user
from tests.browser.conftest import WAIT, opened
from tests.browser.test_leads import answer_all
from tests.browser.test_sign_in import PASSWORD, fill_in
from tests.review_samples import CATEGORIES, SOURCE, Server, category_item, other_items, running_server

FOLDER = os.environ.get("REVIEW_PICTURES")
LARGEST = 150_000
"""Bytes of a picture in the docs."""
PUBLICATION = replace(SOURCE, listings=3000, wrong=177.0)
NOTE = "Open at the heel."
GROUP = "seller=S0007&category=sandals&suggested=boots"
BRANDS = ("Norvald", "Alpina", "Trekko", "Oldfield", "Marisol")


def drawing(product_type: str, number: int, colour: str) -> bytes:
    """A product's picture, drawn as the generator of catalogues does."""
    uniforms = np.random.default_rng(number).random(UNIFORMS)
    uniforms[0] = 0.5  # the product alone
    return draw_picture(Subject(product_type, "Sandals", colour, "plain", "", number % 3), list(uniforms))


def boots(number: int) -> bytes:
    """The picture of a similar listing."""
    return drawing("Ankle Boots", 70 + number, sorted(COLOURS)[number])


def items() -> list[tuple[OpenItem, bytes]]:
    """Listings with titles and pictures as of a shop."""
    letters = sorted(COLOURS)
    found = []
    for n, item in enumerate([*(category_item(n) for n in range(45)), *other_items()]):
        colour = letters[n % len(letters)]
        title = f"{BRANDS[n % len(BRANDS)]} leather ankle boots {COLOURS[colour].names[0]}, size {36 + n % 9}"
        similar = [
            Similar(f"B{k}", f"{BRANDS[k]} winter boots", "boots", 30.0 + 9 * k, 0.9 - 0.1 * k) for k in range(3)
        ]
        is_plain = item.title is not None and item.title.startswith("Listing ")
        changed = replace(item, title=title if is_plain else item.title, similar=similar if item.similar else ())
        picture = drawing("Ankle Boots", n, colour)
        if changed.duplicate:
            older = replace(changed.duplicate, title=title, description=item.description)
            changed, picture = replace(changed, duplicate=older, price=older.price), boots(1)
        found.append((changed, picture))
    return found


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Server]:
    """Two reviewers have answered 31 questions and differ about some; a lead has left one to somebody."""
    found = items()
    small = [Picture(f"B{n}", SMALL, boots(n)) for n in range(3)]
    large = [Picture(item.listing_id, LARGE, jpeg) for item, jpeg in found if "missing_image" not in item.reasons]
    for name, role in (("ada", Role.REVIEWER), ("bob", Role.REVIEWER), ("lea", Role.LEAD)):
        add_user(tmp_path, name, role, PASSWORD)
    write_export(tmp_path, PUBLICATION, CATEGORIES, [*large, *small], [item for item, _ in found[:31]])
    answer_all(tmp_path, "ada", frozenset({"L0001", "L0002", "L0004", "L0007"}), NOTE, 60.0)
    answer_all(tmp_path, "bob", frozenset({"L0001", "L0002", "L0003", "L0004", "L0005"}), NOTE, 30.0)
    write_export(tmp_path, PUBLICATION, CATEGORIES, [*large, *small], [item for item, _ in found])
    store = Store(tmp_path)
    asked = open_questions(store, "L0040")[0].judged_hash
    leave_to(store, Reviewer("window", "page", "lea", "lead"), "L0040", asked, "bob", dt.datetime.now(dt.UTC))
    store.close()
    with running_server(tmp_path, second_share=1.0) as started:
        yield started


def draw(page: Page, name: str, *, whole: bool = False) -> None:
    """Check that a view fits its window; where a folder is named, draw it."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    # Not `wait_for_function`: it evaluates text in the page, which the page's policy refuses.
    deadline = time.monotonic() + WAIT / 1000
    while not page.evaluate("[...document.images].every((each) => each.complete)"):
        assert time.monotonic() < deadline, f"{name}: a picture is not loaded"
        page.wait_for_timeout(50)
    taken = page.screenshot(full_page=whole)
    if FOLDER is not None:
        small = io.BytesIO()
        Image.open(io.BytesIO(taken)).convert("RGB").quantize(224).save(small, "PNG", optimize=True)
        assert len(small.getvalue()) < LARGEST, name
        (Path(FOLDER) / f"review-{name}.png").write_bytes(small.getvalue())


def test_the_main_views_render(browser: Browser, shop: Server) -> None:
    pages = opened(browser, shop.address, wait_for="#name", viewport={"width": 1200, "height": 720})
    page = next(pages)
    fill_in(page, "lea")

    def visit(path: str, ready: str, name: str, *, whole: bool = False) -> None:
        page.goto(shop.address + path)
        page.wait_for_selector(ready)
        draw(page, name, whole=whole)

    page.wait_for_selector("#stage article")
    page.keyboard.press("a")
    page.wait_for_selector("#status:has-text('Saved')")
    page.wait_for_selector(".progress:has-text('1 done today')")
    draw(page, "listing")
    page.keyboard.press("f")
    page.keyboard.type("foot")
    page.wait_for_selector("#found [data-for=foot]", state="attached")
    draw(page, "search")
    visit("/?reason=duplicate", '#stage [data-question="duplicate"]', "duplicate")
    visit("/?reason=audit_sample", '#stage [data-question="audit"]', "blind")
    visit("/groups", ".groups li", "groups")
    visit(f"/wall?{GROUP}", ".tile img", "wall")
    visit("/lead", "[data-free=bob]", "leads", whole=True)
    visit("/lead/settle", "#stage article", "settle")
    visit("/lead/history?listing=L0003", "table.history", "history")
    visit("/bulk?seller=S0007&reason=wrong_category", "[data-decide]", "bulk")
    page.set_viewport_size({"width": 390, "height": 844})
    visit("/", "#stage article", "phone")
    assert next(pages, None) is None
