"""The description of a catalogue: its size, its seed and the causes of its wrong categories."""

from __future__ import annotations

import dataclasses
import math
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from catalogue_generator.taxonomy import MAX_CATEGORIES
from catalogue_generator.texts import AMBIGUOUS_SHARE

Share = Annotated[float, Field(ge=0.0, le=1.0)]

_FROZEN = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_FROZEN)
class NoiseMix:
    """The share of each cause among the wrong categories; the first three sum to 1.

    Attributes:
        careless: on any listing of a careless seller; a few sellers make most of these errors.
        ambiguous: on listings whose title also fits the siblings, whoever the seller is.
        systematic: some sellers always call a category A by its sibling's name B.
        systematic_sellers: the share of sellers who do so; with 1, every seller calls A by the name B.
    """

    careless: Share = 0.6
    ambiguous: Share = 0.25
    systematic: Share = 0.15
    systematic_sellers: Annotated[float, Field(gt=0.0, le=1.0)] = 0.3

    def __post_init__(self) -> None:
        """Raises: ValueError: the three shares do not sum to 1."""
        total = self.careless + self.ambiguous + self.systematic
        if not math.isclose(total, 1.0, abs_tol=1e-6):
            raise ValueError(
                f"careless {self.careless} + ambiguous {self.ambiguous} + systematic {self.systematic} = {total:.4g}: "
                "they are shares of the wrong categories and must sum to 1."
            )


@dataclass(frozen=True, config=_FROZEN)
class CatalogueSpec:
    """A catalogue. The same values always give the same rows.

    Attributes:
        listings: their number, including duplicates; a few are delivered twice and add rows.
        categories: number of leaves in the taxonomy.
        seed: random seed.
        wrong_share: the expected share of wrong labels among the labels that are in the taxonomy.
        noise: the causes of the wrong labels.
        pictures: False leaves out all pictures and their faults; the column stays and is all null.
        sellers: their number; None: depends on the number of listings; 0: no listing names its seller.
        without_seller: the share of listings that do not name their seller.
        ancestor_share: the expected share of listings whose sellers name the parent or the department instead of the
            category. Above 0, parents and departments are categories of the taxonomy. A few sellers do most of it, and
            a label that is wrong stays wrong, so a few ancestors fewer are named. No other value of the rows changes.
        details: True adds the columns condition and colour. Some listings are then used goods, whose descriptions and
            pictures show wear, and a few of their sellers call them new. No other value of the rows changes.
    """

    listings: Annotated[int, Field(ge=1)] = 3000
    categories: Annotated[int, Field(ge=2, le=MAX_CATEGORIES)] = 24
    seed: Annotated[int, Field(ge=0)] = 7
    wrong_share: Annotated[float, Field(ge=0.0, le=0.8)] = 0.22
    noise: NoiseMix = dataclasses.field(default_factory=NoiseMix)
    pictures: bool = True
    sellers: Annotated[int, Field(ge=0)] | None = None
    without_seller: Share = 0.01
    ancestor_share: Annotated[float, Field(ge=0.0, le=0.8)] = 0.0
    details: bool = False

    def __post_init__(self) -> None:
        """Raises: ValueError: the mix wants more errors of one cause than there are listings that can have them."""
        systematic = self.wrong_share * self.noise.systematic
        if systematic > self.noise.systematic_sellers:
            raise ValueError(
                f"wrong_share {self.wrong_share} x noise.systematic {self.noise.systematic} = {systematic:.3g} of the "
                f"listings, but the sellers who rename hold {self.noise.systematic_sellers}: raise "
                "noise.systematic_sellers or lower one of the two."
            )
        ambiguous = self.wrong_share * self.noise.ambiguous
        if ambiguous > AMBIGUOUS_SHARE * (1.0 - systematic):
            raise ValueError(
                f"wrong_share {self.wrong_share} x noise.ambiguous {self.noise.ambiguous} = {ambiguous:.3g} of the "
                f"listings, but only {AMBIGUOUS_SHARE:.3g} of them are ambiguous: lower one of the two."
            )
