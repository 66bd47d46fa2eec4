"""Computes the tables that a run publishes from predictions, labels and reviewers' decisions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.settings import Settings
from jobs.cleaning.evidence import count_labels
from jobs.cleaning.steps.audit_sample import mark_audit
from jobs.cleaning.steps.budgets import review_budgets
from jobs.cleaning.steps.calibrate import Calibration, audit_answers, calibrate, fit_calibration, lower_claims
from jobs.cleaning.steps.decide import (
    CorrectionBin,
    Thresholds,
    add_posteriors,
    correction_bins,
    correction_threshold,
    decide,
    mark_novel,
    mark_scarce,
    mark_sensitive,
)
from jobs.cleaning.steps.flag import find_reasons, flagged_items, mismatch_probability
from jobs.cleaning.steps.history import correction_events
from jobs.cleaning.steps.keeping import FINDINGS, KEPT, decided_rows, keep_published, with_published
from jobs.cleaning.steps.measure import quality_metrics
from jobs.cleaning.steps.prices import with_usual_price
from jobs.cleaning.steps.quality import with_quality
from jobs.cleaning.steps.queue import ErrorBin, error_bins, queue_threshold
from jobs.cleaning.steps.reason_rules import RULES, RuleContext, expected_parts
from jobs.cleaning.steps.reviews import latest_decisions, standing_decisions, with_answers
from jobs.cleaning.steps.rollout import (
    has_hidden,
    is_hidden,
    mark_arm,
    shadow_decisions,
    without_model_questions,
)
from jobs.cleaning.steps.seller_habits import seller_habits
from jobs.cleaning.steps.sellers import seller_rates
from jobs.cleaning.steps.trust import Trust, fit_trust
from jobs.features.stored import unread_formats
from jobs.lifecycle.expectations import Check, results_frame
from jobs.lifecycle.pseudonym_key import key_of_model
from jobs.lifecycle.publications import Publication, publications
from jobs.warehouse.caches import cached
from jobs.warehouse.tables import Warehouse
from schemas.bundle import NoiseModel
from schemas.metrics import METRICS
from schemas.reasons import CategoryAction, ImageStatus
from schemas.successors import Successors
from schemas.tables import (
    ATTRIBUTE_SUGGESTIONS,
    CLEAN_LISTINGS,
    DUPLICATE_PAIRS,
    EXPLANATIONS,
    FLAGGED_ITEMS,
    SELLERS,
    SHADOW_DECISIONS,
)
from training.models import Model
from udfs.pseudonyms import PseudonymKey, Purpose


@dataclass(frozen=True)
class Cleaned:
    """The results of a run.

    Attributes:
        decided: one row per listing of the publication with all columns of the run; cached.
        own: those of them that the run has decided; the others stay as the base publication has them.
        flagged: rows of flagged_items about `own`.
        events: rows of corrections, compared with the base publication; by `jobs.cleaning.judging.judge` with the
            one that readers see, if that is another one.
        rates: the rates of the sellers of `own`: rows of sellers without `mistakes` and `trend`.
        run_date: the date for which listings are decided.
        shadow: rows of shadow_decisions about `own`; None if that table is not needed.
        metrics: rows of quality_metrics about `decided`; cached.
        threshold: the posterior from which categories are corrected; above 1 if none could be.
        calibration: calibration of the posterior, fitted on the audit.
        trust: calibration of the labels' posterior, fitted on the audit.
        model_version: version of the model.
        key: the key of the sellers' pseudonyms.
        pairs: rows of duplicate_pairs; None: the run does not look for duplicates.
        explanations: rows of explanations about `own`; None: the run explains nothing.
        attributes: rows of attribute_suggestions about `own`; cached. None: that table is not needed.
        successors: former categories, with those that have taken their places.
    """

    decided: DataFrame
    own: DataFrame
    flagged: DataFrame
    events: DataFrame
    rates: DataFrame
    run_date: dt.date
    shadow: DataFrame | None
    metrics: DataFrame
    threshold: float
    calibration: Calibration
    trust: Trust
    model_version: str
    key: PseudonymKey
    pairs: DataFrame | None = None
    explanations: DataFrame | None = None
    attributes: DataFrame | None = None
    successors: Successors = field(default_factory=dict)

    @property
    def gate_rows(self) -> DataFrame:
        """The input of the output gate: the columns that `check_output` describes."""
        corrected = F.col("category_action") == CategoryAction.CORRECTED.value
        # A listing to which the model may give no category is allowed to have none.
        unseen = F.col("touches_sensitive") | is_hidden()
        effective = F.coalesce("effective_category", F.when(unseen, F.lit("")))
        status = F.coalesce("image_status", F.lit(ImageStatus.MISSING.value))
        return self.decided.select(
            "listing_id",
            effective.alias("effective_category"),
            "predicted_category",
            status.alias("image_status"),
            corrected.cast("int").alias("corrected"),
        )

    def tables(
        self, scored: DataFrame, quarantined: DataFrame, checks: Sequence[Check], clean_listings: DataFrame
    ) -> dict[str, DataFrame]:
        """The rows to publish: table name -> rows, without the run's columns.

        Args:
            scored: the run's new predictions.
            quarantined: rows of quarantine.
            checks: results of the gates.
            clean_listings: `own` with the texts of the listings.
        """
        spark = self.decided.sparkSession
        optional = {
            SHADOW_DECISIONS: self.shadow,
            DUPLICATE_PAIRS: self.pairs,
            EXPLANATIONS: self.explanations,
            ATTRIBUTE_SUGGESTIONS: self.attributes,
        }
        return {
            **{table.name: rows for table, rows in optional.items() if rows is not None},
            "predictions": scored,
            "quarantine": quarantined,
            "gate_results": results_frame(spark, checks),
            "corrections": self.events.withColumn("model_version", F.lit(self.model_version)),
            "quality_metrics": self.metrics,
            "metric_definitions": _metric_definitions(spark),
            "sellers": self.rates.join(seller_habits(self.decided, self.run_date), "seller_id", "left"),
            "flagged_items": self.flagged,
            "clean_listings": clean_listings,
        }


def _metric_definitions(spark: SparkSession) -> DataFrame:
    rows = [
        (m.name, m.unit, m.meaning, m.numerator, m.denominator, list(m.dimensions), ", ".join(m.sources))
        for m in METRICS.values()
    ]
    columns = "metric STRING, unit STRING, meaning STRING, numerator STRING, denominator STRING"
    return spark.createDataFrame(rows, f"{columns}, dimensions ARRAY<STRING>, source STRING")


@contextmanager
def clean(
    warehouse: Warehouse,
    evidence: DataFrame,
    taxonomy: DataFrame,
    model: Model,
    reviewed: DataFrame,
    base: Publication | None,
    run_date: dt.date,
    settings: Settings,
) -> Iterator[Cleaned]:
    """Decide the category of every listing and compute the tables to publish. Caches are released at the end.

    Thresholds, sellers' rates and metrics are about all listings, also those that stay as they are.

    Args:
        warehouse: warehouse with the base publication.
        evidence: the output of `jobs.cleaning.evidence.add_label_evidence`, with duplicate_of
            (`jobs.cleaning.duplicates`). If some listings stay as the base publication has them, with the column
            `jobs.cleaning.steps.keeping.KEPT`.
        taxonomy: the pinned taxonomy.
        model: the pinned model, as `jobs.cleaning.evidence.follow_labels` returns it.
        reviewed: rows of review_decisions.
        base: the previous publication; None for the first run.
        run_date: date of the run.
        settings: settings; the sections decide, review, rollout and privacy are used.

    Raises:
        UsageError: there is no key of pseudonyms.
        FailedError: the model's pseudonyms were made with another key.
    """
    with ExitStack() as at_end:
        weights, review = settings.decide, settings.review
        evidence, is_part = cached(evidence, at_end), KEPT in evidence.columns
        overall, key = model.noise.error_rate, key_of_model(warehouse, settings.privacy, model)
        start = _starting_rates(warehouse, evidence, model, base, key)
        labelled = evidence.where("in_taxonomy")
        rates = seller_rates(
            labelled, start, overall, model.noise.rate_factor, weights.seller_prior, weights.seller_hysteresis
        )
        rates = cached(rates, at_end)
        sensitive = [row.category for row in taxonomy.where("sensitive").collect()]
        reviewed = standing_decisions(reviewed)
        decisions = cached(latest_decisions(reviewed), at_end)
        adjusted, calibration, trust = _adjust_to_audit(evidence, rates, model.noise, decisions)
        candidates = mark_novel(mark_sensitive(adjusted, sensitive), model.spec.novel_above)
        # Models of earlier versions do not say how many listings they have learned from.
        counts = model.spec.labelled or count_labels(labelled)
        candidates = mark_arm(mark_scarce(candidates, counts, weights.correction_min_listings), settings.rollout)
        candidates = cached(candidates, at_end)
        corrections = [CorrectionBin(*row) for row in correction_bins(candidates).collect()]
        thresholds = Thresholds(correction_threshold(corrections, weights.correction_precision), weights.refer_below)
        decided = decide(candidates, decisions, thresholds, corrections=weights.corrections)
        decided = mismatch_probability(decided, model.noise.mismatch_rate)
        decided = with_answers(decided, reviewed)
        if is_part:
            decided = keep_published(decided)
        listings = evidence.count()
        chance = min(review.audit_listings / max(listings, 1), review.max_audit_share)
        budgets = review_budgets(review, listings)
        decided = mark_audit(decided, run_date, chance)
        [expected] = expected_parts(candidates).collect()
        bins = [ErrorBin(*row) for row in error_bins(decided.where(~is_hidden())).collect()]
        context = RuleContext(
            mismatch_at_least=weights.mismatch_probability,
            refer_below=thresholds.refer_below,
            ask_from=queue_threshold(bins, review.queue_share),
            titles_expected=expected.titles,
            pictures_expected=expected.pictures,
            prices_expected=expected.prices,
            outlier_from=weights.price_distance,
            contradicted_from=weights.condition_precision,
        )
        decided = without_model_questions(find_reasons(with_usual_price(decided), context))
        decided = with_quality(decided)
        decided = cached(with_published(decided, FINDINGS) if is_part else decided, at_end)
        before, flagged = (
            base.read(warehouse, table) if base else warehouse.empty(table) for table in (CLEAN_LISTINGS, FLAGGED_ITEMS)
        )
        own = decided
        if is_part:
            own = decided_rows(decided)
            rates = rates.join(own.select("seller_id"), "seller_id", "left_semi")
        in_shadow = has_hidden(settings.rollout) or warehouse.exists(SHADOW_DECISIONS)
        yield Cleaned(
            decided=decided,
            own=own,
            flagged=flagged_items(
                own,
                flagged,
                unread_formats(warehouse),
                run_date,
                weights.suggestions,
                chance,
                budgets,
                review.priority,
            ),
            events=correction_events(decided, before),
            rates=rates,
            run_date=run_date,
            shadow=shadow_decisions(own) if in_shadow else None,
            metrics=cached(quality_metrics(decided, taxonomy, RULES, model.noise.share), at_end),
            threshold=thresholds.correct_from,
            calibration=calibration,
            trust=trust,
            model_version=model.version,
            key=key,
        )


def _adjust_to_audit(
    evidence: DataFrame, rates: DataFrame, noise: NoiseModel, decisions: DataFrame
) -> tuple[DataFrame, Calibration, Trust]:
    """Compute the posteriors, and calibrate them with the answers to the audit."""
    overall = noise.error_rate
    candidates = by_model = add_posteriors(evidence, rates, overall, Trust())
    # Small enough to collect: at most `review.audit_listings` rows per month.
    answers = audit_answers(_judged(candidates), decisions).toPandas()
    labels = answers[answers["label_right"].notna()]
    trust = fit_trust(
        labels["label_posterior"].to_numpy(float),
        labels["label_support"].to_numpy(float),
        labels["label_right"].to_numpy(bool),
    )
    if trust.is_default:
        candidates = lower_claims(candidates, noise.claim_slope)
    else:
        candidates = add_posteriors(evidence, rates, overall, trust)
    if candidates is not by_model and len(answers):
        answers = audit_answers(_judged(candidates), decisions).toPandas()
    calibration = fit_calibration(answers["best_confidence"].to_numpy(float), answers["right"].to_numpy(bool))
    return calibrate(candidates, calibration), calibration, trust


def _judged(listings: DataFrame) -> DataFrame:
    """The listings that the model has scored; of the others it knows nothing that an answer could confirm."""
    return listings.where("predicted_category IS NOT NULL")


def _starting_rates(
    warehouse: Warehouse, evidence: DataFrame, model: Model, base: Publication | None, key: PseudonymKey
) -> DataFrame:
    """The rates of the previous publication if it used the same model; otherwise those of the model.

    A publication may have rates that another model has estimated, because a backfill estimates only those of some
    sellers. These are left out.
    """
    if base is not None and base.model_version == model.version:
        same = [run.run_id for run in publications(warehouse, ended=True) if run.model_version == model.version]
        return base.read(warehouse, SELLERS).where(F.col("run_id").isin(same))
    known = warehouse.spark.createDataFrame(list(model.noise.sellers.items()), "pseudonym STRING, error_rate DOUBLE")
    sellers = evidence.select("seller_id").where("seller_id IS NOT NULL").distinct()
    named = sellers.withColumn("pseudonym", key.pseudonyms(Purpose.SELLER)(F.col("seller_id")))
    return named.join(F.broadcast(known), "pseudonym").select("seller_id", "error_rate")
