"""Labels at mixed depths: how the generator draws them, and that the method does not take them for errors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.quality.catalogue import Catalogue, read_catalogue
from benchmarks.quality.our_method import OurMethod
from catalogue_generator.catalogue import write_catalogue
from catalogue_generator.spec import CatalogueSpec
from catalogue_generator.world import draw_world
from schemas.arrays import Bools, Ints

FLAT = CatalogueSpec(listings=1200, categories=8, pictures=False, seed=4)
MIXED = replace(FLAT, ancestor_share=0.3)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same catalogue with labels at one depth and at mixed depths."""
    found = {name: tmp_path_factory.mktemp(name) for name in ("flat", "mixed")}
    write_catalogue(found["flat"], FLAT)
    write_catalogue(found["mixed"], MIXED)
    return found


@pytest.fixture(scope="module")
def mixed(folders: dict[str, Path]) -> Catalogue:
    return read_catalogue(folders["mixed"])


def is_right(catalogue: Catalogue, categories: Ints) -> Bools:
    """The true category or an ancestor of it."""
    return np.asarray((categories == catalogue.truth) | catalogue.ancestors[categories, catalogue.truth])


def is_ancestor(catalogue: Catalogue) -> Bools:
    """Whether the label is an ancestor of other categories."""
    return np.asarray(catalogue.ancestors.any(axis=1)[catalogue.labels])


def test_only_labels_and_taxonomy_differ_from_a_catalogue_without_ancestors(folders: dict[str, Path]) -> None:
    flat, other = (pd.read_parquet(folders[name] / "listings.parquet") for name in ("flat", "mixed"))
    pd.testing.assert_frame_equal(flat.drop(columns="category"), other.drop(columns="category"))
    assert (folders["flat"] / "truth.parquet").read_bytes() == (folders["mixed"] / "truth.parquet").read_bytes()
    leaves, all_levels = (pd.read_csv(folders[name] / "taxonomy.csv") for name in ("flat", "mixed"))
    assert set(all_levels.category) - set(leaves.category) == {"shoes", "tops", "footwear", "clothing"}
    assert dict(zip(all_levels.category, all_levels.parent.fillna(""), strict=True))["sneakers"] == "shoes"
    named = other.category[other.category.isin({"shoes", "tops", "footwear", "clothing"})]
    assert set(named) == {"shoes", "tops", "footwear", "clothing"}
    unchanged = flat.category.eq(other.category) | (flat.category.isna() & other.category.isna())
    assert (~unchanged).sum() == len(named) > 200


def test_right_and_wrong_labels_are_the_same_at_mixed_depths(folders: dict[str, Path], mixed: Catalogue) -> None:
    flat = read_catalogue(folders["flat"])
    assert (is_right(mixed, mixed.labels) == (flat.labels == flat.truth)).all()
    assert (~is_right(mixed, mixed.labels) & is_ancestor(mixed)).any()


def test_a_few_sellers_name_most_ancestors() -> None:
    rates = draw_world(replace(MIXED, listings=30_000)).depths.rates
    assert np.quantile(rates, 0.9) > 10 * np.quantile(rates, 0.3)
    assert (draw_world(FLAT).depths.rates == 0).all()


def test_labels_at_mixed_depths_are_not_taken_for_errors(mixed: Catalogue) -> None:
    cleaned = OurMethod(mixed, mixed.labels).clean()
    best = cleaned.posterior.argmax(axis=1)
    right, general = is_right(mixed, mixed.labels), is_ancestor(mixed)
    related = mixed.ancestors | mixed.ancestors.T
    assert not related[mixed.labels, best].any()
    assert (best == mixed.labels)[right & general].mean() > 0.98
    assert (~is_right(mixed, best)).mean() < 0.6 * (~right).mean()
    assert cleaned.figures["wrong_label_share"] < (~right).mean() + 0.02
