"""The sample on which noise model and branch weights are fitted: out-of-sample log-probabilities, labels, sellers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from schemas.arrays import Bools, Floats, Floats32, Ints
from schemas.branches import Input
from udfs.ancestors import family_confidence, resolve_log, same_if_related
from udfs.fusion import has_input, shape_of

NO_SELLER = 0
"""Used as the seller's hash where there is no seller."""
ROW_FIELDS = ("keys", "labels", "truths", "audited", "sellers", "buckets")
"""The arrays of `training.dataset.Shard` in a rank's sample file; it also has an array for each branch."""


@dataclass(frozen=True)
class Sample:
    """Sampled rows with a seller's label, ordered by key.

    Attributes:
        labels: int64, shape (n,), category index of the seller's label.
        truths: int64, shape (n,), category index that a person has decided; -1 where nobody has. A decision for an
            ancestor or descendant of the label counts as one for the label, which is right.
        audited: int64, shape (n,), as `truths`, in the random audit only.
        sellers: int64, shape (n,), index into `seller_ids`; -1 where there is none.
        groups: int64, shape (n,), listings with the same text are in the same group.
        seller_ids: the ids of the S sellers.
        branches: name -> log-probabilities, float32, shape (n, C), of members that have not trained on the row, without
            ancestors and descendants of the label (`udfs.ancestors`); NaN where the listing lacks an input of the
            branch. A branch that was not trained is absent.
        confidence: shape (n,), the confidence of the first branch without regard to the label, NaN where it lacks an
            input; None if no category is an ancestor of another, because then all branches are without regard to it.
    """

    labels: Ints
    truths: Ints
    audited: Ints
    sellers: Ints
    groups: Ints
    seller_ids: tuple[str, ...]
    branches: dict[str, Floats32]
    confidence: Floats | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, C)."""
        return shape_of(self.branches)

    def has(self, wanted: Input) -> Bools:
        """Which rows have an input, shape (n,)."""
        return has_input(self.branches, wanted)

    @property
    def usable(self) -> Ints:
        """The rows that have any input."""
        return np.flatnonzero(np.logical_or.reduce([self.has(each) for each in Input]))


def read_sample(files: Sequence[Path], names: Mapping[int, str], ancestors: Bools) -> Sample:
    """Read the files of all ranks.

    Args:
        files: the file of each rank, written by `write_sample`.
        names: seller's hash -> seller_id.
        ancestors: as in `make_sample`.
    """
    parts = []
    for file in files:
        with np.load(file) as stored:
            parts.append({name: stored[name] for name in stored.files})
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    rows = {name: joined.pop(name) for name in ROW_FIELDS}
    return make_sample(rows, joined, ancestors, names)


def write_sample(file: Path, rows: Mapping[str, Ints], branches: Mapping[str, Floats32]) -> None:
    """Write a rank's part of the sample; arguments as for `make_sample`."""
    np.savez(file, **rows, **branches)


def sampled_sellers(files: Sequence[Path]) -> Ints:
    """The distinct seller hashes in the files of all ranks, shape (S,)."""
    found = [np.zeros(0, np.int64)]
    for file in files:
        with np.load(file) as stored:
            found.append(stored["sellers"])
    hashes = np.unique(np.concatenate(found))
    return np.asarray(hashes[hashes != NO_SELLER])


def make_sample(
    rows: Mapping[str, Ints],
    branches: Mapping[str, Floats32],
    ancestors: Bools,
    names: Mapping[int, str] | None = None,
) -> Sample:
    """Build a sample from the rows that have a seller's label, ordered by key.

    Args:
        rows: `ROW_FIELDS` -> values, as `training.dataset.Shard` has them.
        branches: name -> log-probabilities of the same rows, as the networks return them.
        ancestors: as `udfs.ancestors.ancestor_matrix`.
        names: seller's hash -> seller_id; default: the hash as a decimal string.
    """
    labels, sellers, order = rows["labels"], rows["sellers"], labelled_in_order(rows)
    hashes = np.unique(sellers[order])
    hashes = hashes[hashes != NO_SELLER]
    given = labels[order]
    return Sample(
        labels=given,
        truths=same_if_related(rows["truths"][order], given, ancestors),
        audited=same_if_related(rows["audited"][order], given, ancestors),
        sellers=seller_indices(sellers[order], hashes),
        groups=rows["buckets"][order],
        seller_ids=tuple(str(seller) if names is None else names[seller] for seller in hashes.tolist()),
        branches={name: resolve_log(values[order], given, ancestors) for name, values in branches.items()},
        confidence=family_confidence(next(iter(branches.values()))[order], ancestors) if ancestors.any() else None,
    )


def labelled_in_order(rows: Mapping[str, Ints]) -> Ints:
    """The indices of the rows that have a seller's label, ordered by key."""
    order = np.argsort(rows["keys"], kind="stable")
    return np.asarray(order[rows["labels"][order] >= 0])


def seller_indices(sellers: Ints, known: Ints) -> Ints:
    """Each row's index into the sorted hashes of known sellers, -1 where the seller is unknown; shape (n,)."""
    if not len(known):
        return np.full(len(sellers), -1)
    place = np.minimum(np.searchsorted(known, sellers), len(known) - 1)
    return np.where(known[place] == sellers, place, -1)


def seller_codes(sellers: list[str | None]) -> tuple[Ints, tuple[str, ...]]:
    """Encode seller ids: each row's index into the sorted distinct ids, -1 for None, and the distinct ids."""
    ids = tuple(sorted({seller for seller in sellers if isinstance(seller, str)}))
    index = {seller: i for i, seller in enumerate(ids)}
    return np.array([index.get(s, -1) if isinstance(s, str) else -1 for s in sellers], np.int64), ids
