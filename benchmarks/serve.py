"""Answers the requests of `benchmarks.processes.Program.ask` until standard input closes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

Answer = Callable[[Mapping[str, Any]], Mapping[str, object]]


def serve(start: Callable[[], Answer]) -> None:
    """Answer JSON lines from standard input with JSON lines on standard output.

    Args:
        start: returns the function that answers. Standard output of it and its child processes goes to standard error.
    """
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as channel:
        os.dup2(2, 1)
        answer = start()
        for line in sys.stdin:
            channel.write(json.dumps(answer(json.loads(line))) + "\n")
            channel.flush()
