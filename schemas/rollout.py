"""The arms of a rollout (docs/safety.md)."""

from __future__ import annotations

from enum import StrEnum


class RolloutArm(StrEnum):
    """How far the model's decision about a listing takes effect (`clean_listings.rollout_arm`)."""

    CORRECT = "correct"
    FLAG = "flag"
    """What would be corrected is referred."""
    SHADOW = "shadow"
    """The seller's category is kept, and nobody is asked."""
    CONTROL = "control"
    """As shadow, for listings that are drawn to compare with."""
