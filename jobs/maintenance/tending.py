"""Joins the small files of a table, and removes the files of versions that are no longer needed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from jobs.console.job import Job, clock
from jobs.maintenance.rules import Retention, retention
from jobs.warehouse.upkeep import Usage, compact, describe, disk_usage, removable_files, set_properties, vacuum
from schemas.tables import Table


@dataclass(frozen=True)
class Tended:
    """What was done to a table.

    Attributes:
        name: of the table.
        retention: what it keeps.
        before, after: what its folder holds; None if it cannot be listed. In a dry run they are the same.
        compacted: whether small files were joined, or would be.
        files_removed: number of files that were removed, or would be.
        bytes_removed: their size; None in a dry run.
    """

    name: str
    retention: Retention
    before: Usage | None
    after: Usage | None
    compacted: bool
    files_removed: int
    bytes_removed: int | None


def tend(job: Job, table: Table, needed: Collection[int], *, dry_run: bool) -> Tended:
    """Join the small files of a table that exists, and remove the files that no needed version has.

    Args:
        job: the command's job.
        table: the table.
        needed: the versions that must stay readable, besides the newest.
        dry_run: change nothing.

    Raises:
        FailedError: a newer version of this program wrote the table.
    """
    warehouse, spark = job.warehouse, job.spark
    job.print_progress(f"{table.name}: looking for files to join and to remove")
    stored = describe(warehouse, table)
    commits = {commit.version: commit.at for commit in warehouse.commits(table)}
    # Delta compares with the time at which it removes files, which may be hours after the start.
    keep = retention(needed, commits, stored.created_at, stored.properties, job.settings.maintain.keep_days, clock())
    before = disk_usage(spark, stored.location)
    if not dry_run:
        if keep.properties:
            set_properties(warehouse, table, keep.properties)
        if stored.is_fragmented:
            job.print_progress(f"{table.name}: joining {stored.current.files:,} files")
            compact(warehouse, table)
    files_removed = removable_files(warehouse, table, keep.hours) if keep.waits_for is None else 0
    bytes_removed = None if dry_run else 0
    # Otherwise VACUUM would add two entries to the log of a table from which it removes nothing.
    if files_removed and not dry_run:
        removed = vacuum(warehouse, table, keep.hours)
        # Delta's number has the empty folders that it has removed, too.
        files_removed, bytes_removed = min(files_removed, removed.files), removed.bytes
    after = before if dry_run else disk_usage(spark, stored.location)
    return Tended(table.name, keep, before, after, stored.is_fragmented, files_removed, bytes_removed)
