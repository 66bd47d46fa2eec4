"""Prints the steps of the set-up and their duration, and runs programs with their output in a log file."""

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
    """Raised when a step fails; the message says what to do."""


class UnavailableError(SetupError):
    """Raised when a file cannot be downloaded; creating the environment again would not help."""


def say(line: str) -> None:
    """Print a line without buffering."""
    print(line, flush=True)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Print the name of a step, and its seconds at the end."""
    print(f"  {name} ...", end="", flush=True)
    started = time.monotonic()
    try:
        yield
    except BaseException:
        print(" failed", flush=True)
        raise
    print(f" {time.monotonic() - started:.1f} s", flush=True)


def run(command: Sequence[str | Path], env: Mapping[str, str] | None = None) -> None:
    """Run a program with its output in the log; print the elapsed seconds every 20 seconds.

    Args:
        command: program and arguments.
        env: environment variables that are added to those of this process.

    Raises:
        SetupError: its exit code is not 0; the message contains the end of its output.
    """
    words = [str(word) for word in command]
    LOG.parent.mkdir(exist_ok=True)
    with LOG.open("ab") as log:
        log.write(f"\n$ {' '.join(words)}\n".encode())
        log.flush()
        start = log.tell()
        process = subprocess.Popen(
            words,
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            close_fds=False,  # after a killed set-up, its child processes hold the lock until they end
        )
        try:
            code = _wait(process)
        except BaseException:
            # Stopping the set-up also stops its compilers.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
    if code != 0:
        output = LOG.read_bytes()[start:].decode(errors="replace").splitlines()
        tail = "\n".join(f"    {line}" for line in output[-25:])
        raise SetupError(f"{Path(words[0]).name} ended with {code}:\n{tail}\nThe complete output: {LOG}")


def stop_on_termination() -> None:
    """Let SIGTERM exit this process in the usual way, so that started programs are stopped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def _wait(process: subprocess.Popen[bytes]) -> int:
    started = time.monotonic()
    while True:
        try:
            return process.wait(timeout=_HEARTBEAT_SECONDS)
        except subprocess.TimeoutExpired:
            print(f" {time.monotonic() - started:.0f} s ...", end="", flush=True)
