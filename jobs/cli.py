"""`catalog-cleaner`: the command line. Each command is a module of its own, which spark-submit can also run."""

from __future__ import annotations

import typer

from jobs import demo, ingest, models, nightly, report, review, runs, train

app = typer.Typer(
    name="catalog-cleaner",
    help="Find and correct wrong categories in a marketplace's product catalogue. Every listing is checked by its text "
    "and picture: categories that are surely wrong are corrected, doubtful ones are referred to people.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,
)
app.command("demo")(demo.main)
app.command("ingest")(ingest.main)
app.command("train")(train.main)
app.command("nightly")(nightly.main)
app.command("report")(report.main)
app.command("runs")(runs.main)
app.add_typer(models.app, name="models")
app.add_typer(review.app, name="review")


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
