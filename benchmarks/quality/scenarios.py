"""The scenarios: each is a part of the given catalogue, or a generated one, with one kind of label noise."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.quality import catalogue as parts
from benchmarks.quality import noise
from benchmarks.quality.catalogue import Catalogue, Random, read_catalogue
from catalogue_generator.catalogue import write_catalogue
from catalogue_generator.spec import CatalogueSpec
from schemas.arrays import Floats, Ints

TrueClassifier = Callable[[Catalogue], Floats]
"""Returns out-of-sample log-probabilities of a classifier that is trained on the truth."""

_ROWS = 6000
_SMALL = 500
_SEVEN = [1, 3, 5, 8, 11, 15, 20]
_FIVE = [0, 2, 4, 7, 9]
_OTHER = 1050
_GENERATED = CatalogueSpec(listings=6000, categories=1000, pictures=False)


@dataclass(frozen=True)
class Scenario:
    """A catalogue and its noise.

    Attributes:
        what: its name in the report; also the random seed.
        part: selects the listings.
        add_noise: makes the labels; only noise on ambiguous listings calls the classifier.
    """

    what: str
    part: Callable[[Catalogue, Random], Catalogue]
    add_noise: Callable[[Catalogue, TrueClassifier, Random], Ints]

    def make(self, whole: Catalogue, classifier: TrueClassifier) -> tuple[Catalogue, Ints]:
        """The listings and their labels; every call returns the same ones."""
        random = np.random.default_rng(zlib.crc32(self.what.encode()))
        part = self.part(whole, random)
        return part, self.add_noise(part, classifier, random)


def _rows(count: int) -> Callable[[Catalogue, Random], Catalogue]:
    return lambda whole, random: parts.sample(whole, count, random)


def _ranks(ranks: list[int], rows: int) -> Callable[[Catalogue, Random], Catalogue]:
    return lambda whole, random: parts.sample(parts.of_categories(whole, ranks), rows, random)


def _generated(_whole: Catalogue, _random: Random) -> Catalogue:
    """A catalogue from the project's generator, with the generator's own label noise."""
    with TemporaryDirectory() as folder:
        write_catalogue(Path(folder), _GENERATED)
        return read_catalogue(Path(folder))


def _given(part: Catalogue, _classifier: TrueClassifier, _random: Random) -> Ints:
    return part.labels


def _sellers(rate: float) -> Callable[[Catalogue, TrueClassifier, Random], Ints]:
    return lambda part, _, random: noise.careless_sellers(part, rate, random)


def _ambiguous(share: float) -> Callable[[Catalogue, TrueClassifier, Random], Ints]:
    return lambda part, classifier, random: noise.ambiguous_errors(part, classifier(part), share, random)


def _renamed(share: float) -> Callable[[Catalogue, TrueClassifier, Random], Ints]:
    return lambda part, _, random: noise.renamed_categories(part, share, random)


SCENARIOS: dict[str, Scenario] = {
    "given": Scenario("labels as given", _rows(_ROWS), _given),
    "no-sellers": Scenario("no sellers", lambda w, r: parts.without_sellers(parts.sample(w, _ROWS, r)), _given),
    "half-titles": Scenario(
        "half without a title", lambda w, r: parts.without_half_the_titles(parts.sample(w, _ROWS, r), r), _given
    ),
    "rate-22": Scenario("sellers err, 22 %", _rows(_ROWS), _sellers(0.22)),
    "rate-10": Scenario("sellers err, 10 %", _rows(_ROWS), _sellers(0.10)),
    "rate-2": Scenario("sellers err, 2 %", _rows(_ROWS), _sellers(0.02)),
    "rate-1": Scenario("sellers err, 1 %", _rows(_ROWS), _sellers(0.01)),
    "any-60": Scenario("60 % wrong, evenly", _rows(_ROWS), lambda p, _, r: noise.uniform_errors(p, 0.60, r)),
    "one-seller": Scenario(
        "one seller makes all errors", _rows(_ROWS), lambda p, _, r: noise.one_careless_seller(p, r)
    ),
    "ambiguous-half": Scenario("half of the errors on ambiguous listings", _rows(_ROWS), _ambiguous(0.5)),
    "ambiguous-all": Scenario("all errors on ambiguous listings", _rows(_ROWS), _ambiguous(1.0)),
    "pairs-all": Scenario("three categories called another's name by all", _rows(_ROWS), _renamed(1.0)),
    "pairs-some": Scenario("the same by half of the sellers", _rows(_ROWS), _renamed(0.5)),
    "five": Scenario("5 categories", _ranks(_FIVE, _ROWS), _given),
    "five-2": Scenario("5 categories, 2 % wrong", _ranks(_FIVE, _ROWS), _sellers(0.02)),
    "seven": Scenario("1,050 listings of 7 categories", _ranks(_SEVEN, _OTHER), _given),
    "seven-1": Scenario("the same, 1 % wrong", _ranks(_SEVEN, _OTHER), _sellers(0.01)),
    "seven-ambiguous": Scenario("the same, half on ambiguous ones", _ranks(_SEVEN, _OTHER), _ambiguous(0.5)),
    "large": Scenario("one category with 90 %", parts.one_dominant, _given),
    "thousand": Scenario("1,000 categories, from the generator", _generated, _given),
    "small": Scenario("500 listings", _rows(_SMALL), _given),
    "small-2": Scenario("500 listings, 2 % wrong", _rows(_SMALL), _sellers(0.02)),
}
