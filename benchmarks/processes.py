"""Starts programs in the scratch folder, watches them, and leaves none of them behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.memory import Watch
from benchmarks.place import ROOT, Place

_GRACE_SECONDS = 10


class ProgramError(Exception):
    """Raised when a started program fails; the message carries the end of what it said."""


@dataclass(frozen=True)
class Program:
    """A running program.

    Attributes:
        process: with its standard input and output as pipes.
        watch: on its memory.
        log: what it writes to standard error.
    """

    process: subprocess.Popen[str]
    watch: Watch
    log: Path

    def ask(self, **request: object) -> dict[str, Any]:
        """Send a request to a program that serves (`benchmarks.serve`), and wait for its answer.

        Raises:
            ProgramError: it has ended.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise ProgramError(f"{request} was not answered:\n{_tail(self.log)}")
        return dict(json.loads(answer))

    def finish(self) -> str:
        """Wait for the end of a program that needs no input; what it wrote to standard output.

        Raises:
            ProgramError: it did not end with 0.
        """
        output, _ = self.process.communicate()
        if self.process.returncode != 0:
            raise ProgramError(f"{self.process.args!r} ended with {self.process.returncode}:\n{_tail(self.log)}")
        return output


@contextmanager
def started(place: Place, words: Sequence[str | Path], *, spark: bool = True) -> Iterator[Program]:
    """Run a program beside this one; at the end it is stopped, and everything that it has started.

    Args:
        place: where; its temporary files and what it leaves in its working folder go to scratch.
        words: program, by its path, and arguments.
        spark: as in `Watch`.
    """
    log = place.scratch / f"log-{len(list(place.scratch.glob('log-*')))}"
    leash = [sys.executable, "-m", "benchmarks.leash", str(os.getpid())]
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [*leash, *map(str, words)],
            cwd=place.scratch,
            env={**os.environ, **_environment(place)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    watch = Watch(process.pid, spark)
    try:
        yield Program(process, watch, log)
    finally:
        _end(process, watch)


def serve_command(module: str, *arguments: str | Path) -> list[str | Path]:
    """The words that start a module of ours which serves."""
    return [sys.executable, "-m", f"benchmarks.{module}", *arguments]


def command_line(*words: str | Path) -> list[str | Path]:
    """The words that run a command of catalog-cleaner, as a person would, with this environment's Python."""
    return [sys.executable, "-m", "jobs.cli", *words]


def _environment(place: Place) -> Mapping[str, str]:
    """Temporary files of Python and of the JVM go to scratch, so that nothing stays where a process was killed."""
    options = f'{os.environ.get("JAVA_TOOL_OPTIONS", "")} "-Djava.io.tmpdir={place.scratch}"'
    return {
        "PYTHONPATH": str(ROOT),
        "PYSPARK_PYTHON": sys.executable,
        "TMPDIR": str(place.scratch),
        "SPARK_LOCAL_DIRS": str(place.scratch),
        "JAVA_TOOL_OPTIONS": options.strip(),
        "COLUMNS": "200",
    }


def _end(process: subprocess.Popen[str], watch: Watch) -> None:
    """Close its input, at which what serves ends by itself; then ask, then kill, whatever still lives."""
    if process.stdin is not None:
        with suppress(BrokenPipeError):
            process.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_SECONDS)
    living = watch.close()
    for end in (psutil.Process.terminate, psutil.Process.kill):
        _, living = psutil.wait_procs(living, timeout=2)
        for left in living:
            with suppress(psutil.NoSuchProcess):
                end(left)
    psutil.wait_procs(living, timeout=_GRACE_SECONDS)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _tail(log: Path) -> str:
    return "\n".join(f"    {line}" for line in log.read_text(encoding="utf-8", errors="replace").splitlines()[-30:])
