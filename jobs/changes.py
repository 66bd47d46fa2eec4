"""`catalog-cleaner changes`: what a shop must apply to follow the publications."""

from __future__ import annotations

import math
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.console.command import as_command, run_command
from jobs.console.job import Job
from jobs.console.summary import Section, Summary
from jobs.console.target import check_target, written_atomically
from jobs.lifecycle.publications import publications_since
from jobs.timeline.changes import COLUMNS, compare_publications
from jobs.timeline.steps.comparison import Change
from jobs.warehouse.caches import cached

SinceOption = Annotated[
    str, typer.Option("--since", metavar="RUN_ID", help="Publication up to which changes have been applied.")
]
UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="RUN_ID", help="Last publication to compare; default: the newest.")
]
OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        metavar="FILE",
        help="Write all changes to this file, as JSON lines.",
    ),
]

_SHOWN = 20
_ORDER = ("position", "listing_id")
_ROWS_AT_ONCE = 100_000
"""About how many changes the driver holds while it writes the file."""


def changes(job: Job, since: SinceOption, until: UntilOption = None, output: OutputOption = None) -> Summary:
    """List how the categories to show have changed since a publication, for a shop that applies every change once.

    Compares the publications in the order in which they were committed. Prints the number of changes and the first
    ones; --output writes all of them. Store the run id that is printed as `until`, and give it to --since the next
    time. Changes nothing and can run at any time.
    """
    if output is not None:
        check_target(output, "--output", "changes.jsonl")
    job.require_listings()
    publications = publications_since(job.warehouse, since, until)
    job.print_progress(f"comparing {len(publications):,} publications")
    with ExitStack() as at_end:
        found = cached(compare_publications(job.warehouse, publications), at_end)
        counts = {
            (row.position, row.change): int(row.changes)
            for row in found.groupBy("position", "change").agg(F.count(F.lit(1)).alias("changes")).collect()
        }
        total = sum(counts.values())
        first = found.orderBy(*_ORDER).limit(_SHOWN).collect()
        if output is not None:
            job.print_progress(f"writing {total:,} changes to {output}")
            _write(found, total, output)
    by_kind = {kind.value: sum(n for (_, change), n in counts.items() if change == kind) for kind in Change}
    by_publication = [
        (position, run.run_id, *(counts.get((position, kind.value), 0) for kind in Change))
        for position, run in enumerate(publications)
        if position > 0
    ]
    facts: dict[str, object] = {
        "since": since,
        "until": publications[-1].run_id,
        "publications": len(publications) - 1,
        "changes": total,
        **by_kind,
        "output": output and str(output),
    }
    return Summary(
        f"Changes in {job.warehouse.location}",
        facts,
        (
            Section("by publication", ("position", "run_id", *(kind.value for kind in Change)), by_publication),
            Section(
                "first changes",
                COLUMNS,
                [tuple(row) for row in first],
                shown=("position", "listing_id", "change", "effective_category", "previous_category"),
            ),
        ),
        _hints(job, publications[-1].run_id, total, output),
    )


def _hints(job: Job, until: str, total: int, output: Path | None) -> tuple[str, ...]:
    following = f"Once they are applied:  catalog-cleaner changes --since {until} --warehouse {job.warehouse.location}"
    if total > _SHOWN and output is None:
        return (f"These are the first {_SHOWN} changes. Write all of them with --output changes.jsonl", following)
    return (following,)


def _write(found: DataFrame, total: int, output: Path) -> None:
    """Write changes as JSON lines in the order of position and listing_id.

    The driver receives them part by part. Each part has about the same number of rows, because Spark draws a sample to
    divide them.
    """
    parts = max(math.ceil(total / _ROWS_AT_ONCE), 1)
    ordered = found.repartitionByRange(parts, *_ORDER).sortWithinPartitions(*_ORDER)
    lines = ordered.select(F.to_json(F.struct(*COLUMNS), {"ignoreNullFields": "false"}).alias("line"))
    with written_atomically(output) as out:
        for row in lines.toLocalIterator():
            out.write(f"{row.line}\n")


main = as_command("changes", changes)

if __name__ == "__main__":
    run_command(main)
