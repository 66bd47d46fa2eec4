"""The out-of-sample judgements that the ranks wrote, with the sellers of their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from schemas.arrays import Bools, Floats32, Ints

NO_SELLER = 0
"""In the place of a seller's hash where there is no seller."""


@dataclass(frozen=True)
class Sample:
    """Sampled rows with a seller's label, in the order of their keys.

    Attributes:
        labels: int64, shape (n,), category index of the seller's label.
        truths: int64, shape (n,), category index that a person has decided; -1 where nobody has.
        sellers: int64, shape (n,), index into `seller_ids`; -1 where there is none.
        seller_ids: S ids.
        text, image, head: log-probabilities, shape (n, C); rows of NaN where a branch has nothing to say.
    """

    labels: Ints
    truths: Ints
    sellers: Ints
    seller_ids: tuple[str, ...]
    text: Floats32
    image: Floats32
    head: Floats32

    @property
    def has_text(self) -> Bools:
        """Of which rows the text says something, shape (n,)."""
        return np.asarray(~np.isnan(self.text[:, 0]))

    @property
    def has_image(self) -> Bools:
        """Of which rows the picture says something, shape (n,)."""
        return np.asarray(~np.isnan(self.image[:, 0]))

    @property
    def usable(self) -> Ints:
        """The rows of which a branch says something."""
        return np.flatnonzero(self.has_text | self.has_image)


def read_sample(files: Sequence[Path], names: Mapping[int, str]) -> Sample:
    """What the ranks wrote.

    Args:
        files: one of each rank, with the arguments of `make_sample`.
        names: seller's hash -> seller_id.
    """
    parts = []
    for file in files:
        with np.load(file) as stored:
            parts.append({name: stored[name] for name in stored.files})
    return make_sample(**{name: np.concatenate([part[name] for part in parts]) for name in parts[0]}, names=names)


def sampled_sellers(files: Sequence[Path]) -> Ints:
    """The hashes of the sellers in what the ranks wrote, each once; shape (S,)."""
    found = [np.zeros(0, np.int64)]
    for file in files:
        with np.load(file) as stored:
            found.append(stored["sellers"])
    hashes = np.unique(np.concatenate(found))
    return np.asarray(hashes[hashes != NO_SELLER])


def make_sample(
    keys: Ints,
    labels: Ints,
    truths: Ints,
    sellers: Ints,
    text: Floats32,
    image: Floats32,
    head: Floats32,
    names: Mapping[int, str] | None = None,
) -> Sample:
    """The rows that have a seller's label, in the order of their keys.

    Args:
        keys, labels, truths, sellers: as `training.dataset.Shard` holds them.
        text, image, head: as `Sample` holds them.
        names: seller's hash -> seller_id; default: the hash itself, in digits.
    """
    order = np.argsort(keys, kind="stable")
    order = order[labels[order] >= 0]
    hashes = np.unique(sellers[order])
    hashes = hashes[hashes != NO_SELLER]
    return Sample(
        labels=labels[order],
        truths=truths[order],
        sellers=seller_places(sellers[order], hashes),
        seller_ids=tuple(str(seller) if names is None else names[seller] for seller in hashes.tolist()),
        text=text[order],
        image=image[order],
        head=head[order],
    )


def seller_places(sellers: Ints, known: Ints) -> Ints:
    """Each row's index into the known sellers' hashes, which rise; -1 where it is none of them. Shape (n,)."""
    if not len(known):
        return np.full(len(sellers), -1)
    place = np.minimum(np.searchsorted(known, sellers), len(known) - 1)
    return np.where(known[place] == sellers, place, -1)


def seller_codes(sellers: list[str | None]) -> tuple[Ints, tuple[str, ...]]:
    """Each row's index into the sorted distinct ids, -1 for None; and these ids."""
    ids = tuple(sorted({seller for seller in sellers if isinstance(seller, str)}))
    index = {seller: i for i, seller in enumerate(ids)}
    return np.array([index.get(s, -1) if isinstance(s, str) else -1 for s in sellers], np.int64), ids
