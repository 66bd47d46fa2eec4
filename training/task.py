"""The input and output of the ranks, and the files that they write."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from schemas.arrays import Bools, Ints
from schemas.estimates import ShareEstimate
from training.dataset import Dataset
from training.doubts import NO_DOUBTS, Doubts
from training.first_pass import FirstPass
from training.plan import Plan


@dataclass(frozen=True)
class RankTask:
    """The input of every rank.

    Attributes:
        dataset: the training set.
        plan: how to train.
        distances: shape (C, C), as `training.transitions.category_distances`.
        ancestors: shape (C, C), as `udfs.ancestors.ancestor_matrix`.
        hash_size: size of the hashed feature space.
        vector_width: length of a picture's vector; 0 without a picture encoder.
        folder: a working folder that the driver and all ranks can access.
        twins: as `training.error_share.twin_share`.
        doubts: the listings about which two people differ.
    """

    dataset: Dataset
    plan: Plan
    distances: Ints
    ancestors: Bools
    hash_size: int
    vector_width: int
    folder: str
    twins: ShareEstimate | None = None
    doubts: Doubts = NO_DOUBTS

    @property
    def categories(self) -> int:
        """The number of categories, C."""
        return len(self.distances)

    @property
    def progress(self) -> Path:
        """File to which rank 0 appends a JSON line after every step of `training.train.Progress`."""
        return Path(self.folder) / "progress.jsonl"

    @property
    def heartbeat(self) -> Path:
        """File that the ranks touch while they make progress (`training.heartbeat`)."""
        return Path(self.folder) / "heartbeat"

    @property
    def failure(self) -> Path:
        """File in which the first rank that fails writes its error."""
        return Path(self.folder) / "failure.txt"

    @property
    def members(self) -> Path:
        """Folder in which rank 0 writes the members as SavedModels."""
        return Path(self.folder) / "members"

    def sample(self, rank: int) -> Path:
        """File with a rank's part of the sample; see `training.sample`."""
        return Path(self.folder) / f"sample-{rank}.npz"

    def cache(self, rank: int) -> Path:
        """Folder with a rank's memory-mapped copy of its shard."""
        return Path(self.folder) / f"cache-{rank}"


@dataclass(frozen=True)
class RankResult:
    """The result of a rank.

    Attributes:
        curves: branch -> out-of-sample loss after each epoch, or once for the text branch.
        novel_above: see `schemas.bundle.BundleSpec`.
        first: the first pass; None if there are too few texts for one.
    """

    curves: dict[str, list[float]]
    novel_above: float
    first: FirstPass | None
