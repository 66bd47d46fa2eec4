"""Worlds: catalogues of many sizes and kinds of label errors, on which rules for trusting the classifier are measured.

They are more and smaller than the scenarios, and a linear text classifier is trained once for each; then a rule takes
seconds.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.quality import noise
from benchmarks.quality.catalogue import Catalogue, Random, of_categories, read_catalogue
from benchmarks.quality.world_classifier import out_of_sample, text_groups, vectorize
from catalogue_generator.catalogue import write_catalogue
from catalogue_generator.spec import CatalogueSpec, NoiseMix
from schemas.arrays import Ints

_SEVEN = [1, 3, 5, 8, 11, 15, 20]
_RENAMING = 0.4
_RATES = (0.01, 0.02, 0.10, 0.22, 0.50)
_MIXES = {
    "mixed": NoiseMix(),
    "careless": NoiseMix(1.0, 0.0, 0.0),
    "ambiguous": NoiseMix(0.0, 1.0, 0.0),
    "systematic": NoiseMix(0.3, 0.0, 0.7, 0.3),
}


@dataclass(frozen=True)
class ErrorWorld:
    """A catalogue and its label errors.

    Attributes:
        source: `real`, the given catalogue; `seven`, seven of its categories; or `generated`.
        listings: their number.
        rate: the share of wrong labels, approximately.
        errors: for a real catalogue `sellers` of unlike care, `half` or `all` on ambiguous listings, `renamed` by some
            sellers, or `given`; for a generated one a name of `_MIXES`.
        twins: whether listings with the same title stay together; otherwise every title occurs once.
        categories: of a generated catalogue.
        seed: worlds with another seed are another draw.
    """

    source: str
    listings: int
    rate: float
    errors: str
    twins: bool = True
    categories: int = 0
    seed: int = 0

    @property
    def name(self) -> str:
        """Its file name."""
        parts = (self.source, self.listings, *([self.categories] if self.categories else []), self.errors)
        return "-".join(map(str, (*parts, f"{100 * self.rate:02.0f}", f"s{self.seed}")))

    def make(self, folder: Path) -> tuple[Catalogue, Ints]:
        """The listings and their labels, from a catalogue with known truth; every call returns the same ones."""
        random = np.random.default_rng(zlib.crc32(self.name.encode()))
        if self.source == "generated":
            return _generated(self)
        whole = read_catalogue(folder)
        if self.source == "seven":
            whole = of_categories(whole, _SEVEN)
        part = _cut(whole, self.listings, self.twins, random)
        return part, self._labels(part, random)

    def _labels(self, part: Catalogue, random: Random) -> Ints:
        if self.errors == "given":
            return part.labels
        if self.errors == "sellers":
            return noise.careless_sellers(part, self.rate, random)
        if self.errors == "renamed":
            return noise.renamed_categories(part, _RENAMING, random)
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


def _generated(world: ErrorWorld) -> tuple[Catalogue, Ints]:
    spec = CatalogueSpec(
        listings=world.listings,
        categories=world.categories,
        pictures=False,
        seed=world.seed,
        wrong_share=world.rate,
        noise=_MIXES[world.errors],
    )
    with TemporaryDirectory() as folder:
        write_catalogue(Path(folder), spec)
        found = read_catalogue(Path(folder))
    return found, found.labels


def _real() -> list[ErrorWorld]:
    worlds = []
    for rows in (500, 1050, 3000, 6000):
        worlds += [ErrorWorld("real", rows, rate, "sellers", twins=i % 2 == 1) for i, rate in enumerate(_RATES)]
        worlds += [ErrorWorld("real", rows, 0.10, "half", twins=False), ErrorWorld("real", rows, 0.22, "half")]
        worlds += [ErrorWorld("real", rows, 0.02, "all", twins=False), ErrorWorld("real", rows, 0.22, "all")]
        worlds += [ErrorWorld("real", rows, 0.15, "renamed"), ErrorWorld("real", rows, 0.22, "given")]
    worlds += [ErrorWorld("seven", 1050, rate, "sellers") for rate in (0.01, 0.22)]
    return [*worlds, ErrorWorld("seven", 1050, 0.22, "half")]


def _made() -> list[ErrorWorld]:
    sizes = (
        [(3000, 24, rate, "mixed", seed) for rate, seed in zip((*_RATES, 0.22), (11, 12, 13, 7, 15, 14), strict=True)]
        + [(3000, 24, 0.22, "careless", 21), (3000, 24, 0.10, "ambiguous", 22), (3000, 24, 0.20, "ambiguous", 22)]
        + [(3000, 24, 0.15, "systematic", 23), (3000, 5, 0.02, "mixed", 27), (3000, 5, 0.22, "mixed", 28)]
        + [(3000, 80, rate, "mixed", seed) for rate, seed in ((0.02, 24), (0.22, 25), (0.10, 26))]
        + [(1000, 24, 0.22, "mixed", 29), (1000, 24, 0.02, "mixed", 30)]
        + [(6000, 80, 0.22, "mixed", 31), (6000, 80, 0.02, "mixed", 32)]
    )
    return [
        ErrorWorld("generated", rows, rate, errors, categories=categories, seed=seed)
        for rows, categories, rate, errors, seed in sizes
    ]


def _redrawn(world: ErrorWorld, seed: int) -> ErrorWorld:
    """Another draw of a world; with titles that occur once where they did not, and the other way round."""
    return replace(world, seed=world.seed + seed, twins=not world.twins)


WORLDS = (*_real(), *_made())
"""The worlds on which rules were chosen."""
VALIDATION = tuple(_redrawn(world, 100) for world in WORLDS if 500 < world.listings < 6000)
"""Other draws, to check a rule that was chosen on `WORLDS`."""
