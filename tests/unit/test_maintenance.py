"""The rules of maintenance: which publications are kept, and for how long a table keeps what it has removed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import pytest

from jobs.lifecycle.publications import Publication
from jobs.maintenance.rules import Retention, kept_publications, retention
from jobs.warehouse.commits import Commit, first_kept_change, remembered_days, retention_properties
from jobs.warehouse.upkeep import Usage, is_fragmented

NOW = dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)
MIB = 1024 * 1024
KNOWN = "catalog-cleaner.removals-known-since"
LONG = retention_properties(120)


def ago(days: float) -> dt.datetime:
    return NOW - dt.timedelta(days=days)


def run(run_id: str, date: int, finished: float, base: str | None = None, reverts: str | None = None) -> Publication:
    at = ago(finished)
    return Publication(run_id, ago(date).date(), "nightly", "7", 0, 0, None, base, {}, {}, at, at, reverts)


def kept(*published: Publication, pinned: tuple[str, ...] = ()) -> list[str]:
    ordered = sorted(published, key=lambda each: each.run_date)
    return [each.run_id for each in kept_publications(ordered, ago(90), pinned)]


def test_publications_of_the_last_days_are_kept() -> None:
    nights = (run("a", 100, 100), run("b", 91, 91, "a"), run("c", 89, 89, "b"), run("d", 1, 1, "c"))
    assert kept(*nights) == ["c", "d"]
    assert kept(*nights, pinned=("a",)) == ["a", "c", "d"]
    assert kept() == []


def test_the_newest_publication_and_its_base_are_kept_however_old_they_are() -> None:
    assert kept(run("a", 300, 300), run("b", 200, 200, "a"), run("c", 150, 150, "b")) == ["b", "c"]


def test_what_the_newest_publication_takes_back_is_kept_so_that_it_can_be_restored() -> None:
    revert = run("r", 150, 140, "a", reverts="c")
    assert kept(run("a", 300, 300), run("b", 200, 200, "a"), run("c", 150, 150, "b"), revert) == ["a", "c", "r"]


def test_a_publication_counts_from_when_it_was_committed() -> None:
    """A shop that follows the publications read the rerun of an early date today."""
    assert kept(run("old", 200, 2), run("b", 3, 150, "old"), run("c", 1, 140, "b")) == ["b", "c", "old"]


def keep(
    needed: set[int], days: Mapping[int, float], properties: Mapping[str, str] = LONG, created: float = 400
) -> Retention:
    commits = {version: ago(age) for version, age in days.items()}
    return retention(needed, commits, ago(created), properties, 90, NOW)


def test_files_are_kept_since_the_oldest_needed_version() -> None:
    nights = {version: 100 - version for version in range(101)}
    assert keep({40, 90}, nights).hours == 60 * 24 + 1
    assert keep({40, 90}, nights).versions == (40, 90)
    assert keep({98}, nights).hours == keep(set(), nights).hours == 168


def test_a_version_that_the_log_has_lost_cannot_be_kept() -> None:
    lost = keep({3, 70}, {version: 100 - version for version in range(60, 101)})
    assert (lost.versions, lost.lost, lost.hours) == ((70,), (3,), 30 * 24 + 1)


@pytest.mark.parametrize(
    ("needed", "days", "remembered"),
    [
        ({1}, {0: 5, 1: 1}, 120),
        # Version 45 is read from the checkpoint of version 40, or if that is missing from that of 30, 95 days ago.
        ({45}, {version: 125 - version for version in range(126)}, 150),
        # A table that seldom changes: the versions needed are old, and so is the only way to read them.
        ({2}, {0: 700, 1: 500, 2: 300, 3: 2}, 750),
    ],
)
def test_delta_remembers_at_least_a_month_more_than_is_needed(
    needed: set[int], days: dict[int, float], remembered: int
) -> None:
    properties = keep(needed, days, {}).properties
    assert {name: value for name, value in properties.items() if name != KNOWN} == retention_properties(remembered)
    assert keep(needed, days, retention_properties(remembered)).properties == {}
    assert keep(needed, days, retention_properties(remembered + 30)).properties == {}


def test_nothing_is_removed_while_delta_may_have_forgotten_what_a_needed_version_lost() -> None:
    """Before, Delta forgot removals after a week. Version 0 lost a file 60 days ago, version 2 none."""
    days = {0: 200, 1: 60, 2: 50}
    first = keep({0}, days, {})
    assert first.waits_for == ago(7)
    assert first.properties[KNOWN] == ago(7).isoformat()
    later = {**retention_properties(720), KNOWN: ago(61).isoformat()}
    assert keep({0}, days, {**later, KNOWN: ago(59).isoformat()}).waits_for == ago(59)
    assert keep({0}, days, later).waits_for is None
    assert keep({2}, days, {}).waits_for is None
    # A table of the last week has not forgotten anything, nor has one that was created with enough memory.
    assert keep({0}, {0: 6, 1: 5}, {}, created=6).waits_for is None
    assert KNOWN not in keep({0}, {0: 6, 1: 5}, {}, created=6).properties
    assert keep({0}, days, retention_properties(240), created=200).waits_for is None


@pytest.mark.parametrize(
    ("value", "days"),
    [("interval 120 days", 120), ("interval 1 week", 7), ("48 hours", 2), ("interval 1 month", 7), ("", 7)],
)
def test_a_duration_that_is_not_understood_counts_as_the_default(value: str, days: float) -> None:
    assert remembered_days({"delta.deletedFileRetentionDuration": value}, "delta.deletedFileRetentionDuration") == days


def test_only_tables_with_many_small_files_are_compacted() -> None:
    assert is_fragmented(Usage(21, 21 * MIB), partitions=1)
    assert not is_fragmented(Usage(20, 20 * MIB), partitions=1)
    assert not is_fragmented(Usage(365, 365 * 1000), partitions=365)
    assert is_fragmented(Usage(385, 385 * 1000), partitions=365)
    assert not is_fragmented(Usage(1000, 1000 * 64 * MIB), partitions=1)


def commits(*operations: tuple[str, float], **retention_millis: str) -> list[Commit]:
    return [Commit(i, ago(days), name, retention_millis) for i, (name, days) in enumerate(operations, 5)]


def test_changes_are_read_only_where_no_vacuum_can_have_removed_them() -> None:
    writes = [("WRITE", 30.0), ("MERGE", 20.0), ("MERGE", 10.0)]
    assert first_kept_change([]) == 0
    assert first_kept_change(commits(*writes)) == 5
    week = {"defaultRetentionMillis": str(7 * 86_400_000)}
    assert first_kept_change(commits(*writes, ("VACUUM START", 5), ("VACUUM END", 5), **week)) == 7
    assert first_kept_change(commits(*writes, ("VACUUM START", 2.9), **week)) == 7 + 1
    longer = {**week, "specifiedRetentionMillis": str(18 * 86_400_000)}
    assert first_kept_change(commits(*writes, ("VACUUM START", 2.9), **longer)) == 6
    # The files of a commit are written before it.
    assert first_kept_change(commits(*writes, ("VACUUM START", 3.01), **week)) == 8
    nothing = {"defaultRetentionMillis": "0"}
    assert first_kept_change(commits(*writes, ("VACUUM START", 0), **nothing)) == 9
