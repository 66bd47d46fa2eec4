"""A server of a small store, and Debian's Chromium. No test here needs Spark."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.review_samples import Server, category_item, other_items, running_server, write_store

WAIT = 30_000
"""Milliseconds."""


def find_chromium() -> str:
    """The browser: CHROMIUM, or the system's."""
    for name in (os.environ.get("CHROMIUM"), "chromium", "chromium-browser"):
        if name and (path := shutil.which(name)):
            return path
    pytest.fail("there is no Chromium: install it (Debian: apt-get install chromium), or name it in CHROMIUM")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Root, as in a container, has no sandbox; the tests show only pages of their own.
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        started = playwright.chromium.launch(executable_path=find_chromium(), args=options)
        yield started
        started.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Sixty questions about categories, and after them one item of each other question."""
    write_store(tmp_path / "store", [*(category_item(n) for n in range(60)), *other_items()])
    with running_server(tmp_path / "store") as started:
        yield started


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """The page, with its first listing. A test fails on any error in its console."""
    yield from opened(browser, server.address)


def opened(browser: Browser, address: str, wait_for: str = "#stage article", **options: object) -> Iterator[Page]:
    """A page in a window of its own. Its console may hold no error."""
    context = browser.new_context(locale="en-GB", **options)  # type: ignore[arg-type]
    context.set_default_timeout(WAIT)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if said.type in ("error", "warning") else None)
    page.goto(address)
    page.wait_for_selector(wait_for)
    yield page
    context.close()
    # A search that a later letter replaces is aborted, and htmx says so. What a page asks for to show progress may come
    # too late for the session.
    harmless = ("Failed to load resource", "ERR_", "htmx:send", "htmx:afterRequest", "Code 401 from /progress")
    assert [each for each in problems if not any(part in each for part in harmless)] == []
