"""A published catalogue held against its known truth. For measuring only: no job reads the truth."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from jobs.console.job import clock
from jobs.warehouse.tables import Warehouse, read_published
from schemas.reasons import CATEGORY_REASONS, CategoryAction, Reason

_EXAMPLES = 6
_ASKING = frozenset(reason.value for reason in CATEGORY_REASONS)
_CLEAN = ("listing_id", "title", "category", "effective_category", "category_action", "category_confidence")


@dataclass(frozen=True)
class Verdict:
    """How right a publication is.

    Attributes:
        listings: how many there are.
        wrong_before: share of listings whose seller's category is not the true one.
        wrong_after: the same of the effective category.
        wrong_after_review: the same once a person has settled every listing that is asked about.
        asked: listings whose category people are asked about.
        corrected: corrections by the model.
        corrections_right: share of those that are true.
        reasons: reason, planted, flagged, share of the planted that were found, share of the flagged that are right.
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
    """Hold the newest publication against `truth.parquet` in a generated catalogue's folder."""
    truth = pd.read_parquet(source / "truth.parquet").set_index("listing_id")
    clean = read_published(warehouse, "clean_listings").select(*_CLEAN).toPandas().set_index("listing_id")
    flagged = (
        read_published(warehouse, "flagged_items").select("listing_id", "reasons").toPandas().set_index("listing_id")
    )
    clean = clean.reindex(truth.index)
    wrong = clean.effective_category != truth.true_category
    corrected = clean.category_action == CategoryAction.CORRECTED.value
    said = flagged.reasons.reindex(truth.index).map(_names)
    asked = said.map(lambda reasons: not _ASKING.isdisjoint(reasons))
    return Verdict(
        listings=len(truth),
        wrong_before=float((clean.category != truth.true_category).mean()),
        wrong_after=float(wrong.mean()),
        wrong_after_review=float((wrong & ~asked).mean()),
        asked=int(asked.sum()),
        corrected=int(corrected.sum()),
        corrections_right=float((~wrong)[corrected].mean()) if corrected.any() else 1.0,
        reasons=_reasons(truth.issues.map(_names), said, corrected),
        examples=_examples(clean[corrected], truth.true_category),
    )


def _names(reasons: object) -> frozenset[str]:
    """The names of a list; none where there is no list."""
    return frozenset(map(str, reasons)) if isinstance(reasons, (list, tuple, np.ndarray)) else frozenset()


def _reasons(there: pd.Series, said: pd.Series, corrected: pd.Series) -> list[tuple[str, int, int, str, str]]:
    """One row a reason that was flagged, the most frequent first. A wrong category that was corrected is found, too."""
    rows = []
    for reason in sorted(set().union(*said), key=lambda name: -sum(name in reasons for reasons in said)):
        is_there = there.map(lambda issues, name=reason: name in issues)
        is_said = said.map(lambda reasons, name=reason: name in reasons)
        is_found = is_said | corrected if reason == Reason.WRONG_CATEGORY.value else is_said
        both, found = int((is_there & is_said).sum()), int((is_there & is_found).sum())
        real, total = int(is_there.sum()), int(is_said.sum())
        rows.append(
            (reason, real, total, f"{found / real:.0%}" if real else "-", f"{both / total:.0%}" if real else "-")
        )
    return rows


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
