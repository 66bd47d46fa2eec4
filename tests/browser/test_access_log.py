"""What people do in the browser is in the access log."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import Browser

from jobs.reviewing.access_log import AccessLog
from jobs.reviewing.database import Store
from jobs.reviewing.users import Role, add_user
from tests.browser.conftest import opened
from tests.browser.test_keys import saved
from tests.browser.test_sign_in import PASSWORD, fill_in
from tests.review_samples import category_item, running_server, write_store


def test_what_people_see_and_do_is_logged_in_order(browser: Browser, tmp_path: Path) -> None:
    write_store(tmp_path, [category_item(n) for n in range(9)])
    add_user(tmp_path, "lea", Role.LEAD, PASSWORD)
    with running_server(tmp_path) as server:
        pages = opened(browser, server.address, wait_for="#name")
        page = next(pages)
        fill_in(page, PASSWORD, "typed into the wrong field")
        page.wait_for_selector("text=Name or password is wrong.")
        fill_in(page, "lea")
        page.wait_for_selector("#stage article")
        page.keyboard.press("a")
        page.wait_for_selector('#stage article[data-listing="L0001"]')
        saved(page)
        page.keyboard.press("u")
        page.wait_for_selector('#stage article[data-listing="L0000"]')
        page.goto(f"{server.address}/groups")
        page.goto(f"{server.address}/lead")
        page.goto(f"{server.address}/lead/history?listing=L0000")
        store = Store(tmp_path)
        name_of = AccessLog(store).name_of
        store.close()
        assert name_of("L0000") in page.inner_text("main")
        assert next(pages, None) is None
    text = (tmp_path / "access.log").read_text(encoding="utf-8")
    assert PASSWORD not in text
    assert "L000" not in text
    told = [json.loads(line) for line in text.splitlines()]
    names = {name_of(f"L{n:04d}"): n for n in range(9)}
    assert [(each["user"], each["what"], [names[one] for one in each["listings"]]) for each in told] == [
        (None, "failed sign-in", []),
        ("lea", "sign-in", []),
        ("lea", "shown", list(range(9))),
        ("lea", "answered", [0]),
        ("lea", "undone", [0]),
        ("lea", "shown", [0]),
        ("lea", "saw groups", []),
        ("lea", "saw work of all", []),
        ("lea", "saw history", [0]),
    ]
