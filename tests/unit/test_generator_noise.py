"""The causes of wrong categories follow the specified mix; and taxonomies of all sizes."""

from __future__ import annotations

import numpy as np
import pytest

from catalogue_generator.noise import LabelNoise
from catalogue_generator.outline import outline_of
from catalogue_generator.spec import CatalogueSpec, NoiseMix
from catalogue_generator.taxonomy import MAX_CATEGORIES, PRODUCT_TYPES, build_taxonomy
from catalogue_generator.texts import AMBIGUOUS_SHARE
from catalogue_generator.world import World, draw_world

LISTINGS = 60_000


def spec(mix: NoiseMix, wrong_share: float = 0.22) -> CatalogueSpec:
    return CatalogueSpec(listings=20_000, categories=40, wrong_share=wrong_share, noise=mix)


class Labels:
    """Labels drawn by a spec: true categories, sellers, whether ambiguous, labels; arrays of shape (LISTINGS,)."""

    def __init__(self, spec: CatalogueSpec) -> None:
        rng = np.random.default_rng(5)
        self.world: World = draw_world(spec)
        self.category = rng.choice(len(self.world.prior), LISTINGS, p=self.world.prior)
        self.seller = np.empty(LISTINGS, dtype=np.int64)
        for department, shares in enumerate(self.world.sellers.shares):
            here = self.world.departments[self.category] == department
            self.seller[here] = rng.choice(len(shares), here.sum(), p=shares)
        self.ambiguous = rng.random(LISTINGS) < AMBIGUOUS_SHARE
        self.noise: LabelNoise = self.world.noise
        self.label = self.noise.labels(rng, self.category, self.seller, self.ambiguous)
        self.wrong = self.label != self.category


@pytest.mark.parametrize("wrong_share", [0.0, 0.02, 0.22, 0.6])
@pytest.mark.parametrize(
    "mix",
    [
        NoiseMix(),
        NoiseMix(careless=1, ambiguous=0, systematic=0),
        NoiseMix(careless=0.7, ambiguous=0.3, systematic=0),
        NoiseMix(careless=0, ambiguous=0, systematic=1, systematic_sellers=0.7),
    ],
)
def test_the_share_of_wrong_labels_is_the_specified_one(mix: NoiseMix, wrong_share: float) -> None:
    assert Labels(spec(mix, wrong_share)).wrong.mean() == pytest.approx(wrong_share, abs=0.015)


def test_a_few_sellers_make_most_careless_errors() -> None:
    drawn = Labels(spec(NoiseMix(careless=1, ambiguous=0, systematic=0)))
    errors = np.sort(np.bincount(drawn.seller[drawn.wrong], minlength=len(drawn.world.sellers.ids)))[::-1]
    assert errors[: len(errors) // 4].sum() > 0.5 * errors.sum()
    rates = drawn.noise.careless_rates
    assert np.quantile(rates, 0.9) > 6 * np.quantile(rates, 0.1)


def test_ambiguous_errors_are_on_ambiguous_listings_and_mostly_siblings() -> None:
    drawn = Labels(spec(NoiseMix(careless=0, ambiguous=1, systematic=0)))
    assert drawn.ambiguous[drawn.wrong].all()
    parents = np.array([category.parent for category in drawn.world.categories])
    near = parents[drawn.label[drawn.wrong]] == parents[drawn.category[drawn.wrong]]
    assert near.mean() > 0.85


def test_some_sellers_always_use_one_category_for_another() -> None:
    drawn = Labels(spec(NoiseMix(careless=0, ambiguous=0, systematic=1, systematic_sellers=0.4)))
    by_pair = {
        (int(c), int(s)): set(drawn.label[(drawn.category == c) & (drawn.seller == s)].tolist())
        for c, s in zip(drawn.category[:3000], drawn.seller[:3000], strict=True)
    }
    assert all(len(labels) == 1 for labels in by_pair.values())
    # Other sellers of a renamed category use its right name.
    renamed = np.unique(drawn.category[drawn.wrong])
    assert 2 <= len(renamed) < 40
    shares = [drawn.wrong[drawn.category == c].mean() for c in renamed]
    assert 0.2 < np.median(shares) < 0.6
    for c in renamed:
        assert set(drawn.label[(drawn.category == c) & drawn.wrong]) == {drawn.noise.alias[c]}


def test_all_sellers_can_rename_a_category() -> None:
    drawn = Labels(spec(NoiseMix(careless=0, ambiguous=0, systematic=1, systematic_sellers=1)))
    shares = np.array([drawn.wrong[drawn.category == c].mean() for c in range(40)])
    assert ((shares == 0) | (shares == 1)).sum() >= 39
    assert (shares == 1).sum() >= 3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NoiseMix(careless=0.5, ambiguous=0.2, systematic=0.2), "must sum to 1"),
        (lambda: spec(NoiseMix(careless=0, ambiguous=1, systematic=0), 0.5), "are ambiguous: lower one"),
        (lambda: spec(NoiseMix(careless=0, ambiguous=0, systematic=1), 0.5), "raise noise.systematic_sellers"),
        (lambda: CatalogueSpec(categories=1), "greater than or equal to 2"),
        (lambda: CatalogueSpec(listings=0), "greater than or equal to 1"),
    ],
)
def test_an_impossible_spec_is_refused(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("count", [2, 3, 24, 100, 120, 121, 1000, 6000])
def test_a_taxonomy_can_have_any_size(count: int) -> None:
    categories = build_taxonomy(count)
    assert len({category.code for category in categories}) == len(categories) == count
    assert all(category.code == category.code.lower() and " " not in category.code for category in categories)
    departments = {category.parent: category.department for category in categories}
    assert all(departments[category.parent] == category.department for category in categories)
    assert len({category.parent for category in categories}) <= max(1, count // 2)
    if count >= 8:
        assert 0 < sum(category.sensitive for category in categories) < count / 5


def test_large_taxonomies_have_readable_names() -> None:
    names = {category.label: category for category in build_taxonomy(6000)}
    sneakers = names["Striped Leather Sneakers"]
    assert (sneakers.code, sneakers.parent, sneakers.department) == ("striped-leather-sneakers", "Sneakers", "Footwear")
    assert sneakers.nouns[0][0] == "striped leather sneakers"
    assert sneakers.nouns[1][0] == "baskets en cuir à rayures"
    assert MAX_CATEGORIES > 10_000


def test_every_product_type_has_words_colours_and_a_drawing() -> None:
    for group, product_type in PRODUCT_TYPES:
        assert all(product_type.nouns), product_type.label
        assert all(group.generic), group.label
        assert all(len(hints) >= 3 for hints in product_type.hints), product_type.label
        assert product_type.price > 0
        outline = outline_of(product_type.label)
        assert outline.pieces
        assert -40 <= outline.points.min() <= outline.points.max() <= 140, product_type.label
