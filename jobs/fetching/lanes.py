"""Fetches many pictures at the same time, but only a few from one host."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from conf.fetch_settings import FetchSettings
from jobs.fetching.http_client import Answer, Client
from jobs.fetching.targets import parse_target

Kept = TypeVar("Kept")

_FAILURES = 5
"""After so many pictures in a row for which a host was down, it is left alone during the run."""


@dataclass
class Hosts:
    """The hosts of a run that are down. Threads share it."""

    _failures: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, host: str, *, is_down: bool) -> None:
        """An answer has been received, or not."""
        with self._lock:
            if not self._is_down(host):
                self._failures[host] = self._failures.get(host, 0) + 1 if is_down else 0

    def is_down(self, host: str) -> bool:
        """Whether the host is left alone."""
        with self._lock:
            return self._is_down(host)

    def _is_down(self, host: str) -> bool:
        return self._failures.get(host, 0) >= _FAILURES

    @property
    def down(self) -> list[str]:
        """The hosts that are left alone."""
        with self._lock:
            return sorted(host for host in self._failures if self._is_down(host))


def fetch_all(
    uris: Iterable[str],
    settings: FetchSettings,
    hosts: Hosts,
    open_client: Callable[[], Client],
    ask: Callable[[Client, str], Answer],
    keep: Callable[[str, Answer], Kept],
) -> list[Kept]:
    """Fetch pictures in threads. Each host has a few lanes, and each lane fetches one picture after the other.

    Args:
        uris: http and https URIs of allowed hosts.
        settings: how many pictures are fetched at the same time.
        hosts: the hosts that are down; pictures of these are left out.
        open_client: makes a client, for each lane.
        ask: asks for a picture.
        keep: keeps the answer about a URI; called in the threads, so that only a few answers are in memory.

    Returns:
        What `keep` has returned, in no order.
    """
    queues: dict[str, deque[str]] = {}
    for uri in uris:
        queues.setdefault(host_of(uri), deque()).append(uri)
    kept: list[Kept] = []
    stopped = threading.Event()

    def work(host: str) -> None:
        queue, client = queues[host], open_client()
        try:
            while not stopped.is_set() and not hosts.is_down(host):
                try:
                    uri = queue.popleft()
                except IndexError:
                    return
                answer = ask(client, uri)
                hosts.note(host, is_down=answer.is_down)
                kept.append(keep(uri, answer))
        finally:
            client.close()

    with ThreadPoolExecutor(settings.parallel, thread_name_prefix="fetch") as pool:
        lanes = [pool.submit(work, host) for host in _in_turn(queues, settings.parallel_per_host)]
        try:
            for lane in lanes:
                lane.result()
        except BaseException:  # also if a person stops the command: what is under way ends, nothing new begins
            stopped.set()
            raise
    return kept


def host_of(uri: str) -> str:
    """The host of a URI, with its port; empty if it is no http or https URI."""
    target = parse_target(uri)
    return "" if target is None else f"{target.host}:{target.port}"


def _in_turn(queues: dict[str, deque[str]], per_host: int) -> Iterator[str]:
    """The hosts, each as often as it has lanes; first one lane of each, so that all begin at once."""
    for lane in range(per_host):
        yield from (host for host, queue in queues.items() if lane < len(queue))
