"""Where the benchmarks work: what is prepared once and kept, and what is gone at the end."""

from __future__ import annotations

import fcntl
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

ROOT = Path(__file__).resolve().parent.parent
_MARK = "made-from.json"


@dataclass(frozen=True)
class Place:
    """A run's folders.

    Attributes:
        work: kept; holds what is prepared.
        scratch: for everything else, temporary files of started programs too; removed at the end.
        say: shows a line of progress.
    """

    work: Path
    scratch: Path
    say: Callable[[str], None]

    def prepare(self, name: str, made_from: Mapping[str, object], make: Callable[[Path], None]) -> Path:
        """A folder that is made once: one that an interrupted run left half made, or made from else, is made anew.

        Args:
            name: below `work`.
            made_from: what it depends on, as JSON values; kept as the mark that it is whole.
            make: fills the folder, which is there and empty.
        """
        folder = self.work / name
        mark = folder / _MARK
        wanted = json.dumps(made_from, sort_keys=True)
        if mark.is_file() and mark.read_text(encoding="utf-8") == wanted:
            self.say(f"{name}: is there")
            return folder
        self.say(f"{name}: making it")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make(folder)
        mark.write_text(wanted, encoding="utf-8")
        return folder


@contextmanager
def open_place(work: Path) -> Iterator[Place]:
    """Hold a work folder for a run.

    Raises:
        SystemExit: another run holds it.
    """
    work = work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    started, console = time.monotonic(), Console(stderr=True, highlight=False)

    def say(line: str) -> None:
        console.print(f"{time.monotonic() - started:8.1f} s  {line}", markup=False, soft_wrap=True)

    with (work / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(
                f"another run of the benchmarks works in {work}: wait for it, or name another --work."
            ) from None
        scratch = work / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)  # of a run that was killed
        scratch.mkdir()
        try:
            yield Place(work, scratch, say)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
