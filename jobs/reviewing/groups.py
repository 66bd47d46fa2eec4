"""Finds cases that are alike: of one seller, with the same category and the same suggestion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jobs.reviewing.database import Store
from jobs.reviewing.opinions import NEVER_ANSWERED
from jobs.reviewing.showing import Showing

SMALLEST = 8
"""Open cases from which they are a group."""
SINGLY = 5
"""Cases of a group, drawn at random, that people must have answered one by one before the rest is decided at once."""
_MOST = 50


@dataclass(frozen=True)
class Group:
    """Alike cases.

    Attributes:
        seller, category, suggested: what they share.
        names: of the seller's category and of the suggestion.
        count: how many are open.
        share: the mean probability of the suggestion, as the model estimates it, 0 to 1.
        singly, right: how many such cases people have answered one by one, and in how many of these the suggestion was
            right.
    """

    seller: str
    category: str
    suggested: str
    names: tuple[str, str]
    count: int
    share: float
    singly: int
    right: int

    @property
    def is_offered(self) -> bool:
        """Whether the rest can be decided at once: enough cases show how often the suggestion is right."""
        return self.singly >= SINGLY


def find_groups(store: Store, reviewer: str) -> list[Group]:
    """The groups of cases that are open to a reviewer, the largest first."""
    connection = store.reading()
    names = {row["category"]: row["label"] for row in connection.execute("SELECT category, label FROM open.categories")}
    found = connection.execute(
        "SELECT q.seller_id, q.category, q.suggested, count(*) AS count, avg(q.share) AS share "  # noqa: S608
        "FROM open.questions q WHERE q.suggested IS NOT NULL AND q.category IS NOT NULL AND q.seller_id IS NOT NULL "
        f"AND {NEVER_ANSWERED} GROUP BY 1, 2, 3 HAVING count(*) >= {SMALLEST} "
        f"ORDER BY count(*) DESC, 1, 2, 3 LIMIT {_MOST}",
        {"reviewer": reviewer},
    ).fetchall()
    groups = []
    for row in found:
        singly, right = connection.execute(
            "SELECT count(*), coalesce(sum(a.category = s.best_category), 0) FROM answers a JOIN showings s USING "
            "(showing_id) WHERE s.seller_id = ? AND s.seller_category = ? AND s.best_category = ? AND a.undone = 0 "
            "AND a.batch_id IS NULL AND a.purpose = 'work' AND a.category IS NOT NULL",
            (row["seller_id"], row["category"], row["suggested"]),
        ).fetchone()
        labels = (names.get(row["category"], row["category"]), names.get(row["suggested"], row["suggested"]))
        what = (row["seller_id"], row["category"], row["suggested"])
        groups.append(Group(*what, labels, row["count"], row["share"] or 0.0, singly, right))
    return groups


def least_sure_first(cases: Sequence[Showing]) -> list[Showing]:
    """Cases of a group, those with the least probable suggestion first: they are likelier exceptions."""

    def share(case: Showing) -> float:
        wanted = case.view["best_category"]
        return next((each["probability"] for each in case.view["suggested"] if each["category"] == wanted), 0.0)

    return sorted(cases, key=share)
