"""Worlds: catalogues of many sizes and kinds of label errors, on which methods and rules are measured."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.quality import catalogue as parts
from benchmarks.quality import noise
from benchmarks.quality.catalogue import Catalogue, Random, read_catalogue
from benchmarks.quality.world_classifier import out_of_sample, text_groups, vectorize
from catalogue_generator.catalogue import write_catalogue
from catalogue_generator.spec import CatalogueSpec, NoiseMix
from schemas.arrays import Ints

_RANKS = {"five": [0, 2, 4, 7, 9], "seven": [1, 3, 5, 8, 11, 15, 20]}
"""Categories by size; 0 is the largest."""
_SOME = 0.4
"""The share of the sellers who rename."""
_MIXES = {
    "mixed": NoiseMix(),
    "careless": NoiseMix(1.0, 0.0, 0.0),
    "ambiguous": NoiseMix(0.0, 1.0, 0.0),
    "systematic": NoiseMix(0.3, 0.0, 0.7, 0.3),
}


@dataclass(frozen=True)
class World:
    """A catalogue and its label errors.

    Attributes:
        source: `real`, the given catalogue; `five`, `seven`, that many of its categories; `largest`, its largest
            category with a ninth as many other listings; or `generated`.
        listings: their number; there may be fewer.
        rate: the share of wrong labels, approximately.
        errors: for a real catalogue `sellers` of unlike care, `evenly`, `seller` (one makes all), `half` or `all` on
            ambiguous listings, `renamed` by some sellers, `renamed-by-all`, or `given`; for a generated one a name of
            `_MIXES`.
        twins: whether listings with the same title stay together; otherwise every title occurs once.
        categories: of a generated catalogue.
        ancestors: in a generated catalogue, the share of listings whose sellers name the parent or the department.
        seed: worlds with another seed are another draw.
        pictures: whether the listings have pictures; only real ones.
        without: what is left out: `sellers`, or `texts` of half of the listings.
    """

    source: str
    listings: int
    rate: float
    errors: str
    twins: bool = True
    categories: int = 0
    seed: int = 0
    pictures: bool = False
    without: str = ""
    ancestors: float = 0.0

    @property
    def name(self) -> str:
        """Its file name."""
        shown = [*(["pictures"] if self.pictures else []), *([f"without-{self.without}"] if self.without else [])]
        return "-".join([self._draw, *shown])

    @property
    def _draw(self) -> str:
        """Names the draw: with and without pictures, sellers or texts, the listings and their labels are the same."""
        words = [self.source, self.listings, *([self.categories] if self.categories else []), self.errors]
        words += [f"{100 * self.rate:02.0f}", f"s{self.seed}"]
        return "-".join(map(str, words + ([f"ancestors{100 * self.ancestors:02.0f}"] if self.ancestors else [])))

    def origin(self, digest: str) -> str:
        """What results of this world depend on: its own values, and a digest of catalogue and code."""
        return f"{digest} {self}"

    def make(self, folder: Path, vectors: Path | None = None) -> tuple[Catalogue, Ints]:
        """The listings and their labels; every call returns the same ones.

        Args:
            folder: a catalogue with known truth.
            vectors: those of its pictures, as `benchmarks.quality.picture_vectors.keep_vectors` writes them; only
                worlds with pictures need them.
        """
        random = np.random.default_rng(zlib.crc32(self._draw.encode()))
        if self.source == "generated":
            return _generated(self)
        whole = read_catalogue(folder, vectors if self.pictures else None)
        if self.source in _RANKS:
            whole = parts.of_categories(whole, _RANKS[self.source])
        elif self.source == "largest":
            whole = parts.one_dominant(whole, random)
        part = _cut(whole, self.listings, self.twins, random)
        labels = self._labels(part, random)
        if self.without == "sellers":
            return parts.without_sellers(part), labels
        return (parts.without_half_the_texts(part, random) if self.without == "texts" else part), labels

    def _labels(self, part: Catalogue, random: Random) -> Ints:
        if self.errors == "given":
            return part.labels
        if self.errors == "sellers":
            return noise.careless_sellers(part, self.rate, random)
        if self.errors == "seller":
            return noise.one_careless_seller(part, random)
        if self.errors == "evenly":
            return noise.uniform_errors(part, self.rate, random)
        if self.errors.startswith("renamed"):
            return noise.renamed_categories(part, _SOME if self.errors == "renamed" else 1.0, random)
        folds = np.array([zlib.crc32(b"%d" % group) % 2 for group in text_groups(part.titles)])
        log_q = out_of_sample(vectorize(part), part.truth, folds, len(part.categories)).astype(np.float64)
        return noise.ambiguous_errors(part, log_q, 0.5 if self.errors == "half" else 1.0, random, self.rate)


def _cut(whole: Catalogue, rows: int, twins: bool, random: Random) -> Catalogue:
    """A sample of whole titles, or of titles with one listing each."""
    groups = text_groups(whole.titles)
    if twins:
        return whole.select(random.permutation(groups.max() + 1)[groups].argsort(kind="stable")[:rows])
    shuffled = random.permutation(len(whole))
    _, first = np.unique(groups[shuffled], return_index=True)
    return whole.select(random.permutation(shuffled[first])[:rows])


def _generated(world: World) -> tuple[Catalogue, Ints]:
    spec = CatalogueSpec(
        listings=world.listings,
        categories=world.categories,
        pictures=False,
        seed=world.seed,
        wrong_share=world.rate,
        noise=_MIXES[world.errors],
        ancestor_share=world.ancestors,
    )
    with TemporaryDirectory() as folder:
        write_catalogue(Path(folder), spec)
        found = read_catalogue(Path(folder))
    return found, found.labels
