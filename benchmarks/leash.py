"""`python -m benchmarks.leash PROGRAM ...`: becomes a program that ends when whoever started it dies, however it dies.

What the program starts in turn ends by itself: Spark's JVM when its standard input closes, the Python workers with it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask Linux for a SIGTERM at the parent's death, which stays asked for, and run the program in this process."""
    parent, words = int(sys.argv[1]), sys.argv[2:]
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before the call
        sys.exit(1)
    os.execv(words[0], words)  # noqa: S606 - the words are the benchmarks' own


if __name__ == "__main__":
    main()
