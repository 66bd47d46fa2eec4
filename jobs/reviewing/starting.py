"""What the command hands to the server's process, and how it becomes that process."""

from __future__ import annotations

import json
import os
import socket
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

from schemas.errors import UsageError


@dataclass(frozen=True)
class Options:
    """What the server needs to know.

    Attributes:
        folder: the store.
        warehouse: the warehouse's folder; None if it is not a local one.
        host, port: where it listens.
        reviewer, role: the one local reviewer.
        second_share, known_share: as in the settings.
        proxy: as in the settings.
        renew_command: the words of the command that writes answers and renews the export.
        renew_minutes: how often it runs at most, unless a night has published.
    """

    folder: str
    warehouse: str | None
    host: str
    port: int
    reviewer: str
    role: str
    second_share: float
    known_share: float
    renew_command: tuple[str, ...]
    renew_minutes: float
    proxy: dict[str, str | None]


def become_server(options: Options) -> NoReturn:
    """Replace this process by the server's, so that it gets the terminal's signals and needs little memory."""
    words = [sys.executable, "-m", "jobs.reviewing.serving", json.dumps(asdict(options))]
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, words, {**os.environ, "PYTHONPATH": path})  # noqa: S606 - no shell is wanted


def refuse_used_port(host: str, port: int) -> None:
    """Make sure that nothing else listens at a port.

    Raises:
        UsageError: something does, or the system does not allow the port.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UsageError(
                f"--port {port}: cannot listen there ({error.strerror}); perhaps a review page already does. Give "
                "another port."
            ) from error
