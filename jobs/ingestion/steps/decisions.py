"""Validates reviewers' decisions and fills in missing values from the publication that the reviewer saw."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.ingestion.steps import casts
from jobs.ingestion.steps.casts import quoted
from schemas.decisions import CATEGORY_DECISIONS, CATEGORY_QUESTION, Decision, Purpose
from schemas.errors import UsageError
from schemas.reasons import ANSWERED_BY_CATEGORY, CategorySource, QuarantineReason, Reason
from schemas.tables import REVIEW_DECISIONS
from udfs.fingerprint import joint_hash

REQUIRED = ("listing_id", "decision", "reviewer", "decided_at")
_CIRCUMSTANCES = ("purpose", "reviewer_role", "batch_id", "judged_hash", "reopens")
OPTIONAL = ("category", "reason", "decision_id", "content_hash", "run_id", "note", *_CIRCUMSTANCES)
_CATEGORY_REASONS = tuple(reason.value for reason in ANSWERED_BY_CATEGORY)
_IDENTITY = ("listing_id", "decision", "reason", "category", "reviewer", "decided_at")


def read_decisions(rows: DataFrame, malformed: str) -> DataFrame:
    """Cast every row.

    Args:
        rows: rows of a file.
        malformed: name of the column with the text of a row that could not be parsed.

    Returns:
        The columns `REQUIRED` and `OPTIONAL`, `raw` (the row as JSON) and whether the row is `malformed`: it could not
        be parsed, or has text that is not UTF-8.

    Raises:
        UsageError: a required column is missing. The message lists the columns of the file.
    """
    given = [name for name in rows.columns if name != malformed]
    if missing := [name for name in REQUIRED if name not in given]:
        raise UsageError(f"the file lacks {', '.join(missing)}; its columns are {', '.join(given) or 'none'}.")

    def value(name: str) -> Column:
        if name not in given:
            return F.lit(None)
        cast = casts.time if name == "decided_at" else casts.plain
        return cast(quoted(name), rows.schema[name].dataType)

    known = [name for name in (*REQUIRED, *OPTIONAL) if name in given]
    not_utf8 = [casts.is_not_utf8(quoted(name), rows.schema[name].dataType) for name in known]
    typed = [
        value(name).cast("timestamp" if name == "decided_at" else "string").alias(name)
        for name in (*REQUIRED, *OPTIONAL)
    ]
    return rows.select(
        *typed,
        F.to_json(F.struct(*(quoted(name) for name in rows.columns)), {"ignoreNullFields": "false"}).alias("raw"),
        (quoted(malformed).isNotNull() | reduce(Column.__or__, not_utf8, F.lit(False))).alias("malformed"),
    )


def without_guards(rows: DataFrame) -> DataFrame:
    """Remove the apostrophe by which an exported CSV keeps a spreadsheet from running an id such as `-1` as a formula.

    Args:
        rows: the output of `read_decisions`, of a CSV file. Exported rows have a content_hash.
    """
    plain = F.regexp_replace("listing_id", r"^'(?=[=+\-@])", "")
    return rows.withColumn(
        "listing_id", F.when(F.col("content_hash").isNotNull(), plain).otherwise(F.col("listing_id"))
    )


def split_unanswered(rows: DataFrame) -> tuple[DataFrame, DataFrame]:
    """Split the output of `read_decisions` into answers, and rows of an exported work list that are not filled in."""
    filled = [F.col(name).isNotNull() for name in ("decision", "category", "reviewer", "decided_at")]
    is_answered = reduce(Column.__or__, filled, F.col("malformed"))
    return rows.where(is_answered), rows.where(~is_answered)


def fill_in_answers(answers: DataFrame, reviewer: str | None, decided_at: dt.datetime | None) -> DataFrame:
    """Fill in who has answered and when, where a row does not say it.

    Args:
        answers: rows of `read_decisions`.
        reviewer: of the rows that name none; None: they stay without.
        decided_at: of the rows without a time, UTC; None: they stay without. The id of such a decision does not depend
            on the time, so that a file which is loaded again with more answers repeats none.
    """
    named = answers.withColumn("reviewer", F.coalesce("reviewer", F.lit(reviewer)))
    if decided_at is None:
        return named
    of_row = joint_hash(*(F.col(name) for name in ("content_hash", "judged_hash", *_IDENTITY) if name != "decided_at"))
    own = F.when(F.col("decided_at").isNull(), of_row)
    timed = named.withColumn("decision_id", F.coalesce("decision_id", own))
    return timed.withColumn("decided_at", F.coalesce("decided_at", F.lit(decided_at)))


def latest_publications(
    days: Sequence[dt.date], published: Sequence[tuple[dt.date, dt.date, str]]
) -> dict[dt.date, str]:
    """Find the latest publication of each day, which is what reviewers saw on that day.

    A publication is available from its run date. If the run date was in the future, it is available from the day on
    which the run finished.

    Args:
        days: days on which decisions were made.
        published: run date, finish date and run_id of each publication, latest last.

    Returns:
        Day -> run_id; days before the first publication are left out.
    """
    available = [(min(run_date, finished), run_id) for run_date, finished, run_id in published]
    until = {day: [run_id for since, run_id in available if since <= day] for day in days}
    return {day: runs[-1] for day, runs in until.items() if runs}


def validate_decisions(delivered: DataFrame, published: DataFrame, taxonomy: DataFrame, now: dt.datetime) -> DataFrame:
    """Fill in missing values of each decision, and find the reasons why a row cannot be used.

    Args:
        delivered: the output of `read_decisions` with `reviewed_run_id`, the run_id of the publication that the
            reviewer saw; null if there was none.
        published: the listings of these publications: reviewed_run_id, listing_id and the columns `seen_*`:
            content_hash, category, best_category, effective_category, category_source, audit_chance and judged.
        taxonomy: the current taxonomy.
        now: the current time or, if it is later, the date of the newest publication, UTC.

    Returns:
        The columns of review_decisions, row_number, raw, and `reasons` (array, empty if the row can be used).
    """
    joined = delivered.join(published, ["reviewed_run_id", "listing_id"], "left")
    decision = F.lower("decision")
    reason = F.lower("reason")
    # A decision with a reason of the category queue is about the category, unless it resolves that reason.
    means_category = reason.isin(*_CATEGORY_REASONS) & (decision != Decision.RESOLVE.value)
    means_category |= reason.isin(*(r.value for r in Reason)) & (decision == Decision.SET_CATEGORY.value)
    other_reason = F.when(~means_category, reason)
    meant = F.when(decision == Decision.ACCEPT.value, F.col("seen_best_category")).when(
        decision == Decision.REJECT.value, F.col("seen_category")
    )
    is_about_category = decision.isin(*CATEGORY_DECISIONS) & other_reason.isNull()
    is_shown = F.col("seen_content_hash").isNotNull()
    contradicts = is_about_category & (decision != Decision.SET_CATEGORY.value) & is_shown
    contradicts &= F.col("category").isNotNull() & ~F.col("category").eqNullSafe(meant)
    gives_category = (decision == Decision.SET_CATEGORY.value) | is_about_category
    by_person = F.col("seen_category_source") == CategorySource.REVIEWER.value
    is_seen = F.coalesce("content_hash", "seen_content_hash") == F.col("seen_content_hash")
    judges = is_about_category & ~by_person & is_seen
    question = F.coalesce(other_reason, F.lit(CATEGORY_QUESTION))
    filled = joined.withColumns(
        {
            "decision": decision,
            "reason": other_reason,
            "category": F.when(gives_category, F.coalesce("category", meant)),
            "run_id": F.coalesce("run_id", "reviewed_run_id"),
            "content_hash": F.coalesce("content_hash", "seen_content_hash"),
            "purpose": F.lower("purpose"),
            "judged_hash": F.coalesce("judged_hash", F.when(is_seen, F.col("seen_judged")[question])),
            "audit_chance": F.when(
                F.coalesce(F.lower("purpose"), F.lit(Purpose.AUDIT.value)) == Purpose.AUDIT.value,
                F.col("seen_audit_chance"),
            ),
            "published_category": F.when(judges, F.col("seen_effective_category")),
            "contradicts": contradicts,
            # If the listing was not shown, or the row cannot be read, a missing category says nothing more.
            "must_have_category": ~F.col("malformed") & (is_shown | (decision == Decision.SET_CATEGORY.value)),
        }
    )
    known = taxonomy.select("category", F.lit(True).alias("known"))
    filled = filled.join(F.broadcast(known), "category", "left")
    identity = joint_hash(*(F.col(name).cast("string") for name in _IDENTITY))
    filled = filled.withColumn("decision_id", F.coalesce("decision_id", identity))
    names_category = F.col("decision").isin(*CATEGORY_DECISIONS) & F.col("reason").isNull()
    faults = {
        QuarantineReason.MALFORMED_ROW: F.col("malformed"),
        QuarantineReason.MISSING_LISTING_ID: F.col("listing_id").isNull(),
        QuarantineReason.INVALID_DECISION: ~F.coalesce(
            F.col("decision").isin(*(d.value for d in Decision)), F.lit(False)
        )
        | (F.col("decision") == Decision.RESOLVE.value) & F.col("reason").isNull()
        | (F.col("decision") != Decision.REOPEN.value) & F.col("reopens").isNotNull()
        | F.col("reason").isNotNull() & ~F.col("reason").isin(*(r.value for r in Reason))
        | F.col("purpose").isNotNull() & ~F.col("purpose").isin(*(p.value for p in Purpose)),
        QuarantineReason.MISSING_REVIEWER: F.col("reviewer").isNull(),
        QuarantineReason.INVALID_DECIDED_AT: F.col("decided_at").isNull(),
        QuarantineReason.FUTURE_DECIDED_AT: casts.is_future(F.col("decided_at"), now),
        QuarantineReason.NOT_PUBLISHED: F.col("listing_id").isNotNull() & F.col("content_hash").isNull(),
        QuarantineReason.CONTRADICTING_CATEGORY: F.col("contradicts"),
        QuarantineReason.UNKNOWN_CATEGORY: names_category
        & F.col("known").isNull()
        & (F.col("category").isNotNull() | F.col("must_have_category")),
    }
    reasons = F.array_compact(F.array(*(F.when(fault, reason.value) for reason, fault in faults.items())))
    return filled.select(*REVIEW_DECISIONS.names, "row_number", "raw", reasons.alias("reasons"))
