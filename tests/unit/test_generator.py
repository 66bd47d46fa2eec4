"""The generated catalogue: its format, and that truth.parquet lists every fault that was added."""

from __future__ import annotations

import io
import re
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from PIL import Image

from catalogue_generator.block import BLOCK_SIZE, draw_block
from catalogue_generator.catalogue import draw_blocks, write_catalogue
from catalogue_generator.spec import CatalogueSpec
from catalogue_generator.world import draw_world
from schemas.reasons import Reason
from udfs.personal_data import find_personal_data

SPEC = CatalogueSpec(listings=2000, categories=24, seed=3)
ISSUES = {
    "wrong_category", "missing_category", "unknown_category", "image_mismatch", "missing_image", "corrupt_image",
    "blank_image", "missing_title", "uninformative_title", "price_outlier", "personal_data", "duplicate",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("catalogue")
    write_catalogue(folder, SPEC)
    return folder


@pytest.fixture(scope="module")
def taxonomy(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "taxonomy.csv")


@pytest.fixture(scope="module")
def catalogue(folder: Path) -> pd.DataFrame:
    """The current versions with their truth, indexed by listing id."""
    listings = pd.read_parquet(folder / "listings.parquet").sort_values("updated_at")
    truth = pd.read_parquet(folder / "truth.parquet")
    return listings.drop_duplicates("listing_id", keep="last").merge(truth, on="listing_id").set_index("listing_id")


def with_issue(catalogue: pd.DataFrame, reason: Reason) -> pd.DataFrame:
    return catalogue[[reason.value in issues for issues in catalogue["issues"]]]


def without_issues(catalogue: pd.DataFrame, *reasons: Reason) -> pd.DataFrame:
    excluded = {reason.value for reason in reasons}
    return catalogue[[excluded.isdisjoint(issues) for issues in catalogue["issues"]]]


def pixels(picture: bytes) -> NDArray[np.float64]:
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"), dtype=float)


def readable(picture: bytes) -> bool:
    try:
        pixels(picture)
    except OSError:
        return False
    return True


def test_the_files_have_the_documented_columns(folder: Path) -> None:
    text, moment = pa.large_string(), pa.timestamp("us", tz="UTC")
    assert pq.read_schema(folder / "listings.parquet").equals(
        pa.schema(
            {
                "listing_id": text,
                "title": text,
                "description": text,
                "category": text,
                "price": pa.float64(),
                "seller_id": text,
                "updated_at": moment,
                "image": pa.binary(),
            }
        )
    )
    truth = pq.read_schema(folder / "truth.parquet")
    assert truth.names == ["listing_id", "true_category", "issues", "duplicate_of"]
    assert truth.field("issues").type.value_type == pa.string()
    assert (folder / "taxonomy.csv").read_text().splitlines()[0] == "category,label,parent,department,sensitive"


def test_truth_has_each_listing_once_in_order(folder: Path) -> None:
    truth = pq.read_table(folder / "truth.parquet")
    assert truth["listing_id"].to_pylist() == [f"D{number:07d}" for number in range(SPEC.listings)]
    assert all(truth[name].null_count == 0 for name in truth.column_names)


def test_a_redelivered_listing_has_an_older_and_a_newer_version(folder: Path) -> None:
    listings = pd.read_parquet(folder / "listings.parquet")
    twice = listings[listings["listing_id"].duplicated(keep=False)]
    assert len(twice) == 2 * (len(listings) - SPEC.listings)
    assert len(twice) >= 4
    for _, versions in twice.sort_values("updated_at").groupby("listing_id"):
        old, new = versions["title"].tolist()
        assert old is None if new is None else old in {f"{new} (old)", new}
        assert versions["updated_at"].is_monotonic_increasing
        assert versions["updated_at"].nunique() == 2
    # The file order is random: the last row of a listing is not always the newest.
    assert not twice.groupby("listing_id")["updated_at"].agg(lambda moments: moments.is_monotonic_increasing).all()


def test_a_small_catalogue_has_every_fault() -> None:
    world = draw_world(CatalogueSpec(listings=200, categories=4))
    issues = draw_block(world, 0).truth["issues"].to_pylist()
    assert {issue for row in issues for issue in row} == ISSUES
    assert issues == [sorted(row) for row in issues]


def test_wrong_missing_and_unknown_categories_match_the_truth(catalogue: pd.DataFrame, taxonomy: pd.DataFrame) -> None:
    known = set(taxonomy["category"])
    assert set(catalogue["true_category"]) <= known
    assert with_issue(catalogue, Reason.MISSING_CATEGORY)["category"].isna().all()
    assert not set(with_issue(catalogue, Reason.UNKNOWN_CATEGORY)["category"]) & (known | {None})
    wrong = with_issue(catalogue, Reason.WRONG_CATEGORY)
    assert set(wrong["category"]) <= known
    assert (wrong["category"] != wrong["true_category"]).all()
    right = without_issues(catalogue, Reason.WRONG_CATEGORY, Reason.MISSING_CATEGORY, Reason.UNKNOWN_CATEGORY)
    assert (right["category"] == right["true_category"]).all()


def test_wrong_categories_are_mostly_siblings(catalogue: pd.DataFrame, taxonomy: pd.DataFrame) -> None:
    tree = taxonomy.set_index("category")
    wrong = with_issue(catalogue, Reason.WRONG_CATEGORY)
    labelled, true = tree.loc[wrong["category"]], tree.loc[wrong["true_category"]]
    siblings = (labelled["parent"].to_numpy() == true["parent"].to_numpy()).mean()
    department = (labelled["department"].to_numpy() == true["department"].to_numpy()).mean()
    assert 0.6 < siblings < department < 0.98


def test_missing_and_uninformative_titles_match_the_truth(catalogue: pd.DataFrame) -> None:
    assert with_issue(catalogue, Reason.MISSING_TITLE)["title"].isna().all()
    assert with_issue(catalogue, Reason.UNINFORMATIVE_TITLE)["title"].str.len().max() < 20
    others = without_issues(catalogue, Reason.MISSING_TITLE, Reason.UNINFORMATIVE_TITLE)
    assert others["title"].str.len().min() >= 3
    assert others["title"].str.fullmatch(r"(?i)\W*|n/a|test|aaaa|produit|article|sans titre").sum() == 0


def test_price_outliers_are_far_from_their_category(catalogue: pd.DataFrame) -> None:
    normal = without_issues(catalogue, Reason.PRICE_OUTLIER)
    assert normal["price"].between(1, 3000).all()
    medians = normal.groupby("true_category")["price"].median()
    assert medians.max() > 4 * medians.min()
    odd = with_issue(catalogue, Reason.PRICE_OUTLIER)
    ratio = odd["price"] / medians.loc[odd["true_category"]].to_numpy()
    assert (odd["price"].isna() | (odd["price"] <= 0) | (ratio > 20)).all()


def test_personal_data_is_where_the_truth_says_and_nowhere_else(catalogue: pd.DataFrame) -> None:
    address, number = r"[\w.-]+@[\w-]+\.(?:com|fr|mail|example)", r"(?<!Ref\. )(?<!\w)(?:\+33 ?|0)[67](?:[ .]?\d\d){4}"
    abroad = r"7700 900\d{3}|212\)? 555[ -]01\d\d|171 39200\d\d|\+33 1 99 00 "
    contact = re.compile(rf"{address}|(?<!SKU )(?<!item/){number}|{abroad}")
    found = catalogue["description"].fillna("").map(lambda text: bool(contact.search(text)))
    planted = set(with_issue(catalogue, Reason.PERSONAL_DATA).index)
    assert set(catalogue.index[found]) == planted
    kinds = catalogue.apply(lambda row: find_personal_data(row["title"], row["description"]), axis=1)
    assert set(catalogue.index[kinds.map(len) > 0]) == planted
    decoys = (
        catalogue["description"].fillna("").str.contains(r"\bEAN \d|\bSKU 06|@2x|@shop|example\.com/item", regex=True)
    )
    assert 0.003 < decoys.mean() < 0.02
    assert not set(catalogue.index[decoys]) & planted


def test_missing_corrupt_and_blank_pictures_match_the_truth(catalogue: pd.DataFrame) -> None:
    missing = set(with_issue(catalogue, Reason.MISSING_IMAGE).index)
    assert set(catalogue.index[catalogue["image"].isna()]) == missing
    present = catalogue[catalogue["image"].notna()]
    broken = ~present["image"].map(readable)
    assert set(present.index[broken]) == set(with_issue(catalogue, Reason.CORRUPT_IMAGE).index)
    flat = present[~broken]["image"].map(lambda picture: pixels(picture).std(axis=(0, 1)).max() < 2)
    assert set(flat.index[flat]) == set(with_issue(catalogue, Reason.BLANK_IMAGE).index)
    assert {Image.open(io.BytesIO(picture)).size for picture in present[~broken]["image"]} == {(72, 96)}


def test_a_duplicate_is_the_same_product_listed_again(catalogue: pd.DataFrame) -> None:
    pairs = with_issue(catalogue, Reason.DUPLICATE)
    assert len(pairs) == (catalogue["duplicate_of"] != "").sum()
    originals = catalogue.loc[pairs["duplicate_of"]]
    assert (pairs["updated_at"].to_numpy() > originals["updated_at"].to_numpy()).all()
    assert not set(originals.index) & set(pairs.index)
    assert pairs["true_category"].tolist() == originals["true_category"].tolist()
    assert pairs["price"].tolist() == originals["price"].tolist()
    for again, first in zip(pairs["title"], originals["title"], strict=True):
        changed, original = (set(re.findall(r"\w+", title.lower())) for title in (again, first))
        assert changed ^ original <= {"new"}
    for again, first in zip(pairs["image"], originals["image"], strict=True):
        assert again != first
        assert np.abs(pixels(again) - pixels(first)).mean() < 12


def test_descriptions_are_in_english_and_french(catalogue: pd.DataFrame) -> None:
    texts = catalogue["description"].fillna("")
    assert texts.str.contains(r"\b(?:white|black|grey|gold)\b", case=False).mean() > 0.1
    assert texts.str.contains(r"\b(?:blanc|noir|gris|doré)\b", case=False).mean() > 0.03


def test_equal_specs_give_equal_files_and_another_seed_gives_other_rows(folder: Path, tmp_path: Path) -> None:
    write_catalogue(tmp_path / "again", SPEC)
    for name in ("listings.parquet", "truth.parquet", "taxonomy.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()
    small = replace(SPEC, listings=50)
    first, second = (draw_block(draw_world(replace(small, seed=seed)), 0).listings for seed in (1, 2))
    assert first["title"] != second["title"]


def test_a_block_does_not_depend_on_the_others() -> None:
    spec = CatalogueSpec(listings=BLOCK_SIZE + 60, categories=5, pictures=False)
    streamed = list(draw_blocks(draw_world(spec)))
    assert [block.truth.num_rows for block in streamed] == [BLOCK_SIZE, 60]
    assert draw_block(draw_world(spec), 1) == streamed[1]


def test_the_first_block_of_a_large_catalogue_takes_less_than_a_minute() -> None:
    started = time.perf_counter()
    block = next(draw_blocks(draw_world(CatalogueSpec(listings=5_000_000, categories=2000, pictures=False))))
    assert block.truth.num_rows == BLOCK_SIZE
    assert time.perf_counter() - started < 60


def test_progress_counts_listings(tmp_path: Path) -> None:
    counts: list[int] = []
    write_catalogue(tmp_path, CatalogueSpec(listings=BLOCK_SIZE + 10, categories=3, pictures=False), counts.append)
    assert counts == [BLOCK_SIZE, BLOCK_SIZE + 10]


def test_without_pictures_and_sellers() -> None:
    block = draw_block(draw_world(CatalogueSpec(listings=400, categories=8, pictures=False, sellers=0)), 0)
    assert block.listings["image"].null_count == block.listings.num_rows
    assert block.listings["seller_id"].null_count == block.listings.num_rows
    issues = {issue for row in block.truth["issues"].to_pylist() for issue in row}
    assert issues == {name for name in ISSUES if "image" not in name}


def test_the_number_of_sellers_is_the_specified_one_and_a_few_listings_name_none() -> None:
    block = draw_block(draw_world(CatalogueSpec(listings=2000, categories=8, pictures=False, sellers=30)), 0)
    sellers = block.listings["seller_id"].to_pylist()
    assert 20 <= len(set(sellers) - {None}) <= 30
    assert 1 <= sellers.count(None) <= 50


def test_a_catalogue_can_have_very_few_listings() -> None:
    for listings in (1, 2, 3, 10):
        block = draw_block(draw_world(CatalogueSpec(listings=listings, categories=2)), 0)
        assert block.truth.num_rows == listings
