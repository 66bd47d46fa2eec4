"""The access log of the review page: its lines, who can read it, how long it is kept, and what an erasure leaves."""

from __future__ import annotations

import datetime as dt
import json
import logging
from pathlib import Path

import pytest

from jobs.erasure.names import Names
from jobs.reviewing.access_log import FILE, AccessLog, forget_old_accesses
from jobs.reviewing.database import Store
from jobs.reviewing.forgetting import forget_in_store

NOON = dt.datetime(2026, 11, 10, 12, tzinfo=dt.UTC)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / FILE).read_text(encoding="utf-8").splitlines()]


def test_a_line_says_who_did_what_when_and_with_which_listings_by_their_hashes(store: Store) -> None:
    log = AccessLog(store)
    log.write(NOON, "ada", "answered", ["L0000123", "L0000124"], role="reviewer", batch=None)
    log.write(NOON, None, "failed sign-in", (), address="127.0.0.1")
    assert lines(store.folder) == [
        {
            "time": "2026-11-10T12:00:00.000+00:00",
            "user": "ada",
            "what": "answered",
            "listings": [log.name_of("L0000123"), log.name_of("L0000124")],
            "role": "reviewer",
        },
        {
            "time": "2026-11-10T12:00:00.000+00:00",
            "user": None,
            "what": "failed sign-in",
            "listings": [],
            "address": "127.0.0.1",
        },
    ]
    assert len(set(map(log.name_of, ("L0000123", "L0000124", "")))) == 3
    assert AccessLog(Store(store.folder)).name_of("L0000123") == log.name_of("L0000123"), "after a new start, too"


def test_it_is_appended_to_and_only_its_owner_can_read_it(store: Store) -> None:
    for user in ("ada", "bob"):
        AccessLog(store).write(NOON, user, "shown", ["L1"])
    assert [each["user"] for each in lines(store.folder)] == ["ada", "bob"]
    assert (store.folder / FILE).stat().st_mode & 0o777 == 0o600


def test_each_day_has_its_file_and_old_ones_go(store: Store) -> None:
    log = AccessLog(store)
    log.write(NOON, "ada", "shown", ["L1"])
    log._handler.rolloverAt = 1  # midnight was long ago
    log.write(NOON, "bob", "shown", ["L1"])
    [before] = list(store.folder.glob(f"{FILE}.*"))
    assert "ada" in before.read_text()
    assert [each["user"] for each in lines(store.folder)] == ["bob"]
    assert (store.folder / FILE).stat().st_mode & 0o777 == 0o600
    before.unlink()
    for day in ("2026-08-11", "2026-08-12", "2026-11-09"):
        (store.folder / f"{FILE}.{day}").write_text("{}\n")
    other = store.folder / f"{FILE}.note"
    other.write_text("not ours")
    forget_old_accesses(store.folder, NOON, 90)
    left = sorted(path.name for path in store.folder.glob(f"{FILE}*"))
    assert left == [FILE, f"{FILE}.2026-08-12", f"{FILE}.2026-11-09", other.name]


def test_an_erasure_leaves_the_log_whole_and_there_is_no_id_in_it(store: Store) -> None:
    log = AccessLog(store)
    log.write(NOON, "ada", "shown", ["L0000123"])
    before = (store.folder / FILE).read_bytes()
    forget_in_store(store.folder, Names(frozenset({"L0000123"}), frozenset()))
    assert (store.folder / FILE).read_bytes() == before
    assert b"L0000123" not in before
    again = AccessLog(Store(store.folder))
    assert again.name_of("L0000123").encode() in before, "it can still be looked up"


def test_a_line_that_cannot_be_written_is_told_and_the_work_goes_on(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    log = AccessLog(store)
    (store.folder / FILE).mkdir()
    with caplog.at_level(logging.ERROR):
        log.write(NOON, "ada", "shown", ["L1"])
    assert "the access log cannot be written" in caplog.text
    assert log.name_of("L1") in caplog.text
