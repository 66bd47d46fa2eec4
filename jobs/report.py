"""`catalog-cleaner report`: show a published run in the terminal or as an HTML page with pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jobs.console.command import as_command, run_command
from jobs.console.job import Job
from jobs.console.options import stored_id
from jobs.console.summary import Summary
from jobs.console.target import check_target, written_atomically
from jobs.reporting.examples import read_examples
from jobs.reporting.figures import read_figures
from jobs.reporting.letter import letter_summary
from jobs.reporting.pictures import read_thumbnails
from jobs.reporting.publication_snapshot import find_snapshot
from jobs.reporting.seller_record import read_seller
from jobs.reporting.terminal import report_summary

RunOption = Annotated[
    str | None, typer.Option("--run", metavar="RUN_ID", help="Published run to show; default: the newest.")
]
HtmlOption = Annotated[
    Path | None,
    typer.Option(
        "--html",
        metavar="FILE",
        help="Also write the report with pictures, or the letter, to this HTML file.",
    ),
]
SellerOption = Annotated[
    str | None, typer.Option("--seller", metavar="SELLER_ID", help="Write a letter to this seller instead.")
]


def report(job: Job, run: RunOption = None, html: HtmlOption = None, seller: SellerOption = None) -> Summary:
    """Show the results of a published run.

    Shows the error before and after cleaning, corrections, the work list, sellers and earlier runs. With --seller, it
    shows a letter instead, which tells the seller what was changed and what to look out for. Reads the tables as they
    were when the run was published. Changes nothing and can run at any time.
    """
    if html is not None:
        check_target(html, "--html", "report.html")
    job.require_listings()
    snapshot = find_snapshot(job.warehouse, run)
    job.print_progress(f"reading {snapshot.run.run_id}")
    names = snapshot.names()
    if seller is not None:
        return letter_summary(read_seller(snapshot, stored_id(seller), names), html)
    figures = read_figures(snapshot, names)
    examples = read_examples(snapshot, figures.changes, names)
    if html is not None:
        from jobs.reporting.page import render  # noqa: PLC0415 - matplotlib takes a second, and only the page needs it

        job.print_progress("writing the page")
        page = render(figures, examples, read_thumbnails(snapshot, examples.listing_ids, job.settings))
        with written_atomically(html) as out:
            out.write(page)
    return report_summary(figures, examples, job.warehouse.location, str(html) if html is not None else None)


main = as_command("report", report)

if __name__ == "__main__":
    run_command(main)
