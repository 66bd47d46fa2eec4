"""`catalog-cleaner report`: what a publication says of the catalogue, in the terminal and as a page with pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jobs.console.job import Job, open_job, reported_errors
from jobs.console.options import JsonOption, ProfileOption, SetOption, WarehouseOption
from jobs.console.summary import Summary
from jobs.reporting.examples import read_examples
from jobs.reporting.figures import read_figures
from jobs.reporting.pictures import read_thumbnails
from jobs.reporting.publication_snapshot import find_snapshot
from jobs.reporting.target import check_target, write_whole
from jobs.reporting.terminal import summarise

RunOption = Annotated[
    str | None, typer.Option("--run", metavar="RUN_ID", help="A published run; the newest by default.")
]
HtmlOption = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Also write a page with pictures, one file, here.")
]


def main(
    warehouse: WarehouseOption,
    run: RunOption = None,
    html: HtmlOption = None,
    profile: ProfileOption = "local",
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a publication: error before and after, corrections, the work list, sellers, and how nights compare.

    Reads every table as it stood when the run was published; changes nothing and takes no lock.
    """
    with reported_errors():
        if html is not None:
            check_target(html)
    with open_job("report", warehouse, profile, overrides, as_json) as job:
        job.finish(report(job, run, html))


def report(job: Job, run_id: str | None = None, html: Path | None = None) -> Summary:
    """The report of a publication, the newest for None; with `html` the page is written there."""
    snapshot = find_snapshot(job.warehouse, run_id)
    job.say(f"reading {snapshot.run.run_id}")
    names = snapshot.names()
    figures = read_figures(snapshot, names)
    examples = read_examples(snapshot, figures.changes, names)
    if html is not None:
        from jobs.reporting.page import render  # noqa: PLC0415 - matplotlib takes a second, and only the page needs it

        job.say("drawing the page")
        write_whole(html, render(figures, examples, read_thumbnails(snapshot, examples.listing_ids, job.settings)))
    return summarise(figures, examples, job.warehouse.location, str(html) if html is not None else None)


if __name__ == "__main__":
    typer.run(main)
