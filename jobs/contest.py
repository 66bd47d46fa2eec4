"""The contest between a new model and the one in force, on the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame

from jobs.command import Job
from training.registry import Registry
from training.train import TrainedBundle


@dataclass(frozen=True)
class Outcome:
    """Who won, and by what.

    Attributes:
        better: whether the new model shall be champion.
        verdict: why, in a sentence.
        figures: what was measured.
    """

    better: bool
    verdict: str
    figures: Mapping[str, float]


def contest(job: Job, registry: Registry, trained: TrainedBundle, listings: DataFrame) -> Outcome:
    """Hold a new bundle against the champion."""
    champion = registry.find_champion()
    if champion is None:
        return Outcome(True, "the first model", {})
    return Outcome(False, f"{champion} stays", {})
