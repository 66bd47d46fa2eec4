"""`catalog-cleaner thresholds`: what other thresholds would change."""

from __future__ import annotations

import typer
from pyspark.sql import functions as F

from jobs.cleaning.evidence import count_labels, follow_labels
from jobs.cleaning.steps.budgets import review_budgets
from jobs.cleaning.steps.preview import PreviewBin, preview_bins, previews, weakest_categories
from jobs.cleaning.steps.rollout import is_hidden
from jobs.console.command import APP_OPTIONS, Command, as_command
from jobs.console.job import Job
from jobs.console.summary import Named, Section, Share, Summary
from jobs.console.wording import agree
from jobs.lifecycle.publications import find_publication
from jobs.warehouse.inputs import read_pinned
from jobs.warehouse.listings import read_successors
from schemas.reasons import CategoryAction, CategorySource
from schemas.tables import CATEGORY_ALIASES, CLEAN_LISTINGS, PREDICTIONS, TAXONOMY
from training.registry import open_registry

_CATEGORIES = 10
_HIDDEN = (
    "{n} {listing is|listings are} in the rollout's arms shadow and control, where nothing is corrected or referred, "
    "and not counted: what the arm correct would decide about them is in the table shadow_decisions."
)
_PRECISIONS = (0.8, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995)

app = typer.Typer(help="Show what other thresholds would change.", no_args_is_help=True, **APP_OPTIONS)


def preview(job: Job) -> Summary:
    """Show what the newest publication would have corrected and referred with other precisions.

    Each line is a value of the setting decide.correction_precision. The other settings hold as given with --profile
    and --set, such as decide.refer_below. A second table names the categories with the most corrections that are
    probably wrong. Changes nothing and can run at any time.
    """
    job.require_listings()
    warehouse, settings = job.warehouse, job.settings
    publication = find_publication(warehouse)
    registry = open_registry(warehouse.folder, warehouse.location, settings.registry)
    model = registry.model(publication.model_version)
    clean = publication.read(warehouse, CLEAN_LISTINGS)
    taxonomy = warehouse.read(TAXONOMY, publication.taxonomy_version)
    names = {row.category: row.label for row in taxonomy.select("category", "label").collect()}
    aliases = read_pinned(warehouse, CATEGORY_ALIASES, publication.version(CATEGORY_ALIASES))
    labelled = follow_labels(model, read_successors(aliases)).spec.labelled
    bins = preview_bins(
        clean,
        publication.read(warehouse, PREDICTIONS).where(F.col("model_version") == model.version),
        taxonomy,
        sensitive=[row.category for row in taxonomy.where("sensitive").collect()],
        novel_above=model.spec.novel_above,
        labelled=labelled or count_labels(clean.join(taxonomy, "category", "left_semi")),
        min_listings=settings.decide.correction_min_listings,
        refer_below=settings.decide.refer_below,
    )
    counted = [PreviewBin(**row.asDict()) for row in bins.collect()]
    configured = settings.decide.correction_precision
    found = previews(counted, [*_PRECISIONS, configured])
    by_model = F.col("category_source") != CategorySource.REVIEWER.value
    is_correction = by_model & (F.col("category_action") == CategoryAction.CORRECTED.value)
    weakest = weakest_categories(clean.where(is_correction), _CATEGORIES).collect()
    [now] = clean.agg(
        F.count(F.lit(1)).alias("listings"),
        F.count_if(is_correction).alias("corrected"),
        F.count_if(F.col("category_action") == CategoryAction.REFERRED.value).alias("referred"),
        F.count_if(is_hidden()).alias("hidden"),
    ).collect()
    budget = review_budgets(settings.review, now.listings).category
    rows = [
        (
            Share(each.precision),
            None if each.threshold > 1 else Share(each.threshold),
            each.corrected,
            round(each.expected_wrong, 1),
            each.referred,
            max(each.referred - budget, 0),
        )
        for each in found
    ]
    return Summary(
        f"Thresholds for {publication.run_id}",
        {
            "publication": publication.run_id,
            "model_version": publication.model_version,
            "listings": now.listings,
            "corrected": now.corrected,
            "referred": now.referred,
            "review_budget": budget,
            "correction_precision": configured,
            "hidden": now.hidden,
        },
        (
            Section(
                "what a precision corrects and refers",
                ("precision", "threshold", "corrected", "expected_wrong", "referred", "over_budget"),
                rows,
                key="previews",
            ),
            Section(
                "categories with the most corrections that the model expects to be wrong",
                ("category", "corrected", "expected_wrong", "expected_right"),
                [
                    (
                        Named(each.category, names.get(each.category, each.category)),
                        each.corrected,
                        round(each.wrong, 1),
                        Share(each.right),
                    )
                    for each in weakest
                ],
                key="weakest_categories",
            ),
        ),
        (
            "How many corrections are wrong is the model's own estimate; audits measure it (docs/metrics.md).",
            "A night may decide a little otherwise, because the sellers' error rates follow from what is decided.",
            *([agree(_HIDDEN, now.hidden)] if now.hidden else ()),
        ),
        hidden_if_zero=("hidden",),
    )


app.command("preview", cls=Command)(as_command("thresholds", preview))

if __name__ == "__main__":
    app()
