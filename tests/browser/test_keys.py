"""What a reviewer does by keys is stored once and in order, however fast, on any layout, and can be taken back."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from playwright.sync_api import Page, Route

from tests.review_samples import Server


def stored(folder: Path) -> list[tuple[str, str, str | None]]:
    """Listing, decision and category of all answers that stand, in order."""
    with sqlite3.connect(folder / "answers.sqlite") as answers:
        rows = answers.execute("SELECT listing_id, decision, category FROM answers WHERE undone = 0 ORDER BY number")
        return rows.fetchall()


def saved(page: Page) -> None:
    """Wait until the page says that everything is saved."""
    page.wait_for_selector('html[data-unsaved="0"]', state="attached")


def lose_the_answer(route: Route) -> None:
    """What was asked reaches the server, and its answer is lost on the way."""
    route.fetch()
    route.abort()


def listing(page: Page) -> str:
    return page.locator("#stage article").get_attribute("data-listing") or ""


def test_forty_fast_presses_are_forty_answers_in_order(page: Page, server: Server) -> None:
    keys = ["a", "s", "2", "3"] * 10
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_selector('#stage article[data-listing="L0040"]')
    saved(page)
    meaning = {"a": ("accept", "boots"), "s": ("reject", "sandals"), "2": ("set_category", "sneakers")}
    meaning["3"] = ("reject", "sandals")  # the third suggestion is the seller's category
    assert stored(server.folder) == [(f"L{n:04d}", *meaning[key]) for n, key in enumerate(keys)]


def test_a_key_that_is_held_down_answers_once(page: Page, server: Server) -> None:
    page.keyboard.down("a")
    for _ in range(5):
        page.keyboard.down("a")  # Playwright marks a key that is down already as repeated
    page.keyboard.up("a")
    saved(page)
    assert stored(server.folder) == [("L0000", "accept", "boots")]


def test_undo_takes_back_any_number_of_steps(page: Page, server: Server) -> None:
    for key in "aasa":
        page.keyboard.press(key)
    for _ in range(3):
        page.keyboard.press("u")
    page.wait_for_selector('#stage article[data-listing="L0001"]')
    saved(page)
    assert stored(server.folder) == [("L0000", "accept", "boots")]
    page.keyboard.press("s")
    page.wait_for_selector('#stage article[data-listing="L0002"]')
    page.keyboard.press("2")
    page.wait_for_selector('#stage article[data-listing="L0003"]')
    saved(page)
    assert stored(server.folder)[1:] == [("L0001", "reject", "sandals"), ("L0002", "set_category", "sneakers")]


def test_the_previous_listing_is_shown_with_its_answer_and_can_be_answered_again(page: Page, server: Server) -> None:
    page.keyboard.press("a")
    page.keyboard.press("a")
    page.keyboard.press("p")
    page.wait_for_selector('#stage article[data-listing="L0001"][data-number]')
    assert "You answered: Boots" in page.inner_text("#stage")
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector('#stage article[data-listing="L0000"]')
    page.keyboard.press("s")
    page.wait_for_selector('#stage article[data-listing="L0002"]')
    saved(page)
    assert stored(server.folder)[-1] == ("L0000", "reject", "sandals")
    page.keyboard.press("p")
    page.wait_for_selector("#stage article[data-number]")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector('#stage article[data-listing="L0002"]:not([data-number])')


def test_keys_work_after_a_click_elsewhere_and_a_click_answers_too(page: Page, server: Server) -> None:
    page.mouse.click(5, 500)
    page.keyboard.press("a")
    page.wait_for_selector('#stage article[data-listing="L0001"]')
    page.click("#stage [data-act=second]")
    page.wait_for_selector('#stage article[data-listing="L0002"]')
    saved(page)
    assert [decision for _, decision, _ in stored(server.folder)] == ["accept", "set_category"]


def test_letters_go_by_what_is_printed_and_digits_by_their_place(page: Page, server: Server) -> None:
    presses = [
        {"key": "a", "code": "KeyQ"},  # AZERTY
        {"key": "é", "code": "Digit2"},  # AZERTY, without Shift
        {"key": "ф", "code": "KeyA"},  # Cyrillic: no Latin letter is printed
        {"key": "2", "code": "Numpad2"},
        {"key": "q", "code": "KeyA"},  # AZERTY's q does nothing
    ]
    for press in presses:
        page.evaluate("press => document.dispatchEvent(new KeyboardEvent('keydown', {...press, bubbles: true}))", press)
    page.wait_for_selector('#stage article[data-listing="L0004"]')
    saved(page)
    assert [category for *_, category in stored(server.folder)] == ["boots", "sneakers", "boots", "sneakers"]


def test_search_as_one_types_finds_by_synonym_and_enter_takes(page: Page, server: Server) -> None:
    page.keyboard.press("f")
    page.keyboard.type("trainers")
    page.keyboard.press("Enter")  # before the answer to the last letter can be there
    page.wait_for_selector('#stage article[data-listing="L0001"]')
    page.keyboard.press("/")
    page.keyboard.type("foot")
    page.wait_for_selector('#found [data-for="foot"]', state="attached")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector('#stage article[data-listing="L0002"]')
    saved(page)
    assert [category for *_, category in stored(server.folder)] == ["sneakers", "sandals"]


def test_what_is_typed_ahead_belongs_to_the_search_and_answers_nothing(page: Page, server: Server) -> None:
    # The queue is busy with the answers before, when the letters come.
    page.evaluate(
        """() => {
          const press = (key) => document.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
          for (let n = 0; n < 14; n++) press('a');
          for (const key of ['f', 'h', 'a', 't', 's', 'Enter']) press(key);
        }"""
    )
    page.wait_for_selector('#stage article[data-listing="L0015"]')
    saved(page)
    assert [category for *_, category in stored(server.folder)] == ["boots"] * 14 + ["hats"]


def test_what_is_pressed_after_a_field_typed_ahead_goes_to_the_next_listing(page: Page, server: Server) -> None:
    page.evaluate(
        """() => {
          const press = (key) => document.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
          for (let n = 0; n < 14; n++) press('a');
          for (const key of ['f', 'h', 'a', 't', 's', 'Enter', 's']) press(key);
          for (const key of ['k', 'w', 'h', 'o', 'Enter', 'n', 'o', 'k', 'Enter', 'a']) press(key);
        }"""
    )
    page.wait_for_selector('#stage article[data-listing="L0018"]')
    saved(page)
    with sqlite3.connect(server.folder / "answers.sqlite") as answers:
        rows = answers.execute("SELECT listing_id, decision, category, note FROM answers ORDER BY number").fetchall()
    assert rows[14:] == [
        ("L0014", "set_category", "hats", None),
        ("L0015", "reject", "sandals", None),
        ("L0016", "skip", None, "who"),
        ("L0017", "accept", "boots", "ok"),
    ]


def test_a_note_and_a_skip_are_stored_and_typing_in_them_answers_nothing(page: Page, server: Server) -> None:
    page.keyboard.press("n")
    page.keyboard.type("as it says")
    page.keyboard.press("Enter")
    assert page.inner_text("#stage .own-note") == "as it says"
    page.keyboard.press("a")
    page.keyboard.press("k")
    page.keyboard.type("cannot tell")
    page.keyboard.press("Enter")
    page.wait_for_selector('#stage article[data-listing="L0002"]')
    saved(page)
    with sqlite3.connect(server.folder / "answers.sqlite") as answers:
        rows = answers.execute("SELECT listing_id, decision, note FROM answers ORDER BY number").fetchall()
    assert rows == [("L0000", "accept", "as it says"), ("L0001", "skip", "cannot tell")]


def test_keys_can_be_changed_and_switched_off(page: Page, server: Server) -> None:
    page.keyboard.press("?")
    page.fill('[data-remap="accept"]', "s")
    assert page.inner_text("#help-problem") == "S is taken."
    page.fill('[data-remap="accept"]', "j")
    page.keyboard.press("Escape")
    assert page.inner_text("#stage [data-key-of=accept]") == "J"
    page.keyboard.press("a")
    page.keyboard.press("j")
    page.wait_for_selector('#stage article[data-listing="L0001"]')
    page.keyboard.press("?")
    page.uncheck("#keys-on")
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    saved(page)
    assert stored(server.folder) == [("L0000", "accept", "boots")]
    assert listing(page) == "L0001"


def test_a_double_click_answers_once(page: Page, server: Server) -> None:
    page.dblclick("#stage [data-act=accept]")
    page.wait_for_selector('#stage article[data-listing="L0001"]')
    saved(page)
    assert stored(server.folder) == [("L0000", "accept", "boots")]
    page.click("#stage [data-act=accept]")
    page.wait_for_selector('#stage article[data-listing="L0002"]')
    saved(page)
    assert [row[0] for row in stored(server.folder)] == ["L0000", "L0001"]


def test_a_key_that_comes_while_a_closed_field_still_has_the_focus_counts(page: Page, server: Server) -> None:
    page.evaluate(
        "document.querySelector('#note-text').dispatchEvent(new KeyboardEvent('keydown', {key: 'a', bubbles: true}))"
    )
    page.wait_for_selector('#stage article[data-listing="L0001"]')
    saved(page)
    assert stored(server.folder) == [("L0000", "accept", "boots")]
