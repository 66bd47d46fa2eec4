"""Settings that bound what a run may change by itself (docs/safety.md)."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from conf.setting_types import FROZEN, Count, Share


@dataclass(frozen=True, config=FROZEN)
class LimitSettings:
    """How much a night, or an applied backfill, may change without a person (exit 3).

    A listing counts as changed if it shows another category than in the publication before, although its content, the
    seller's category and people's decisions are the same.
    """

    max_changed_share: Share = 0.05
    """Share of the listings that may change their category."""
    max_category_share: Share = 0.3
    """Share of a category's listings that may leave it, and share that may be new in it."""
    max_seller_share: Share = 0.5
    """Share of a seller's listings that may change their category."""
    min_listings: Count = 50
    """The three shares above count for a catalogue, category or seller with at least so many listings."""
    max_flipped_share: Share = 0.01
    """Share of the listings whose correction may begin or change although it ended or changed a few nights before."""
    flip_nights: Annotated[int, Field(ge=1, le=36_500)] = 7
    """How many days before the run date an end or a change of a correction counts for `max_flipped_share`."""
    max_quality_fall: Annotated[float, Field(ge=0.0, le=100.0)] = 5.0
    """Points by which `mean_quality_score` may fall."""
    max_error_rise: Share = 0.02
    """Increase of `category_error_rate_left`, as the model estimates it; 0.02 is two percentage points."""


ArmName = Literal["correct", "flag", "shadow"]


@dataclass(frozen=True, config=FROZEN)
class RolloutSettings:
    """For which listings the model's decisions take effect.

    correct: categories are corrected. flag: what would be corrected is on the work list. shadow: listings show the
    seller's category, and what would have been decided is in the table shadow_decisions.
    """

    default: ArmName = "correct"
    """The arm of listings whose category is not in `categories`."""
    categories: dict[str, ArmName] = dataclasses.field(default_factory=dict)
    """Category -> the arm of the listings that sellers have put there; where the seller's category is missing or
    unknown, of those that the model would put there."""
    correct_share: Share = 1.0
    """Share of the listings of the arm correct that are corrected; the others are in the arm flag. It is drawn by
    listing, and a listing that is drawn stays so when the share grows."""
    control_share: Share = 0.0
    """Share of all listings that are kept apart to compare with, as the arm control, which is treated like shadow."""
