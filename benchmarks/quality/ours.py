"""Our text branch and our decisions, as training and the nightly run make them, in one process and without pictures."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.quality.catalogue import Catalogue
from conf.load import load_settings
from conf.settings import Settings
from schemas.arrays import Floats, Floats32, Ints
from schemas.branches import TEXT
from training.dataset import Shard, map_shard
from training.first_pass import FirstPass, enough_texts, fit_first_pass, soft_labels
from training.fitting import fit_sample
from training.plan import SECOND_PASS, make_plan
from training.ranks import Ranks
from training.sample import NO_SELLER, Sample, seller_codes
from training.text_branch import make_text_trainer
from udfs.fusion import fuse
from udfs.near_duplicates import normalized_title
from udfs.posterior import posterior
from udfs.text import featurize

_BUCKETS = 2520
_BLOCK = 512
_SHORT = 3
"""Titles of fewer characters are no group."""


@dataclass(frozen=True)
class Judged:
    """Our results on a catalogue.

    Attributes:
        classifier: shape (n, C), calibrated log q, out of sample.
        belief: shape (n, C), the posterior by content, label and seller.
        figures: of the fit: error_rate, estimated_error_left, caution, ...
    """

    classifier: Floats
    belief: Floats
    figures: dict[str, float]


class Ours:
    """Our text branch, trained once on a catalogue's labels; decisions by one pass or two, with sellers or without."""

    def __init__(self, catalogue: Catalogue, labels: Ints, *overrides: str) -> None:
        """Train on the labels; `overrides` of the default settings are `section.name=value`."""
        settings = load_settings("local", overrides)
        self.catalogue, self.labels = catalogue, labels
        self._plan = make_plan(settings, len(catalogue), 0)
        with TemporaryDirectory() as folder:  # what is mapped stays readable
            shard = _shard(catalogue, labels, settings, Path(folder))
        size = settings.text.hash_size
        self._trainer = make_text_trainer(
            shard, self._plan, len(catalogue.categories), size, Ranks.init(), lambda *_: None
        )
        branch, self._c = self._trainer.first_pass()
        self.first = self._trainer.predict(branch)
        """Log-probabilities, shape (n, C); no member predicts what it was trained on, nor its twins."""

    def clean(self, *, passes: int = 2, sellers_known: bool = True) -> Judged:
        """Fit weights and noise model and compute the posterior, as training and the nightly run do."""
        first, soft = self.learn(sellers_known) if passes == 2 else (None, None)
        judged = self.first if soft is None else self._second_pass(soft)
        return self._decide(judged, first, sellers_known)

    def clean_nested(self) -> Judged:
        """Two passes, but each member's targets come from members that have seen no label of its own fold.

        So nothing of a listing's own label leaks back to it; this takes a training for each member, on fewer rows.
        """
        first, soft = self.learn(sellers_known=True)
        if soft is None:
            return self._decide(self.first, first, sellers_known=True)
        judged = np.empty_like(self.first)
        folds = self._trainer.shard.buckets % self._plan.text_members
        for fold in range(self._plan.text_members):
            own, others = folds == fold, np.flatnonzero(folds != fold)
            _, nested = Ours(self.catalogue.take(others), self.labels[others]).learn(sellers_known=True)
            if nested is not None:
                soft[others] = nested
            judged[own] = self._second_pass(soft)[own]
        return self._decide(judged, first, sellers_known=True)

    def learn(self, sellers_known: bool) -> tuple[FirstPass | None, Floats32 | None]:
        """The first pass and its soft labels; None and None where there are too few texts."""
        codes, ids = self._sellers(sellers_known)
        sample = _sample(self.labels, codes, ids, self.first)
        if not enough_texts(sample):
            return None, None
        first = fit_first_pass(sample, self.catalogue.distances)
        return first, soft_labels(first, self.first, self.labels, sample.truths, codes)

    def _second_pass(self, soft: Floats32) -> Floats32:
        """The second pass's log-probabilities, out of sample."""
        return self._trainer.predict(self._trainer.train(soft.__getitem__, self._c, SECOND_PASS))

    def _decide(self, judged: Floats32, first: FirstPass | None, sellers_known: bool) -> Judged:
        codes, ids = self._sellers(sellers_known)
        sample = _sample(self.labels, codes, ids, judged)
        fitted = fit_sample(sample, self.catalogue.distances, self.catalogue.categories, first)
        log_q = fuse(sample.branches, fitted.fusion).astype(np.float64)
        log_q[np.isnan(log_q[:, 0])] = np.log(fitted.prior)
        rates = np.array([*(fitted.noise.sellers[seller] for seller in ids), fitted.noise.error_rate])[codes]
        belief, _ = posterior(log_q, self.labels, rates, fitted.noise.transitions)
        return Judged(log_q, belief, fitted.figures)

    def _sellers(self, known: bool) -> tuple[Ints, tuple[str, ...]]:
        return seller_codes(self.catalogue.sellers.tolist() if known else [None] * len(self.catalogue))


def _sample(labels: Ints, codes: Ints, ids: tuple[str, ...], judged: Floats32) -> Sample:
    return Sample(labels, np.full(len(labels), -1), codes, ids, {TEXT.name: judged})


def _shard(catalogue: Catalogue, labels: Ints, settings: Settings, folder: Path) -> Shard:
    lengths = []
    text = settings.text
    (folder / "pixels").touch()
    with (folder / "ids").open("wb") as ids, (folder / "weights").open("wb") as weights:
        for start in range(0, len(catalogue), _BLOCK):
            rows = slice(start, start + _BLOCK)
            batch = featurize(
                catalogue.titles[rows].tolist(),
                catalogue.descriptions[rows].tolist(),
                hash_size=text.hash_size,
                word_ngrams=text.word_ngrams,
                char_ngrams=text.char_ngrams,
                max_chars=text.max_chars,
            )
            ids.write(batch.ids.astype("<i4").tobytes())
            weights.write(batch.weights.astype("<f4").tobytes())
            lengths.append(np.diff(batch.splits))
    columns = {
        "keys": [np.arange(len(catalogue))],
        "labels": [labels],
        "truths": [np.full(len(labels), -1)],
        "sellers": [np.full(len(labels), NO_SELLER)],
        "buckets": [np.array([_bucket(i, title) for i, title in enumerate(catalogue.titles)], np.int64)],
        "present": [np.zeros(len(catalogue), np.int64)],
        "lengths": lengths,
    }
    return map_shard(folder, columns, settings.picture.height, settings.picture.width)


def _bucket(row: int, title: str | None) -> int:
    """Listings of one normalised title share a bucket; those without one have their own."""
    plain = normalized_title(title or "")
    return zlib.crc32((plain if len(plain) >= _SHORT else str(row)).encode()) % _BUCKETS
