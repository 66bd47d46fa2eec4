"""`python -m benchmarks.exit_with_parent PARENT PROGRAM ...`: runs a program that ends when its parent process ends.

Processes that the program itself starts end on their own: Spark's JVM exits when its standard input closes, and the
Python workers exit with it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask Linux to send SIGTERM when the parent ends, and replace this process by the program."""
    parent, words = int(sys.argv[1]), sys.argv[2:]
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it ended before the call
        sys.exit(1)
    os.execv(words[0], words)  # noqa: S606 - the words are the benchmarks' own


if __name__ == "__main__":
    main()
