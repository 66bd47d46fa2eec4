"""The changes that a command makes to a folder, each seen before it is made: to list them, or to kill it there.

Whatever a process does between two changes of the folder leaves no trace when it is killed. So the moments just before
each change are all moments that matter, and listing the changes of an undisturbed run finds them all.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue

from jobs.warehouse.folders import DELETED
from tests.programs import guarded, kill_carriers

_SOURCE = Path(__file__).with_name("file_events.c")
_RANDOM = (
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "*"),
    (r"[0-9a-f]{32}", "*"),
    (r"([a-z]+)([-_]\d{4}[-_]\d\d[-_]\d\d[-_])[0-9a-f]{6}", r"\1\2*"),
    (r"part-\d{5}", "part"),
    (r"(mlflow/.*)/[0-9]{18}/", r"\1/*/"),
)
"""Parts of names that differ from run to run."""


GO_ON, KILL = 0, -1
"""Answers to a change."""


_DATA = re.compile(r"/(part-|deletion_vector_|_change_data|_staged_commits$)|=[^/]*$|^mlflow/artifacts/")
"""Files of a Delta table, folders of its partitions, and files of models. They are nothing without a commit that names
them, or an entry of the registry."""
_UNREAD = re.compile(rf"^_work/[^/]+/|/{DELETED}[^/]*/|/\d{{20}}\.crc$")
"""What a training writes into its folder, which others only delete; what is in a folder that is being deleted; and the
checksum of a version, which Delta writes after its commit and can do without."""


@dataclass(frozen=True, order=True)
class Change:
    """A change of a folder.

    Attributes:
        operation: create, truncate, write (the first to an open file), rename, link, delete or mkdir.
        path: relative to the folder, without random parts; of a rename, the new name.
        number: 1 for the first change of this operation and path in a run, 2 for the second ...
    """

    operation: str
    path: str
    number: int

    def __str__(self) -> str:
        return f"{self.operation} {self.path}#{self.number}"


@dataclass(frozen=True)
class Ended:
    """How a watched command ended.

    Attributes:
        changes: the changes, in order; the last one is not made if the command was killed there.
        code: the exit code; negative: the signal.
        output: the end of standard output and standard error.
    """

    changes: list[Change]
    code: int
    output: str


def compile_watcher(folder: Path) -> Path:
    """Compile file_events.c; returns the library."""
    library = folder / "file_events.so"
    compiler = os.environ.get("CXX", "c++")
    subprocess.run(
        [compiler, "-x", "c", "-O1", "-shared", "-fPIC", str(_SOURCE), "-o", str(library), "-ldl"], check=True
    )
    return library


def run_watched(
    library: Path,
    folder: Path,
    words: Sequence[str],
    before: Callable[[Change], int] = lambda _: GO_ON,
    timeout_seconds: float = 900,
) -> Ended:
    """Run a program and list the changes that it makes to a folder; decide about each before it is made.

    Args:
        library: from `compile_watcher`.
        folder: the folder, an absolute path.
        words: the program and its arguments.
        before: called before each change, one at a time, in the caller's thread. It returns GO_ON, KILL (all processes
            of the run: Python, the JVM and Python workers), or the number of an error with which the change fails, such
            as `errno.ENOSPC`.
        timeout_seconds: how long the program may take.

    Raises:
        subprocess.TimeoutExpired: it took longer.
    """
    changes: list[Change] = []
    seen: Counter[tuple[str, str]] = Counter()
    log = folder.parent / f"{folder.name}.log"
    with guarded() as mark, _listening(folder) as (address, announced), log.open("wb") as out:
        environment = os.environ | mark
        environment |= {"LD_PRELOAD": str(library), "CRASH_ROOT": str(folder), "CRASH_SOCKET": address}
        process = subprocess.Popen(list(words), env=environment, stdout=out, stderr=out)
        until = time.monotonic() + timeout_seconds
        while process.poll() is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired(process.args, timeout_seconds)
            try:
                operation, path, connection = announced.get(timeout=0.1)
            except Empty:
                continue
            kind = operation, _general(path)
            seen[kind] += 1
            changes.append(Change(*kind, seen[kind]))
            with connection:
                answer = before(changes[-1])
                if answer == KILL:
                    kill_carriers(mark)
                else:
                    with suppress(BrokenPipeError):  # the process has been killed
                        connection.sendall(bytes([answer]))
    return Ended(changes, process.returncode, log.read_text(errors="replace")[-3000:])


def is_point(change: Change) -> bool:
    """Whether the change alters what another process can read, so that it matters whether a kill is before or after it.

    Nobody reads data files before something names them, nor hidden files: checksums, and temporary files that are
    renamed when they are complete. All of them lie there when the command is killed just before the change that makes
    them visible. Of several changes of one kind, the first is a point. But the registry's database removes its journal
    at the end of each transaction, and a folder of any name is renamed to `deleted_*` before it is deleted, so each
    time is one.
    """
    name = change.path.rpartition("/")[2]
    unnamed = change.operation in ("create", "write", "mkdir") and _DATA.search(change.path)
    if unnamed or name.startswith(".") or _UNREAD.search(change.path):
        return False
    repeated = change.operation in ("delete", "rename") and (name.endswith("-journal") or name.startswith(DELETED))
    return change.number == 1 or repeated


def _general(path: str) -> str:
    for pattern, replacement in _RANDOM:
        path = re.sub(pattern, replacement, path)
    return path


@contextmanager
def _listening(folder: Path) -> Iterator[tuple[str, Queue[tuple[str, str, socket.socket]]]]:
    """Receive the announcements of file_events.c; yields the socket's address, and the announcements.

    An announcement is the operation, the path relative to the folder, and the connection to answer. Who announces a
    change waits until it is answered.
    """
    announced: Queue[tuple[str, str, socket.socket]] = Queue()
    address = f"/tmp/crash-{os.getpid()}-{threading.get_ident()}"  # noqa: S108 - a socket's path must be short

    def receive(connection: socket.socket) -> None:
        line = connection.makefile(encoding="utf-8").readline().rstrip("\n")
        operation, _, path = line.partition(" ")
        if path:
            announced.put((operation, str(Path(path).relative_to(folder)), connection))
        else:  # the process was killed
            connection.close()

    def serve(server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=receive, args=(connection,), daemon=True).start()

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen(256)
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        try:
            yield address, announced
        finally:
            server.shutdown(socket.SHUT_RDWR)
            Path(address).unlink()
