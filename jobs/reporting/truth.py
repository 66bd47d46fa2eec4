"""Compares a publication with the known truth of a generated catalogue. Only the demo reads the truth."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from jobs.console.job import clock
from jobs.console.summary import Share
from jobs.lifecycle.publications import read_published
from jobs.warehouse.tables import Warehouse
from schemas.reasons import CATEGORY_REASONS, CategoryAction, ItemStatus, Reason

_EXAMPLES = 6
_CATEGORY_REASONS = frozenset(reason.value for reason in CATEGORY_REASONS)
_FLAGGED = ("listing_id", "reasons", "priority")
ReasonAccuracy = tuple[str, int, int, Share | None, Share | None]
"""Reason, planted, flagged, recall, precision."""
_CLEAN = ("listing_id", "title", "category", "effective_category", "category_action", "category_confidence")


@dataclass(frozen=True)
class TruthComparison:
    """How accurate a publication is; all shares are 0 to 1.

    Attributes:
        listings: number of listings.
        wrong_before: share of listings with a wrong seller's category.
        wrong_after: share of listings with a wrong effective category.
        wrong_after_review: the same if people review all listings with an open question about the category.
        to_review: number of these listings.
        wrong_after_tenth: the same if people review only the most urgent of these listings, at most a tenth of the
            catalogue.
        tenth: number of these most urgent listings.
        corrected: number of corrections by the model.
        corrections_right: precision of the corrections; 1 if there are none.
        reasons: one row for each reason that was planted or flagged: reason, listings with the planted fault, flagged
            listings, recall, precision; recall or precision is None if it is undefined.
        examples: seller's category, effective category, whether it is right, confidence, title.
    """

    listings: int
    wrong_before: float
    wrong_after: float
    wrong_after_review: float
    to_review: int
    wrong_after_tenth: float
    tenth: int
    corrected: int
    corrections_right: float
    reasons: list[ReasonAccuracy]
    examples: list[tuple[str, str, str, Share, str]]

    def seconds(self, since: dt.datetime) -> float:
        """Seconds since the start of the demo."""
        return (clock() - since).total_seconds()


def compare_with_truth(warehouse: Warehouse, source: Path) -> TruthComparison:
    """Compare the newest publication with `truth.parquet` in a generated catalogue's folder."""
    truth = pd.read_parquet(source / "truth.parquet").set_index("listing_id")
    clean = read_published(warehouse, "clean_listings").select(*_CLEAN).toPandas().set_index("listing_id")
    open_items = read_published(warehouse, "flagged_items").where(f"status = '{ItemStatus.OPEN.value}'")
    work = open_items.select(*_FLAGGED).toPandas().set_index("listing_id")
    clean = clean.reindex(truth.index)
    wrong = clean.effective_category != truth.true_category
    corrected = clean.category_action == CategoryAction.CORRECTED.value
    flagged = work.reasons.reindex(truth.index).map(_names)
    to_review = flagged.map(lambda reasons: not _CATEGORY_REASONS.isdisjoint(reasons))
    tenth = _most_urgent(work.priority.reindex(truth.index)[to_review], len(truth) // 10)
    return TruthComparison(
        listings=len(truth),
        wrong_before=float((clean.category != truth.true_category).mean()),
        wrong_after=float(wrong.mean()),
        wrong_after_review=float((wrong & ~to_review).mean()),
        to_review=int(to_review.sum()),
        wrong_after_tenth=float((wrong & ~truth.index.isin(tenth)).mean()),
        tenth=len(tenth),
        corrected=int(corrected.sum()),
        corrections_right=float((~wrong)[corrected].mean()) if corrected.any() else 1.0,
        reasons=reason_accuracy(truth.issues.map(_names), flagged, corrected),
        examples=_examples(clean[corrected], truth.true_category),
    )


def _most_urgent(priority: pd.Series, count: int) -> pd.Index:
    """The ids of the listings with the highest priority; ties are broken by id."""
    return priority.sort_index().sort_values(ascending=False, kind="stable").index[:count]


def _names(reasons: object) -> frozenset[str]:
    """The reasons of a listing; empty if it has no list."""
    return frozenset(map(str, reasons)) if isinstance(reasons, (list, tuple, np.ndarray)) else frozenset()


def reason_accuracy(planted: pd.Series, flagged: pd.Series, corrected: pd.Series) -> list[ReasonAccuracy]:
    """Recall and precision of each reason that was planted or flagged, the most frequently flagged first.

    Args:
        planted: the true reasons of each listing, as frozensets.
        flagged: the reasons for which each listing is flagged, as frozensets.
        corrected: whether the model has corrected the listing's category. A corrected wrong category counts as found.
    """
    rows = []
    for reason in frozenset().union(*planted, *flagged):
        is_planted = planted.map(lambda names, reason=reason: reason in names)
        is_flagged = flagged.map(lambda names, reason=reason: reason in names)
        is_found = is_flagged | corrected if reason == Reason.WRONG_CATEGORY.value else is_flagged
        positives, total = int(is_planted.sum()), int(is_flagged.sum())
        recall = Share((is_planted & is_found).sum() / positives) if positives else None
        precision = Share((is_planted & is_flagged).sum() / total) if positives and total else None
        rows.append((reason, positives, total, recall, precision))
    return sorted(rows, key=lambda row: (-row[2], -row[1], row[0]))


def _examples(corrected: pd.DataFrame, truth: pd.Series) -> list[tuple[str, str, str, Share, str]]:
    """Corrections spread evenly over the range of confidences."""
    chosen = corrected[corrected.title.notna() & corrected.category.notna()].sort_values(
        "category_confidence", ascending=False
    )
    spread = chosen.iloc[:: max(1, len(chosen) // _EXAMPLES)][:_EXAMPLES]
    right = truth.reindex(spread.index)
    columns = (spread.title, spread.category, spread.effective_category, spread.category_confidence, right)
    return [
        (str(before), str(after), "yes" if after == true else f"no: {true}", Share(confidence), str(title))
        for title, before, after, confidence, true in zip(*columns, strict=True)
    ]
