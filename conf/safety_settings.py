"""Settings that bound what a run may change by itself (docs/safety.md)."""

from __future__ import annotations

from typing import Annotated

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
    flip_nights: Count = 7
    """How many days before the run date an end or a change of a correction counts for `max_flipped_share`."""
    max_quality_fall: Annotated[float, Field(ge=0.0, le=100.0)] = 5.0
    """Points by which `mean_quality_score` may fall."""
    max_error_rise: Share = 0.02
    """Increase of `expected_error_left`, the model's estimate of wrong categories; 0.02 is two percentage points."""
