"""Compares a publication with a generated catalogue's known truth. Only the demo does so; no job reads the truth."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from jobs.console.job import clock
from jobs.lifecycle.publications import read_published
from jobs.warehouse.tables import Warehouse
from schemas.reasons import CATEGORY_REASONS, CategoryAction, ItemStatus, Reason

_EXAMPLES = 6
_ASKING = frozenset(reason.value for reason in CATEGORY_REASONS)
_FLAGGED = ("listing_id", "reasons", "priority")
_CLEAN = ("listing_id", "title", "category", "effective_category", "category_action", "category_confidence")


@dataclass(frozen=True)
class TruthComparison:
    """How right a publication is.

    Attributes:
        listings: number of listings.
        wrong_before: share of listings whose seller's category is not the true one, 0 to 1.
        wrong_after: the same for the effective category.
        wrong_after_review: the same once people have decided every listing whose category they are asked about.
        asked: how many those are.
        wrong_after_tenth: the same once people have decided only the most urgent of those, at most a tenth of the
            catalogue.
        tenth: how many those are.
        corrected: corrections by the model.
        corrections_right: share of those that are true.
        reasons: reason, planted, flagged, share of the planted that were found, share of the flagged that are right;
            every reason that is planted or flagged.
        examples: seller's category, effective category, whether it is true, confidence, title.
    """

    listings: int
    wrong_before: float
    wrong_after: float
    wrong_after_review: float
    asked: int
    wrong_after_tenth: float
    tenth: int
    corrected: int
    corrections_right: float
    reasons: list[tuple[str, int, int, str, str]]
    examples: list[tuple[str, str, str, str, str]]

    def seconds(self, since: dt.datetime) -> float:
        """The time since the start of the demo."""
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
    asked = flagged.map(lambda reasons: not _ASKING.isdisjoint(reasons))
    first = _most_urgent(work.priority.reindex(truth.index)[asked], len(truth) // 10)
    return TruthComparison(
        listings=len(truth),
        wrong_before=float((clean.category != truth.true_category).mean()),
        wrong_after=float(wrong.mean()),
        wrong_after_review=float((wrong & ~asked).mean()),
        asked=int(asked.sum()),
        wrong_after_tenth=float((wrong & ~truth.index.isin(first)).mean()),
        tenth=len(first),
        corrected=int(corrected.sum()),
        corrections_right=float((~wrong)[corrected].mean()) if corrected.any() else 1.0,
        reasons=reasons_found(truth.issues.map(_names), flagged, corrected),
        examples=_examples(clean[corrected], truth.true_category),
    )


def _most_urgent(priority: pd.Series, count: int) -> pd.Index:
    """The ids of the listings with the highest priority; equal ones by id."""
    return priority.sort_index().sort_values(ascending=False, kind="stable").index[:count]


def _names(reasons: object) -> frozenset[str]:
    """The reasons of a listing; none where it has no list."""
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
