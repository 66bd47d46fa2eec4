"""Settings of attributes: what listings state besides the category, such as their colour (docs/attributes.md)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from conf.setting_types import FROZEN, Count, Share


@dataclass(frozen=True, config=FROZEN)
class AttributeSettings:
    """Which attributes a training learns, and when a night suggests a value.

    The columns `condition` and `attributes` of the listings are always read.
    """

    description: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """Names of attributes that descriptions state in this order, separated by `separator`: [colour, use] for "Navy
    Blue, Casual". What follows the first full stop or line is not read."""
    separator: Annotated[str, Field(min_length=1)] = ","
    """What stands between the parts of a description."""
    precision: Share = 0.9
    """A value is suggested from the probability at which at least so many of the values were right, out of sample and
    with 97.5 % confidence."""
    sample: Count = 20_000
    """Number of listings, chosen by hash, from which the attributes are learnt."""
