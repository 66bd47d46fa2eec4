"""Answer the open questions of a warehouse through the review page, as a file of decisions says.

    python -m benchmarks.review_answers FILE --warehouse my-warehouse

The file has the columns listing_id and category, the right one. Scripted reviewers ask the page for its questions,
answer those about the category of a listing in the file, and skip all others, until the file is used up. The next night
writes the answers to the warehouse before it begins, so its figures show what reviewing has brought.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from benchmarks.scripted_reviewer import ScriptedReviewer, Shown, page_server
from jobs.reviewing.shapes import AUDIT_QUESTION
from schemas.decisions import CATEGORY_QUESTION, Decision

_WAIT_SECONDS = 900


def main() -> None:
    """Print how many answers were given, what became of them, and what the file names and nobody was asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", type=Path, help="Parquet file with listing_id and category")
    parser.add_argument("--warehouse", required=True)
    parser.add_argument("--reviewers", type=int, default=2)
    parser.add_argument("--port", type=int, default=8399)
    options = parser.parse_args()
    right = dict(pd.read_parquet(options.file)[["listing_id", "category"]].itertuples(index=False, name=None))
    serve = [sys.executable, "-m", "jobs.cli", "review", "serve", "--warehouse", options.warehouse]
    outcomes, asked = Counter[str](), Counter[str]()
    with page_server([*serve, "--port", str(options.port)], options.port) as address:
        began = time.perf_counter()
        work = _Work(right, outcomes, asked)
        threads = [threading.Thread(target=work.review, args=(address,)) for _ in range(options.reviewers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - began
    print(f"answered {outcomes['stored']:,} in {seconds:.0f} s; not stored: {outcomes.total() - outcomes['stored']:,}")
    print(f"of the file's {len(right):,} listings, {len(work.left):,} were not asked about; asked {dict(asked)}")


class _Work:
    """What is to be answered, shared by the reviewers."""

    def __init__(self, right: Mapping[str, str], outcomes: Counter[str], asked: Counter[str]) -> None:
        self._right, self._outcomes, self._asked = right, outcomes, asked
        self._lock = threading.Lock()
        self.left = set(right)

    def review(self, address: str) -> None:
        """Answer until the file is used up or nothing is open."""
        reviewer = ScriptedReviewer(address)
        deadline = time.monotonic() + _WAIT_SECONDS
        while self.left:
            answers = [self._answer(each) for each in reviewer.held]
            states = reviewer.send(answers)
            with self._lock:
                self._outcomes.update(states)
            if reviewer.state == "nothing" and not reviewer.held:
                return
            if not reviewer.held:  # the export is not ready yet, or another reviewer has what is left
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{address} has shown nothing for {_WAIT_SECONDS} seconds")
                time.sleep(1)

    def _answer(self, shown: Shown) -> dict[str, str | None]:
        with self._lock:
            self._asked[shown.question] += 1
            if shown.question in (CATEGORY_QUESTION, AUDIT_QUESTION) and shown.listing_id in self._right:
                self.left.discard(shown.listing_id)
                return shown.answer(Decision.SET_CATEGORY.value, self._right[shown.listing_id])
        return shown.answer(Decision.SKIP.value)


if __name__ == "__main__":
    main()
