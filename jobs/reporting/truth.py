"""Compare a published catalogue with its known truth. For measuring only: no job reads the truth."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pyspark.sql import functions as F

from jobs.console.job import clock
from jobs.lifecycle.publications import read_published
from jobs.warehouse.tables import Warehouse
from schemas.reasons import CATEGORY_REASONS, CategoryAction, ItemStatus, Reason

_EXAMPLES = 6
_ASKING = frozenset(reason.value for reason in CATEGORY_REASONS)
_CLEAN = ("listing_id", "title", "category", "effective_category", "category_action", "category_confidence")


@dataclass(frozen=True)
class Verdict:
    """How right a publication is.

    Attributes:
        listings: how many there are.
        wrong_before: share of listings whose seller's category is not the true one.
        wrong_after: the same for the effective category.
        wrong_after_review: the same once a person has decided every listing whose category is asked about.
        asked: listings whose category people are asked about.
        corrected: corrections by the model.
        corrections_right: share of those that are true.
        reasons: of each reason that was planted or flagged its name, listings with the planted fault, listings flagged,
            share of the planted that were found, share of the flagged that are right.
        examples: seller's category, effective category, whether it is true, confidence, title.
    """

    listings: int
    wrong_before: float
    wrong_after: float
    wrong_after_review: float
    asked: int
    corrected: int
    corrections_right: float
    reasons: list[tuple[str, int, int, str, str]]
    examples: list[tuple[str, str, str, str, str]]

    def seconds(self, since: dt.datetime) -> float:
        """The time that all of it took."""
        return (clock() - since).total_seconds()


def judge(warehouse: Warehouse, source: Path) -> Verdict:
    """Compare the newest publication with `truth.parquet` in a generated catalogue's folder."""
    truth = pd.read_parquet(source / "truth.parquet").set_index("listing_id")
    clean = read_published(warehouse, "clean_listings").select(*_CLEAN).toPandas().set_index("listing_id")
    work_list = read_published(warehouse, "flagged_items").where(F.col("status") == ItemStatus.OPEN.value)
    open_items = work_list.select("listing_id", "reasons").toPandas().set_index("listing_id")
    clean = clean.reindex(truth.index)
    wrong = clean.effective_category != truth.true_category
    corrected = clean.category_action == CategoryAction.CORRECTED.value
    flagged = open_items.reasons.reindex(truth.index).map(_names)
    asked = flagged.map(lambda reasons: not _ASKING.isdisjoint(reasons))
    return Verdict(
        listings=len(truth),
        wrong_before=float((clean.category != truth.true_category).mean()),
        wrong_after=float(wrong.mean()),
        wrong_after_review=float((wrong & ~asked).mean()),
        asked=int(asked.sum()),
        corrected=int(corrected.sum()),
        corrections_right=float((~wrong)[corrected].mean()) if corrected.any() else 1.0,
        reasons=reasons_found(truth.issues.map(_names), flagged, corrected),
        examples=_examples(clean[corrected], truth.true_category),
    )


def _names(reasons: object) -> frozenset[str]:
    """The names of a list; none where there is no list."""
    return frozenset(map(str, reasons)) if isinstance(reasons, (list, tuple, np.ndarray)) else frozenset()


def reasons_found(planted: pd.Series, flagged: pd.Series, corrected: pd.Series) -> list[tuple[str, int, int, str, str]]:
    """One row a reason that was planted or flagged, the most frequently flagged first.

    Args:
        planted: the reasons that are true of each listing, as frozensets.
        flagged: the reasons that it is flagged for, likewise.
        corrected: whether the model has corrected its category; a planted wrong category counts as found then, too.
    """
    rows = []
    for reason in frozenset().union(*planted, *flagged):
        is_planted = planted.map(lambda names, reason=reason: reason in names)
        is_flagged = flagged.map(lambda names, reason=reason: reason in names)
        is_found = is_flagged | corrected if reason == Reason.WRONG_CATEGORY.value else is_flagged
        there, total = int(is_planted.sum()), int(is_flagged.sum())
        found = f"{(is_planted & is_found).sum() / there:.0%}" if there else "-"
        right = f"{(is_planted & is_flagged).sum() / total:.0%}" if there and total else "-"
        rows.append((reason, there, total, found, right))
    return sorted(rows, key=lambda row: (-row[2], -row[1], row[0]))


def _examples(corrected: pd.DataFrame, truth: pd.Series) -> list[tuple[str, str, str, str, str]]:
    chosen = corrected[corrected.title.notna() & corrected.category.notna()].sort_values(
        "category_confidence", ascending=False
    )
    spread = chosen.iloc[:: max(1, len(chosen) // _EXAMPLES)][:_EXAMPLES]
    right = truth.reindex(spread.index)
    columns = (spread.title, spread.category, spread.effective_category, spread.category_confidence, right)
    return [
        (str(said), str(now), "yes" if now == true else f"no: {true}", f"{confidence:.0%}", str(title))
        for title, said, now, confidence, true in zip(*columns, strict=True)
    ]
