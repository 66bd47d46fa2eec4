"""Breaks connections off when the time of an attempt is over.

A limit for each read is not enough, because a host may send a byte now and then.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress
from types import TracebackType


class TimeLimit:
    """The time of one attempt: a context in which sockets can be watched.

    The resolution of a name cannot be broken off, so an attempt may last longer by the time of a resolution. No
    connection is opened after it.
    """

    def __init__(self, seconds: float) -> None:
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._watched: list[socket.socket] = []
        self._end = time.monotonic() + seconds
        self._timer = threading.Timer(seconds, self._stop)
        self._timer.daemon = True

    def __enter__(self) -> TimeLimit:
        """Begin."""
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End; sockets that were watched stay open."""
        self._timer.cancel()
        with self._lock:
            for copy in self._watched:
                copy.close()
            self._watched.clear()

    @property
    def is_over(self) -> bool:
        """Whether the time is over. What has been received then may be cut off."""
        # The timer may be late on a busy machine, or early by a tick.
        return self._over.is_set() or time.monotonic() >= self._end

    def seconds_left(self) -> float:
        """The seconds that are left, more than zero.

        Raises:
            TimeoutError: none.
        """
        left = self._end - time.monotonic()
        if self.is_over:
            raise TimeoutError
        return left

    def watch(self, connected: socket.socket) -> None:
        """Shut this socket down when the time is over.

        Raises:
            TimeoutError: it is over now.
        """
        # A copy, because http.client forgets the socket of an answer that ends with the connection, and TLS takes over
        # that of a connection. Shutting one copy down shuts down all.
        copy = socket.socket(fileno=os.dup(connected.fileno()))
        with self._lock:
            self._watched.append(copy)
        if self.is_over:
            raise TimeoutError

    def _stop(self) -> None:
        self._over.set()
        with self._lock:
            for copy in self._watched:
                with suppress(OSError):  # the other side has closed it
                    copy.shutdown(socket.SHUT_RDWR)
