"""The labels on which two models are compared."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.arrays import Ints


@dataclass(frozen=True)
class Labels:
    """The rows on which both models are compared.

    Attributes:
        given: int64, shape (n,), category index of the seller's label.
        sellers: int64, shape (n,), seller index; -1 where there is none.
        halves: int64, shape (n,), 0 or 1: the two halves for cross-fitting.
        distances: int64, shape (C, C), `training.transitions.category_distances`.
        audited: int64, shape (n,), category index that a person gave in the random audit; -1 where it was not audited.
        decided: int64, shape (n,), category index that a person has decided, in the audit or not; -1 where nobody has.
        canaries: int64, shape (n,), the wrong label used in training; -1 where the row is no canary.
    """

    given: Ints
    sellers: Ints
    halves: Ints
    distances: Ints
    audited: Ints
    decided: Ints
    canaries: Ints
