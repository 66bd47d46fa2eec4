"""`catalog-cleaner`: every command is the main of the module of its name, also submittable by itself."""

from __future__ import annotations

import typer

from jobs import demo, ingest, models, nightly, report, review, runs, train

app = typer.Typer(
    name="catalog-cleaner",
    help="Keeps a marketplace's product catalogue true: judges every listing by text and picture, corrects the "
    "categories that are surely wrong, and refers the rest to people.",
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
