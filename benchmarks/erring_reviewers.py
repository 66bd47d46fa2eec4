"""Simulate reviewers who err on the work list of a warehouse: what is left wrong, for each way to use second opinions.

    python -m benchmarks.erring_reviewers FOLDER --warehouse my-warehouse [--share 0.1]

The folder has truth.parquet. Three people answer the category questions of the work list, the most urgent first, until
they have given as many answers as `--share` of the catalogue has listings. Each is wrong with a rate of their own, and
then names another suggestion or the seller's category. Every way gets the same number of answers: a second opinion
costs one, and so does a lead's word.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from conf.load import load_settings
from jobs.store import read_published
from jobs.warehouse.session import open_session
from jobs.warehouse.tables import open_warehouse
from schemas.arrays import Floats
from schemas.reasons import CATEGORY_REASONS
from udfs.reviewer_errors import estimate_errors

_TEAMS: Mapping[str, tuple[float, float, float]] = {
    "1 %": (0.01, 0.01, 0.01),
    "5 %": (0.05, 0.05, 0.05),
    "15 %": (0.15, 0.15, 0.15),
    "1, 5 and 15 %": (0.01, 0.05, 0.15),
}
_DRAWS = 20


@dataclass(frozen=True)
class WorkList:
    """The questions, the most urgent first.

    Attributes:
        listings: listings of the catalogue.
        elsewhere: how many listings that nobody is asked about are in a wrong category.
        published, truth: the category by question: as published, and the right one.
        others: other suggestions and the seller's category by question, without the right one; may be empty.
    """

    listings: int
    elsewhere: int
    published: Sequence[str]
    truth: Sequence[str]
    others: Sequence[Sequence[str]]


class Answers:
    """Answers of people who err, always the same for a draw."""

    def __init__(self, work: WorkList, rates: Sequence[float], draw: int) -> None:
        """Draw for each question and person whether the answer is wrong, and which one is given then."""
        self._work = work
        random = np.random.default_rng(draw)
        self._wrong = random.random((len(work.truth), len(rates))) < np.array(rates)
        self._which = random.integers(0, 1 << 30, self._wrong.shape)
        self._first = random.integers(0, len(rates), len(work.truth))

    def first(self, question: int) -> tuple[int, str]:
        """The person who is asked, and the answer."""
        return self.by(question, int(self._first[question]))

    def second(self, question: int) -> tuple[int, str]:
        """Another person, and the answer."""
        return self.by(question, int((self._first[question] + 1 + question % 2) % 3))

    def by(self, question: int, person: int) -> tuple[int, str]:
        """A person's answer."""
        others = self._work.others[question]
        if not self._wrong[question, person] or not others:
            return person, self._work.truth[question]
        return person, others[int(self._which[question, person]) % len(others)]


def each_word(work: WorkList, answers: Answers, budget: int) -> dict[int, str]:
    """Take each answer as true."""
    return {question: answers.first(question)[1] for question in range(min(budget, len(work.truth)))}


def posterior(work: WorkList, answers: Answers, budget: int) -> dict[int, str]:
    """Ask two people about every question; where they differ, take the answer that is right more probably."""
    asked = range(min(budget // 2, len(work.truth)))
    given = {question: (answers.first(question), answers.second(question)) for question in asked}
    rows = [(str(question), str(person), answer) for question in asked for person, answer in given[question]]
    items = estimate_errors(rows, len({*work.truth, *work.published})).items
    return {question: max(items[str(question)].items(), key=lambda each: each[1])[0] for question in asked}


def lead_settles(work: WorkList, answers: Answers, budget: int) -> dict[int, str]:
    """Ask two people about every question; where they differ, a lead, who does not err, decides."""
    decided: dict[int, str] = {}
    for question in range(len(work.truth)):
        one, other = answers.first(question)[1], answers.second(question)[1]
        budget -= 2 if one == other else 3
        if budget < 0:
            break
        decided[question] = one if one == other else work.truth[question]
    return decided


def lead_checks_drawn(work: WorkList, answers: Answers, budget: int) -> dict[int, str]:
    """Ask two people about every fifth question only; a lead settles the differences."""
    decided: dict[int, str] = {}
    for question in range(len(work.truth)):
        one, other = answers.first(question)[1], answers.second(question)[1]
        is_drawn = question % 5 == 0
        budget -= 1 if not is_drawn else 2 if one == other else 3
        if budget < 0:
            break
        decided[question] = work.truth[question] if is_drawn and one != other else one
    return decided


Way = Callable[[WorkList, Answers, int], dict[int, str]]
"""What is decided with so many answers: question -> category."""
_WAYS: Mapping[str, Way] = {
    "each word is true": each_word,
    "a fifth asked twice, a lead settles": lead_checks_drawn,
    "all asked twice, by the posterior": posterior,
    "all asked twice, a lead settles": lead_settles,
}


def main() -> None:
    """Print the share of the catalogue that is left in a wrong category, by way and error rate of the reviewers."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="folder with truth.parquet")
    parser.add_argument("--warehouse", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.1)
    options = parser.parse_args()
    work = _work_list(options.folder, options.warehouse)
    budget = round(options.share * work.listings)
    untouched = _left_wrong(work, {})
    print(
        f"{work.listings:,} listings, {len(work.truth):,} questions, {budget:,} answers; {untouched:.2%} wrong before\n"
    )
    print(f"{'left wrong, if reviewers err in':38}" + "".join(f"{team:>15}" for team in _TEAMS))
    for way, take in _WAYS.items():
        shares = [np.mean(_errors(work, take, rates, budget)) for rates in _TEAMS.values()]
        print(f"{way:38}" + "".join(f"{share:15.2%}" for share in shares))


def _errors(work: WorkList, take: Way, rates: Sequence[float], budget: int) -> Floats:
    return np.array([_left_wrong(work, take(work, Answers(work, rates, draw), budget)) for draw in range(_DRAWS)])


def _left_wrong(work: WorkList, decided: Mapping[int, str]) -> float:
    asked = sum(decided.get(place, category) != work.truth[place] for place, category in enumerate(work.published))
    return (work.elsewhere + asked) / work.listings


def _work_list(folder: Path, warehouse: Path) -> WorkList:
    truth = pd.read_parquet(folder / "truth.parquet").set_index("listing_id")["true_category"]
    listings = _published(warehouse).join(truth, how="inner")
    wrong = listings["effective_category"] != listings["true_category"]
    reasons = {reason.value for reason in CATEGORY_REASONS}
    asked = listings["reasons"].map(lambda names: isinstance(names, np.ndarray) and bool(reasons & set(names)))
    questions = listings[asked].sort_values("priority", ascending=False, kind="stable")
    shown = zip(questions["true_category"], questions["category"], questions["suggested_categories"], strict=True)
    return WorkList(
        len(listings),
        int(wrong[~asked].sum()),
        questions["effective_category"].tolist(),
        questions["true_category"].tolist(),
        [
            sorted({*(each["category"] for each in suggested), *([given] if given else [])} - {right})
            for right, given, suggested in shown
        ],
    )


def _published(warehouse: Path) -> pd.DataFrame:
    """The newest publication: categories, and the reasons, priority and suggestions of what is flagged."""
    spark = open_session(load_settings("local").spark, "erring-reviewers")
    try:
        tables = open_warehouse(spark, str(warehouse))
        clean = read_published(tables, "clean_listings").select("listing_id", "category", "effective_category")
        flagged = read_published(tables, "flagged_items").where("status = 'open'")
        flagged = flagged.select("listing_id", "reasons", "priority", "suggested_categories")
        return clean.join(flagged, "listing_id", "left").toPandas().set_index("listing_id").sort_index()
    finally:
        spark.stop()


if __name__ == "__main__":
    main()
