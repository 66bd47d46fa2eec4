"""A program in a person's place at the review page: it sends what a browser sends."""

from __future__ import annotations

import http.cookiejar
import json
import re
import secrets
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

_QUESTION = re.compile(r'data-showing="([^"]+)" data-listing="([^"]*)"[^>]* data-question="([^"]+)"')


@dataclass(frozen=True)
class Shown:
    """A question as the page shows it: the key of its answer, the listing, and what is asked."""

    showing: str
    listing_id: str
    question: str

    def answer(self, decision: str, category: str | None = None) -> dict[str, str | None]:
        """An answer to it, as the page sends it."""
        return {"showing": self.showing, "decision": decision, "category": category}


class ScriptedReviewer:
    """One window of the page. It holds the questions that it was shown and has not answered."""

    def __init__(self, address: str) -> None:
        """Open the page."""
        self._address = address
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        [self._token] = re.findall(r'csrf-token" content="(\w+)"', self._opener.open(address).read().decode())
        self._who = {"window": secrets.token_hex(12), "page": secrets.token_hex(12)}
        self.held: list[Shown] = []
        self.state = "open"

    def send(self, answers: Sequence[dict[str, str | None]]) -> list[str]:
        """Send answers, and get the next questions.

        Args:
            answers: as `Shown.answer` makes them.

        Returns:
            What became of each answer, such as "stored".
        """
        done = {answer["showing"] for answer in answers}
        self.held = [each for each in self.held if each.showing not in done]
        body = {**self._who, "answers": list(answers), "held": [each.showing for each in self.held]}
        headers = {"content-type": "application/json", "x-csrf-token": self._token}
        request = urllib.request.Request(f"{self._address}/work", json.dumps(body).encode(), headers)  # noqa: S310 - on loopback
        given: dict[str, Any] = json.load(self._opener.open(request))
        self.held += [Shown(*found.groups()) for each in given["questions"] if (found := _QUESTION.search(each))]
        self.state = given["state"]
        return [str(each["state"]) for each in given["outcomes"]]


@contextmanager
def page_server(words: Sequence[str], port: int) -> Iterator[str]:
    """Run a server of the page: its address, until the end of the block.

    Args:
        words: the command.
        port: where it listens.
    """
    address = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    try:
        for attempt in range(300):
            try:
                urllib.request.urlopen(address, timeout=10).close()
                break
            except OSError:
                if attempt == 299 or process.poll() is not None:
                    raise
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait()
