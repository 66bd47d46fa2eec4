"""Runs programs in the scratch folder, monitors them, and stops them and their child processes at the end."""

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

from benchmarks.memory import ProcessMonitor
from benchmarks.work_folder import ROOT, WorkFolder

_GRACE_SECONDS = 10


class ProgramError(Exception):
    """Raised when a started program fails; the message contains the end of its log."""


@dataclass(frozen=True)
class Program:
    """A running program.

    Attributes:
        process: the process, with pipes for standard input and output.
        monitor: its memory monitor.
        log: the file with its standard error.
    """

    process: subprocess.Popen[str]
    monitor: ProcessMonitor
    log: Path

    def ask(self, **request: object) -> dict[str, Any]:
        """Send a request to a program that runs `benchmarks.serve`, and wait for the answer.

        Raises:
            ProgramError: the program has ended.
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
        """Wait until a program without input ends; return its standard output.

        Raises:
            ProgramError: its exit code is not 0.
        """
        output, _ = self.process.communicate()
        if self.process.returncode != 0:
            raise ProgramError(f"{self.process.args!r} ended with {self.process.returncode}:\n{_tail(self.log)}")
        return output


@contextmanager
def start_program(work: WorkFolder, words: Sequence[str | Path], *, spark: bool = True) -> Iterator[Program]:
    """Run a program; on leaving the context, it and its child processes are stopped.

    Args:
        work: its scratch folder is the program's working directory and temporary folder.
        words: path of the program, and arguments.
        spark: as in `ProcessMonitor`.
    """
    log = work.scratch / f"log-{len(list(work.scratch.glob('log-*')))}"
    wrapper = [sys.executable, "-m", "benchmarks.exit_with_parent", str(os.getpid())]
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [*wrapper, *map(str, words)],
            cwd=work.scratch,
            env={**os.environ, **_environment(work)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    monitor = ProcessMonitor(process.pid, spark)
    try:
        yield Program(process, monitor, log)
    finally:
        _end(process, monitor)


def serve_command(module: str, *arguments: str | Path) -> list[str | Path]:
    """The command line that starts a module of this package that uses `benchmarks.serve`."""
    return [sys.executable, "-m", f"benchmarks.{module}", *arguments]


def command_line(*words: str | Path) -> list[str | Path]:
    """The command line of a catalog-cleaner command, with this environment's Python."""
    return [sys.executable, "-m", "jobs.cli", *words]


def _environment(work: WorkFolder) -> Mapping[str, str]:
    """Temporary files of Python and the JVM go to scratch, so that a killed process leaves nothing elsewhere."""
    options = f'{os.environ.get("JAVA_TOOL_OPTIONS", "")} "-Djava.io.tmpdir={work.scratch}"'
    return {
        "PYTHONPATH": str(ROOT),
        "PYSPARK_PYTHON": sys.executable,
        "TMPDIR": str(work.scratch),
        "SPARK_LOCAL_DIRS": str(work.scratch),
        "JAVA_TOOL_OPTIONS": options.strip(),
        "COLUMNS": "200",
    }


def _end(process: subprocess.Popen[str], monitor: ProcessMonitor) -> None:
    """Close its input, which ends a server; then terminate, and at last kill, the processes that still run."""
    if process.stdin is not None:
        with suppress(BrokenPipeError):
            process.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_SECONDS)
    running = monitor.close()
    for end in (psutil.Process.terminate, psutil.Process.kill):
        _, running = psutil.wait_procs(running, timeout=2)
        for process_left in running:
            with suppress(psutil.NoSuchProcess):
                end(process_left)
    psutil.wait_procs(running, timeout=_GRACE_SECONDS)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _tail(log: Path) -> str:
    return "\n".join(f"    {line}" for line in log.read_text(encoding="utf-8", errors="replace").splitlines()[-30:])
