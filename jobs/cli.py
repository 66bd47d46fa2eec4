"""`catalog-cleaner`: the command line. Each command is a separate module, which spark-submit can also run."""

from __future__ import annotations

import typer

from jobs import (
    backfill,
    changes,
    demo,
    encode,
    erase,
    explain,
    ingest,
    maintain,
    models,
    nightly,
    report,
    revert,
    review,
    runs,
    train,
)
from jobs.console.command import Command

app = typer.Typer(
    name="catalog-cleaner",
    help="Find and correct wrong categories in a marketplace's product catalogue.\n\n"
    "A model classifies every listing by its text and picture. Categories that are almost certainly wrong are "
    "corrected; uncertain ones go to a work list for people.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,
)
app.command("demo", cls=Command)(demo.main)
app.command("ingest", cls=Command)(ingest.main)
app.command("encode", cls=Command)(encode.main)
app.command("train", cls=Command)(train.main)
app.command("nightly", cls=Command)(nightly.main)
app.command("backfill", cls=Command)(backfill.main)
app.command("revert", cls=Command)(revert.main)
app.command("erase", cls=Command)(erase.main)
app.command("maintain", cls=Command)(maintain.main)
app.command("report", cls=Command)(report.main)
app.command("changes", cls=Command)(changes.main)
app.command("explain", cls=Command)(explain.main)
app.command("runs", cls=Command)(runs.main)
app.add_typer(models.app, name="models")
app.add_typer(review.app, name="review")


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
