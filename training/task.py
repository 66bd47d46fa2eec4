"""What the driver tells the ranks, what they answer, and where they leave what they made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from schemas.arrays import Ints
from training.dataset import Dataset
from training.first_pass import Learned
from training.plan import Plan


@dataclass(frozen=True)
class Task:
    """What every rank is told.

    Attributes:
        dataset: the training set.
        plan: how to train.
        levels: shape (C, C), as `training.transitions.category_levels`.
        hash_size, height, width: of the features and tensors.
        folder: a work folder that all ranks and the driver see.
    """

    dataset: Dataset
    plan: Plan
    levels: Ints
    hash_size: int
    height: int
    width: int
    folder: str

    @property
    def categories(self) -> int:
        """C."""
        return len(self.levels)

    @property
    def progress(self) -> Path:
        """A JSON line for every epoch, from rank 0."""
        return Path(self.folder) / "progress.jsonl"

    @property
    def failure(self) -> Path:
        """Why the first rank to fail has failed."""
        return Path(self.folder) / "failure.txt"

    @property
    def members(self) -> Path:
        """The members as SavedModels, from rank 0."""
        return Path(self.folder) / "members"

    def sample(self, rank: int) -> Path:
        """A rank's out-of-sample judgements of its part of the sample."""
        return Path(self.folder) / f"sample-{rank}.npz"

    def cache(self, rank: int) -> Path:
        """A rank's memory-mapped copy of its shard."""
        return Path(self.folder) / f"cache-{rank}"


@dataclass(frozen=True)
class RankResult:
    """What a rank says at the end.

    Attributes:
        curves: branch -> out-of-sample loss after each epoch.
        novel_above: see `schemas.bundle.BundleSpec`.
        first: what the first pass has learnt; None where there are too few texts for one.
    """

    curves: dict[str, list[float]]
    novel_above: float
    first: Learned | None
