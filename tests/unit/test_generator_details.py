"""Details of generated listings: condition and colour, which words, pictures and a few sellers say otherwise."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from catalogue_generator.catalogue import write_catalogue
from catalogue_generator.details import CONDITIONS, GOOD, NEW, WORN, add_marks
from catalogue_generator.spec import CatalogueSpec
from schemas.reasons import Reason


@pytest.fixture(scope="module")
def catalogues(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """The same catalogue without and with details."""
    folders = {details: tmp_path_factory.mktemp(f"details-{details}") for details in (False, True)}
    for details, folder in folders.items():
        write_catalogue(folder, CatalogueSpec(listings=1500, categories=6, details=details))
    return folders


@pytest.fixture(scope="module")
def listings(catalogues: dict[bool, Path]) -> pd.DataFrame:
    return pd.read_parquet(catalogues[True] / "listings.parquet")


def test_everything_but_wear_is_as_without_details(catalogues: dict[bool, Path], listings: pd.DataFrame) -> None:
    plain = pd.read_parquet(catalogues[False] / "listings.parquet")
    assert list(listings.columns) == [*plain.columns, "condition", "colour"]
    same = [name for name in plain.columns if name not in ("description", "image")]
    pd.testing.assert_frame_equal(listings[same], plain[same])
    changed = listings["description"].fillna("") != plain["description"].fillna("")
    assert 0.1 < changed.mean() < 0.2
    before = pd.read_parquet(catalogues[False] / "truth.parquet")
    after = pd.read_parquet(catalogues[True] / "truth.parquet")
    without = after["issues"].map(lambda issues: [each for each in issues if each != Reason.CONDITION_MISMATCH])
    assert without.tolist() == before["issues"].map(list).tolist()


def test_most_listings_state_condition_and_colour(listings: pd.DataFrame) -> None:
    assert set(listings["condition"].dropna()) == set(CONDITIONS)
    assert 0.05 < listings["condition"].isna().mean() < 0.15
    assert 0.05 < listings["colour"].isna().mean() < 0.15
    assert 0.75 < (listings["condition"] == NEW).sum() / listings["condition"].notna().sum() < 0.9


def test_a_contradicted_listing_states_that_it_is_new_and_says_otherwise(
    catalogues: dict[bool, Path], listings: pd.DataFrame
) -> None:
    truth = pd.read_parquet(catalogues[True] / "truth.parquet").set_index("listing_id")
    planted = truth["issues"].map(lambda issues: Reason.CONDITION_MISMATCH in issues)
    stated = listings.set_index("listing_id")
    assert 0.005 < planted.mean() < 0.03
    contradicted = stated.loc[stated.index.isin(planted.index[planted])]
    assert set(contradicted["condition"]) == {NEW}
    words = "used|worn|signs|hand|wear|scratch|stain|occasion|utilisé|porté|traces|usure|rayures|taches"
    says = contradicted["description"].fillna("").str.lower().str.contains(words)
    assert says.mean() > 0.3


def test_duplicates_have_the_condition_of_their_original(catalogues: dict[bool, Path], listings: pd.DataFrame) -> None:
    truth = pd.read_parquet(catalogues[True] / "truth.parquet").set_index("listing_id")
    overstated = {str(each) for each in truth.index[truth["issues"].map(lambda each: "condition_mismatch" in each)]}
    newest = listings.drop_duplicates("listing_id", keep="last").dropna(subset=["condition"])
    stated = dict(zip(newest["listing_id"].tolist(), newest["condition"].tolist(), strict=True))
    copies = truth[truth["duplicate_of"] != ""]["duplicate_of"]
    pairs = [{str(copy), str(original)} for copy, original in zip(copies.index, copies, strict=True)]
    compared = [[stated[each] for each in pair] for pair in pairs if pair <= stated.keys() and not pair & overstated]
    assert len(compared) > 10
    assert all(here == there for here, there in compared)


@pytest.mark.parametrize(("marks", "least"), [(1, 8), (5, 50)])
def test_marks_are_seen_in_the_picture(marks: int, least: int) -> None:
    out = io.BytesIO()
    Image.new("RGB", (60, 80), (200, 30, 30)).save(out, "JPEG", quality=95)
    plain, marked = (
        np.asarray(Image.open(io.BytesIO(each)), np.int64)
        for each in (out.getvalue(), add_marks(out.getvalue(), marks, 5))
    )
    assert (np.abs(plain - marked).max(axis=2) > 60).sum() > least
    assert add_marks(out.getvalue(), marks, 5) == add_marks(out.getvalue(), marks, 5)


def test_worn_listings_have_more_marks_than_good_ones(listings: pd.DataFrame) -> None:
    """Edges, the usual measure of clutter, in pictures of one size."""

    def clutter(rows: pd.DataFrame) -> float:
        found = []
        for image in rows["image"].dropna():
            try:
                grey = np.asarray(Image.open(io.BytesIO(image)).convert("L"), np.float64)
            except OSError:  # a planted fault: it cannot be read
                continue
            found.append(np.abs(np.diff(grey, axis=1)).mean())
        return float(np.mean(found))

    new, good, worn = (clutter(listings[listings["condition"] == name]) for name in (NEW, GOOD, WORN))
    assert new < good < worn
