"""A catalogue with known truth, and functions that select parts of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from schemas.arrays import Bools, Ints
from schemas.tensors import VectorBatch
from training.transitions import category_distances
from udfs.ancestors import ancestor_matrix

Random = np.random.Generator


@dataclass(frozen=True)
class Catalogue:
    """Listings with known truth.

    Attributes:
        categories: C names, sorted.
        ancestors: as `udfs.ancestors.ancestor_matrix`.
        distances: as `training.transitions.category_distances`.
        listing_ids: n ids.
        titles, descriptions: n texts; None if missing.
        sellers: n ids; None if missing.
        truth: shape (n,), category index.
        labels: shape (n,), category index given by the seller, all >= 0.
        pictures: the vectors of the pictures; None if pictures are left out.
    """

    categories: tuple[str, ...]
    ancestors: Bools
    distances: Ints
    listing_ids: NDArray[np.object_]
    titles: NDArray[np.object_]
    descriptions: NDArray[np.object_]
    sellers: NDArray[np.object_]
    truth: Ints
    labels: Ints
    pictures: VectorBatch | None = None

    def __len__(self) -> int:
        """Number of listings."""
        return len(self.truth)

    def select(self, rows: Ints) -> Catalogue:
        """The given rows, in catalogue order."""
        chosen = np.sort(rows)
        columns: dict[str, Any] = {
            name: getattr(self, name)[chosen]
            for name in ("listing_ids", "titles", "descriptions", "sellers", "truth", "labels")
        }
        if self.pictures is not None:
            columns["pictures"] = self.pictures.take(chosen)
        return replace(self, **columns)


def read_catalogue(folder: Path, pictures: Path | None = None) -> Catalogue:
    """Read listings.parquet, taxonomy.csv and truth.parquet; drop listings whose label is not in the taxonomy.

    Args:
        folder: has the three files.
        pictures: the vectors of the pictures, as `benchmarks.quality.picture_vectors.keep_vectors` writes them; None:
            without pictures.
    """
    taxonomy = pd.read_csv(folder / "taxonomy.csv").sort_values("category")
    index = {category: i for i, category in enumerate(taxonomy["category"])}
    columns = ["listing_id", "title", "description", "category", "seller_id", "updated_at"]
    listings = pd.read_parquet(folder / "listings.parquet", columns=columns)
    listings = listings.sort_values("updated_at", kind="stable").drop_duplicates("listing_id", keep="last")
    truth = pd.read_parquet(folder / "truth.parquet").set_index("listing_id")["true_category"]
    listings["truth"] = listings["listing_id"].map(truth)
    known = listings[listings["category"].isin(index) & listings["truth"].isin(index)].sort_values("listing_id")

    def texts(name: str) -> NDArray[np.object_]:
        return known[name].astype(object).where(known[name].notna(), None).to_numpy(object)

    categories = tuple(taxonomy["category"])
    parents = [parent if isinstance(parent, str) else None for parent in taxonomy["parent"]]
    ancestors = ancestor_matrix(categories, parents)
    return Catalogue(
        categories=categories,
        ancestors=ancestors,
        distances=category_distances(parents, taxonomy["department"].tolist(), ancestors),
        listing_ids=known["listing_id"].to_numpy(object),
        titles=texts("title"),
        descriptions=texts("description"),
        sellers=texts("seller_id"),
        truth=known["truth"].map(index).to_numpy(np.int64),
        labels=known["category"].map(index).to_numpy(np.int64),
        pictures=None if pictures is None else read_vectors(pictures, known["listing_id"].tolist()),
    )


def read_vectors(file: Path, listing_ids: list[str]) -> VectorBatch:
    """The kept vectors of some listings, in their order."""
    with np.load(file) as kept:
        place = {listing: row for row, listing in enumerate(kept["listing_ids"].tolist())}
        rows = np.array([place[listing] for listing in listing_ids], np.int64)
        return VectorBatch(kept["values"][rows], kept["present"][rows])


def sample(catalogue: Catalogue, rows: int, random: Random) -> Catalogue:
    """A random sample of `rows` listings; all listings if there are fewer."""
    return catalogue.select(random.choice(len(catalogue), min(rows, len(catalogue)), replace=False))


def of_categories(catalogue: Catalogue, ranks: list[int]) -> Catalogue:
    """The listings of the categories with these ranks by size; 0 is the largest."""
    largest = np.bincount(catalogue.truth).argsort(kind="stable")[::-1]
    return catalogue.select(np.flatnonzero(np.isin(catalogue.truth, largest[ranks])))


def one_dominant(catalogue: Catalogue, random: Random) -> Catalogue:
    """The largest category, and a ninth as many listings of all others, so that it has 90 %."""
    largest = np.bincount(catalogue.truth).argmax()
    own, others = np.flatnonzero(catalogue.truth == largest), np.flatnonzero(catalogue.truth != largest)
    return catalogue.select(np.concatenate([own, random.choice(others, len(own) // 9, replace=False)]))


def without_sellers(catalogue: Catalogue) -> Catalogue:
    """The same listings without seller ids."""
    return replace(catalogue, sellers=np.full(len(catalogue), None, object))


def without_half_the_texts(catalogue: Catalogue, random: Random) -> Catalogue:
    """The same listings, each without title and description with probability 0.5."""
    missing = random.random(len(catalogue)) < 0.5
    titles, descriptions = catalogue.titles.copy(), catalogue.descriptions.copy()
    titles[missing] = descriptions[missing] = None
    return replace(catalogue, titles=titles, descriptions=descriptions)
