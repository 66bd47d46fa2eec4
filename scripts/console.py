"""Shows what the set-up is doing and how long it took, and runs programs without their chatter."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOG = ROOT / ".cache" / "setup.log"
_HEARTBEAT_SECONDS = 20


class SetupError(Exception):
    """Raised when a step cannot be done; the message says what to do."""


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Print the name of a step, and its seconds when it is done."""
    print(f"  {name} ...", end="", flush=True)
    started = time.monotonic()
    try:
        yield
    except BaseException:
        print(" failed", flush=True)
        raise
    print(f" {time.monotonic() - started:.1f} s", flush=True)


def run(command: Sequence[str | Path], env: Mapping[str, str] | None = None) -> None:
    """Run a program to its end, its output in the log; shows every 20 seconds that it lives.

    Args:
        command: program and arguments.
        env: variables over this process's own.

    Raises:
        SetupError: it did not end with 0; the message carries the end of its output.
    """
    words = [str(word) for word in command]
    LOG.parent.mkdir(exist_ok=True)
    with LOG.open("ab") as log:
        log.write(f"\n$ {' '.join(words)}\n".encode())
        log.flush()
        begin = log.tell()
        process = subprocess.Popen(
            words,
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            close_fds=False,  # what a killed set-up has started keeps its lock until it ends
        )
        try:
            code = _wait(process)
        except BaseException:
            # Whoever stops the set-up stops its compilers too.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
    if code != 0:
        output = LOG.read_bytes()[begin:].decode(errors="replace").splitlines()
        tail = "\n".join(f"    {line}" for line in output[-25:])
        raise SetupError(f"{Path(words[0]).name} ended with {code}:\n{tail}\nThe whole output: {LOG}")


def stop_on_termination() -> None:
    """Let SIGTERM end this process as an interruption does, so that started programs are stopped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def _wait(process: subprocess.Popen[bytes]) -> int:
    started = time.monotonic()
    while True:
        try:
            return process.wait(timeout=_HEARTBEAT_SECONDS)
        except subprocess.TimeoutExpired:
            print(f" {time.monotonic() - started:.0f} s ...", end="", flush=True)
