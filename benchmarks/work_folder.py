"""The benchmarkers' work folder: prepared data that is kept, and a scratch folder that is deleted at the end."""

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
_MARKER = "made-from.json"


@dataclass(frozen=True)
class WorkFolder:
    """The folders of a benchmarker run.

    Attributes:
        path: is kept; holds the prepared data.
        scratch: for everything else, including temporary files of started programs; deleted at the end.
        say: prints a progress message.
    """

    path: Path
    scratch: Path
    say: Callable[[str], None]

    def prepare(self, name: str, made_from: Mapping[str, object], make: Callable[[Path], None]) -> Path:
        """A folder that is made once; it is made again if it is incomplete or was made from something else.

        Args:
            name: of the folder below `path`.
            made_from: what it depends on, as JSON values; stored in the folder when it is complete.
            make: fills the empty folder.
        """
        folder = self.path / name
        marker = folder / _MARKER
        wanted = json.dumps(made_from, sort_keys=True)
        if marker.is_file() and marker.read_text(encoding="utf-8") == wanted:
            self.say(f"{name}: found")
            return folder
        self.say(f"{name}: preparing")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make(folder)
        marker.write_text(wanted, encoding="utf-8")
        return folder


@contextmanager
def open_work_folder(work: Path) -> Iterator[WorkFolder]:
    """Open and lock a work folder for a run.

    Raises:
        SystemExit: another run uses it.
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
                f"another run of the benchmarkers uses {work}: wait for it, or name another --work."
            ) from None
        scratch = work / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)  # left by a run that was killed
        scratch.mkdir()
        try:
            yield WorkFolder(work, scratch, say)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
