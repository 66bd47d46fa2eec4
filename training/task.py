"""What the driver tells the ranks, and where they leave what they made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from training.dataset import Dataset
from training.plan import Plan


@dataclass(frozen=True)
class Task:
    """What every rank is told.

    Attributes:
        dataset: the training set.
        plan: how to train.
        categories: C.
        hash_size, height, width: of the features and tensors.
        folder: a work folder that all ranks and the driver see.
    """

    dataset: Dataset
    plan: Plan
    categories: int
    hash_size: int
    height: int
    width: int
    folder: str

    @property
    def progress(self) -> Path:
        """A JSON line for every epoch, from rank 0."""
        return Path(self.folder) / "progress.jsonl"

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
