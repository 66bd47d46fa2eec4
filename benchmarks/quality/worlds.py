"""Worlds: catalogues of many sizes and kinds of label errors, on which methods and rules are measured."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
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
_RATES = (0.01, 0.02, 0.10, 0.22, 0.50)
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

    @property
    def name(self) -> str:
        """Its file name."""
        words = [self.source, self.listings, *([self.categories] if self.categories else []), self.errors]
        words += [f"{100 * self.rate:02.0f}", f"s{self.seed}", *(["pictures"] if self.pictures else [])]
        return "-".join(map(str, words + ([f"without-{self.without}"] if self.without else [])))

    def make(self, folder: Path, vectors: Path | None = None) -> tuple[Catalogue, Ints]:
        """The listings and their labels; every call returns the same ones.

        Args:
            folder: a catalogue with known truth.
            vectors: those of its pictures, as `benchmarks.quality.picture_vectors.keep_vectors` writes them; only
                worlds with pictures need them.
        """
        random = np.random.default_rng(zlib.crc32(self.name.encode()))
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
    )
    with TemporaryDirectory() as folder:
        write_catalogue(Path(folder), spec)
        found = read_catalogue(Path(folder))
    return found, found.labels


def _real() -> list[World]:
    worlds = []
    for rows in (500, 1050, 3000, 6000):
        worlds += [World("real", rows, rate, "sellers", twins=i % 2 == 1) for i, rate in enumerate(_RATES)]
        worlds += [World("real", rows, 0.10, "half", twins=False), World("real", rows, 0.22, "half")]
        worlds += [World("real", rows, 0.02, "all", twins=False), World("real", rows, 0.22, "all")]
        worlds += [World("real", rows, 0.15, "renamed"), World("real", rows, 0.22, "given")]
    worlds += [World("seven", 1050, rate, "sellers") for rate in (0.01, 0.22)]
    return [*worlds, World("seven", 1050, 0.22, "half")]


def _made() -> list[World]:
    sizes = (
        [(3000, 24, rate, "mixed", seed) for rate, seed in zip((*_RATES, 0.22), (11, 12, 13, 7, 15, 14), strict=True)]
        + [(3000, 24, 0.22, "careless", 21), (3000, 24, 0.10, "ambiguous", 22), (3000, 24, 0.20, "ambiguous", 22)]
        + [(3000, 24, 0.15, "systematic", 23), (3000, 5, 0.02, "mixed", 27), (3000, 5, 0.22, "mixed", 28)]
        + [(3000, 80, rate, "mixed", seed) for rate, seed in ((0.02, 24), (0.22, 25), (0.10, 26))]
        + [(1000, 24, 0.22, "mixed", 29), (1000, 24, 0.02, "mixed", 30)]
        + [(6000, 80, 0.22, "mixed", 31), (6000, 80, 0.02, "mixed", 32)]
    )
    return [
        World("generated", rows, rate, errors, categories=categories, seed=seed)
        for rows, categories, rate, errors, seed in sizes
    ]


def _redrawn(world: World, seed: int) -> World:
    """Another draw of a world; with titles that occur once where they did not, and the other way round."""
    return replace(world, seed=world.seed + seed, twins=not world.twins)


def _with_pictures() -> list[World]:
    """Worlds in which most listings have a text and a picture."""
    kinds = [("sellers", rate) for rate in _RATES]
    kinds += [("half", 0.10), ("half", 0.22), ("all", 0.22), ("renamed", 0.15), ("given", 0.22)]
    kinds += [("sellers", 0.10)]
    sizes = [3000] * (len(kinds) - 1) + [1050]
    return [
        *(
            World("real", size, rate, errors, twins=i % 2 == 1, pictures=True)
            for i, ((errors, rate), size) in enumerate(zip(kinds, sizes, strict=True))
        ),
        *(World("real", 3000, rate, "sellers", pictures=True, without="texts") for rate in (0.02, 0.22)),
        World("seven", 1050, 0.22, "half", pictures=True),
    ]


SELECTION = (*_real(), *_made())
"""The worlds on which the rule for trusting the classifier was chosen."""
VALIDATION = tuple(_redrawn(world, 100) for world in SELECTION if 500 < world.listings < 6000)
"""Other draws, which checked the rule."""
PICTURES = tuple(_with_pictures())
SCENARIOS: dict[str, World] = {
    "labels as given": World("real", 6000, 0.22, "given"),
    "the same with pictures": World("real", 6000, 0.22, "given", pictures=True),
    "no sellers": World("real", 6000, 0.22, "given", without="sellers"),
    "half without a text": World("real", 6000, 0.22, "given", without="texts"),
    "half without a text, with pictures": World("real", 6000, 0.22, "given", pictures=True, without="texts"),
    "sellers err, 22 %": World("real", 6000, 0.22, "sellers"),
    "sellers err, 10 %": World("real", 6000, 0.10, "sellers", twins=False),
    "sellers err, 2 %": World("real", 6000, 0.02, "sellers"),
    "sellers err, 1 %": World("real", 6000, 0.01, "sellers", twins=False),
    "60 % wrong, evenly": World("real", 6000, 0.60, "evenly"),
    "one seller makes all errors": World("real", 6000, 0.03, "seller"),
    "half of the errors on ambiguous listings": World("real", 6000, 0.22, "half"),
    "all errors on ambiguous listings": World("real", 6000, 0.22, "all"),
    "three categories called another's name by all": World("real", 6000, 0.30, "renamed-by-all"),
    "the same by 40 % of the sellers": World("real", 6000, 0.15, "renamed"),
    "5 categories": World("five", 6000, 0.22, "given"),
    "5 categories, 2 % wrong": World("five", 6000, 0.02, "sellers"),
    "1,050 listings of 7 categories": World("seven", 1050, 0.22, "sellers"),
    "the same, 1 % wrong": World("seven", 1050, 0.01, "sellers"),
    "the same, half on ambiguous ones": World("seven", 1050, 0.22, "half"),
    "one category with 90 %": World("largest", 6000, 0.22, "given"),
    "80 categories, from the generator": World("generated", 6000, 0.22, "mixed", categories=80, seed=31),
    "1,000 categories, from the generator": World("generated", 6000, 0.22, "mixed", categories=1000, seed=7),
    "20,000 listings": World("real", 20_000, 0.22, "sellers"),
    "500 listings": World("real", 500, 0.22, "given"),
    "500 listings, 2 % wrong": World("real", 500, 0.02, "sellers"),
}
"""Title -> world that the report shows in detail."""
WORLDS = tuple(dict.fromkeys((*SELECTION, *VALIDATION, *PICTURES, *SCENARIOS.values())))
"""All worlds."""
