"""Reviewers' decisions as delivered -> rows of review_decisions, each filled in from what was looked at."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.ingestion.steps import casts
from jobs.ingestion.steps.casts import quoted
from schemas.errors import UsageError
from schemas.reasons import ANSWERED_BY_CATEGORY, CATEGORY_DECISIONS, Decision, QuarantineReason, Reason
from schemas.tables import REVIEW_DECISIONS
from udfs.fingerprint import joint_hash

REQUIRED = ("listing_id", "decision", "reviewer", "decided_at")
OPTIONAL = ("category", "reason", "decision_id", "content_hash", "run_id", "note")
_OF_CATEGORY = tuple(reason.value for reason in ANSWERED_BY_CATEGORY)
_IDENTITY = ("listing_id", "decision", "reason", "category", "reviewer", "decided_at")


def read_decisions(rows: DataFrame, malformed: str) -> DataFrame:
    """Cast every row: row_number, `REQUIRED` and `OPTIONAL` columns, and `raw`, the row as JSON.

    Args:
        rows: a file's rows.
        malformed: the column that holds the text of a row that could not be read.

    Raises:
        UsageError: a required column is not there; the message lists what is.
    """
    given = [name for name in rows.columns if name != malformed]
    if lacking := [name for name in REQUIRED if name not in given]:
        raise UsageError(f"the file lacks {', '.join(lacking)}; its columns are {', '.join(given) or 'none'}.")

    def value(name: str) -> Column:
        if name not in given:
            return F.lit(None)
        cast = casts.time if name == "decided_at" else casts.plain
        return cast(quoted(name), rows.schema[name].dataType)

    typed = [
        value(name).cast("timestamp" if name == "decided_at" else "string").alias(name)
        for name in (*REQUIRED, *OPTIONAL)
    ]
    return rows.select(
        F.monotonically_increasing_id().alias("row_number"),
        *typed,
        F.to_json(F.struct(*(quoted(name) for name in rows.columns)), {"ignoreNullFields": "false"}).alias("raw"),
        quoted(malformed).isNotNull().alias("malformed"),
    )


def looked_at(decided_on: Sequence[dt.date], published: Sequence[tuple[dt.date, dt.date, str]]) -> dict[dt.date, str]:
    """Which publication was looked at on which day: the latest that was there.

    It is there from its run date on; where it was run for a date to come, from the day on which it was finished.

    Args:
        decided_on: days of decisions.
        published: run date, the day on which the run was finished, run_id; the latest last.

    Returns:
        Day -> run_id, of the days that have one.
    """
    there = [(min(run_date, finished), run_id) for run_date, finished, run_id in published]
    latest = {day: [run_id for since, run_id in there if since <= day] for day in decided_on}
    return {day: runs[-1] for day, runs in latest.items() if runs}


def judge_decisions(delivered: DataFrame, shown: DataFrame, taxonomy: DataFrame) -> DataFrame:
    """Fill each decision in from what was looked at, and name what cannot be used.

    Args:
        delivered: the output of `read_decisions`, with `looked_at`, the publication's run_id where there is one.
        shown: of these publications looked_at, listing_id and, as `seen_` columns, content_hash, category,
            best_category and audit_chance.
        taxonomy: the categories in force.

    Returns:
        The columns of review_decisions, row_number, raw, and `reasons` (array, empty where the row can be used).
    """
    joined = delivered.join(shown, ["looked_at", "listing_id"], "left")
    decision = F.lower("decision")
    reason = F.lower("reason")
    # A reason of the category queue stands for the category, except where it is the reason that is resolved.
    means_category = reason.isin(*_OF_CATEGORY) & (decision != Decision.RESOLVE.value)
    means_category |= reason.isin(*(r.value for r in Reason)) & (decision == Decision.SET_CATEGORY.value)
    about = F.when(~means_category, reason)
    category = (
        F.when(decision == Decision.ACCEPT.value, F.coalesce("category", "seen_best_category"))
        .when(decision == Decision.REJECT.value, F.coalesce("category", "seen_category"))
        .otherwise(F.col("category"))
    )
    gives_category = (decision == Decision.SET_CATEGORY.value) | decision.isin(*CATEGORY_DECISIONS) & about.isNull()
    filled = joined.withColumns(
        {
            "decision": decision,
            "reason": about,
            "category": F.when(gives_category, category),
            "run_id": F.coalesce("run_id", "looked_at"),
            "content_hash": F.coalesce("content_hash", "seen_content_hash"),
            "audit_chance": F.col("seen_audit_chance"),
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
        | F.col("reason").isNotNull() & ~F.col("reason").isin(*(r.value for r in Reason)),
        QuarantineReason.MISSING_REVIEWER: F.col("reviewer").isNull(),
        QuarantineReason.INVALID_DECIDED_AT: F.col("decided_at").isNull(),
        QuarantineReason.NOT_PUBLISHED: F.col("listing_id").isNotNull() & F.col("content_hash").isNull(),
        QuarantineReason.UNKNOWN_CATEGORY: names_category & F.col("known").isNull(),
    }
    reasons = F.array_compact(F.array(*(F.when(fault, reason.value) for reason, fault in faults.items())))
    return filled.select(*REVIEW_DECISIONS.names, "row_number", "raw", reasons.alias("reasons"))
