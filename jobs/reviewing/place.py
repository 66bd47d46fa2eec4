"""Where the store of a warehouse's review page is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from conf.review_settings import ReviewSettings
from jobs.warehouse.address import Address
from schemas.errors import HeldError, UsageError

_FOLDER = "_review"


def store_folder(address: Address, settings: ReviewSettings) -> Path:
    """The folder of the store, which need not exist.

    Raises:
        UsageError: the warehouse is not a local folder, and the settings name none.
    """
    if settings.store is not None:
        return Path(settings.store).expanduser().resolve()
    if address.folder is None:
        raise UsageError(
            f"{address.text} is not a folder of this machine, so the review page needs one for what is open and for "
            "the answers: name it with --set review.store=/path/to/folder, always the same one."
        )
    return address.folder / _FOLDER


def known_store(address: Address, settings: ReviewSettings) -> Path | None:
    """The folder of the store; None if the warehouse is not a local folder, and the settings name none."""
    return None if settings.store is None and address.folder is None else store_folder(address, settings)


@contextmanager
def held_store(folder: Path) -> Iterator[None]:
    """Make sure that one process at a time takes answers out of a store and renews its export.

    Raises:
        HeldError: another process does.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with FileLock(folder / "sync.lock", timeout=0):
            yield
    except Timeout:
        raise HeldError(f"another process renews {folder} already; nothing is left to do.") from None
