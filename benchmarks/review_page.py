"""Measure the time from a key to the next picture on the review page, against a bare page that swaps loaded pictures.

    python -m benchmarks.review_page [--items 20000] [--chromium /usr/bin/chromium] [--warehouse demo-warehouse]

The store holds so many open items. Two scripted reviewers answer beside the browser, one answer every half second each,
and both pages are measured in turns in one run, on this machine's loopback address. Every answer is counted: the run
lasts about two minutes. With a warehouse, of which a copy is used, the answers are also written to it all the time.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from benchmarks.scripted_reviewer import ScriptedReviewer, page_server
from jobs.reviewing.database import Store
from jobs.reviewing.outgoing import exported_run
from jobs.reviewing.shapes import LARGE, Category, OpenItem, Picture, Seller, Source, Suggested, write_export

_PORT = 8398
_FEWEST = 5200
_LONGEST = 180
_ROUNDS, _KEYS, _PAUSE = 10, 11, 0.15
_PICTURES, _SIDE = 50, 640
_CATEGORIES = [Category(name, name.title(), f"Shop > {name.title()}") for name in ("boots", "sandals", "sneakers")]
_BARE = """<!doctype html><body><img><script>
const loaded = [];
for (let n = 0; n < 120; n++) {
  const picture = new Image();
  picture.src = `/picture?size=large&listing=L${5000 + n}`;
  loaded.push(picture);
}
let shown = 0;
document.addEventListener('keydown', () => document.body.replaceChildren(loaded[++shown]));
</script>"""
_FROM_KEY_TO_PICTURE = """selector => new Promise(done => {
  const picture = () => document.querySelector(selector), before = picture()?.src, began = performance.now();
  document.dispatchEvent(new KeyboardEvent('keydown', {key: 'a', code: 'KeyA', bubbles: true}));
  const look = () => {
    const now = picture();
    if (now && now.src !== before && now.complete && now.naturalWidth)
      requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - began)));
    else requestAnimationFrame(look);
  };
  look();
})"""
"""Milliseconds until another picture has been painted."""


def main() -> None:
    """Print both medians and their ratio, and the time of an answer of the scripted reviewers."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--chromium", default=shutil.which("chromium") or "chromium")
    parser.add_argument("--warehouse", type=Path, help="with a publication")
    options = parser.parse_args()
    if options.items < _FEWEST:
        parser.error(f"--items is {options.items}, but the bare page shows pictures of listings up to {_FEWEST}.")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "store"
        write = [sys.executable, "-c", ""]
        run_id = "nightly-2026-01-01-0"
        if options.warehouse:
            copy = shutil.copytree(options.warehouse, Path(temporary) / "warehouse")
            sync = ["review", "sync", "--warehouse", str(copy), "--set", f"review.store={folder}"]
            write = [sys.executable, "-m", "jobs.cli", *sync]
            subprocess.run(write, check=True)
            run_id = exported_run(Store(folder)) or run_id  # so that the export below stays
        _write_store(folder, run_id, options.items)
        with page_server(_server(folder, write), _PORT) as address, _reviewers(address) as seconds:
            before = _wait_until_written(folder) if options.warehouse else 0
            page, bare = _measure(address, options.chromium)
        if options.warehouse:
            print(f"{_written(folder) - before:,} answers were written to the warehouse while the page was measured")
    print(f"review page: median {statistics.median(page):.1f} ms, 90 % within {np.quantile(page, 0.9):.1f} ms")
    print(f"bare page:   median {statistics.median(bare):.1f} ms, 90 % within {np.quantile(bare, 0.9):.1f} ms")
    print(f"ratio of the medians {statistics.median(page) / statistics.median(bare):.2f} (wanted: 1.5 at most)")
    print(f"an answer of the {len(seconds):,} beside it: median {1000 * statistics.median(seconds):.0f} ms")


def _write_store(folder: Path, run_id: str, items: int) -> None:
    random = np.random.default_rng(1)
    pictures = []
    for _ in range(_PICTURES):
        small = Image.fromarray(random.integers(0, 255, (16, 16, 3), np.uint8))
        out = io.BytesIO()
        small.resize((_SIDE, _SIDE), Image.Resampling.BICUBIC).save(out, "JPEG")
        pictures.append(out.getvalue())
    write_export(
        folder,
        Source(run_id, "2026-01-01", "2026-01-01T05:00:00+00:00"),
        _CATEGORIES,
        (Picture(f"L{n:04d}", LARGE, pictures[n % _PICTURES]) for n in range(items)),
        (_item(n) for n in range(items)),
    )


def _item(number: int) -> OpenItem:
    return OpenItem(
        listing_id=f"L{number:04d}",
        content_hash=f"content-{number}",
        reasons=["wrong_category"],
        title=f"Listing {number}",
        description="Leather, hardly worn.",
        category="sandals",
        price=20.0,
        currency="EUR",
        seller=Seller(f"S{number % 300:03d}", 49, 0.25, 0.14, 0.37),
        suggested=[Suggested("boots", 0.81), Suggested("sneakers", 0.12), Suggested("sandals", 0.05)],
        best_category="boots",
        sentence="We think this belongs in Boots, not in Sandals: the words 'leather' and the picture say so.",
        priority=0.9,
        judged={"category": f"judged-{number}"},
    )


def _server(folder: Path, write: list[str]) -> list[str]:
    """The command that serves the store, and begins the other one again whenever it has ended."""
    options = {
        "folder": str(folder), "warehouse": None, "host": "127.0.0.1", "port": _PORT, "reviewer": "ada",
        "role": "reviewer", "second_share": 0.0, "known_share": 0.0,
        "renew_command": write, "renew_minutes": 0, "proxy": {"address": None},
    }  # fmt: skip
    return [sys.executable, "-m", "jobs.reviewing.serving", json.dumps(options)]


def _written(folder: Path) -> int:
    return int(Store(folder).reading().execute("SELECT sum(written) FROM answers").fetchone()[0] or 0)


def _wait_until_written(folder: Path) -> int:
    """Wait until the first answers have reached the warehouse, from when on one process after another writes."""
    for _ in range(_LONGEST):
        if found := _written(folder):
            return found
        time.sleep(1)
    sys.exit(f"No answer was written to the warehouse within {_LONGEST} seconds.")


@contextmanager
def _reviewers(address: str) -> Iterator[list[float]]:
    """Two scripted reviewers: the seconds that each of their answers took."""
    stop, seconds = threading.Event(), list[float]()
    threads = [threading.Thread(target=_answer, args=(address, stop, seconds)) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield seconds
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _answer(address: str, stop: threading.Event, seconds: list[float]) -> None:
    reviewer = ScriptedReviewer(address)
    while not stop.wait(0.5):
        answers = [reviewer.held[0].answer("accept")] if reviewer.held else []
        began = time.perf_counter()
        reviewer.send(answers)
        seconds.append(time.perf_counter() - began)


def _measure(address: str, chromium: str) -> tuple[list[float], list[float]]:
    """Milliseconds of each key on the review page and on the bare one."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        # The bare page has a script inside, which the policy of the review page forbids.
        context = browser.new_context(viewport={"width": 1366, "height": 768}, bypass_csp=True)
        page, bare = context.new_page(), context.new_page()
        page.goto(address)
        page.wait_for_selector("#stage article")
        bare.route("**/bare", lambda route: route.fulfill(body=_BARE, content_type="text/html"))
        bare.goto(f"{address}/bare")
        time.sleep(3)
        bare.keyboard.press("a")
        times: dict[str, list[float]] = {"page": [], "bare": []}
        for _ in range(_ROUNDS):
            times["bare"] += _keys(bare, "body img")
            times["page"] += _keys(page, "#stage .picture img")
        browser.close()
    return times["page"], times["bare"]


def _keys(page: Page, selector: str) -> list[float]:
    page.bring_to_front()
    found = []
    for _ in range(_KEYS):
        time.sleep(_PAUSE)
        found.append(float(page.evaluate(_FROM_KEY_TO_PICTURE, selector)))
    return found


if __name__ == "__main__":
    main()
