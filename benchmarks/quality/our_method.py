"""Our method on texts alone, in one process: the text branch and the decisions of training and the nightly run."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.quality.catalogue import Catalogue
from benchmarks.quality.world_classifier import count_pairs, text_groups
from conf.load import load_settings
from conf.settings import Settings
from schemas.arrays import Floats, Floats32, Ints
from schemas.branches import TEXT
from schemas.estimates import ShareEstimate
from training.dataset import Shard, map_shard
from training.error_share import twin_share
from training.first_pass import FirstPass, enough_texts, fit_first_pass, soft_labels
from training.fitting import fit_sample
from training.learning_curve import train_on_quarters
from training.plan import SECOND_PASS, make_plan
from training.ranks import Ranks
from training.sample import NO_SELLER, Sample, seller_codes
from training.text_branch import SECOND_C, make_text_trainer
from udfs.ancestors import family_confidence, resolve_log
from udfs.fusion import fuse
from udfs.near_duplicates import normalized_title
from udfs.posterior import posterior
from udfs.text import featurize

_BUCKETS = 2520
_BLOCK = 512
_MIN_TITLE = 3
"""Shorter titles, in characters, do not form groups."""


@dataclass(frozen=True)
class CleaningResult:
    """The result of our method on a catalogue.

    Attributes:
        classifier: shape (n, C), calibrated out-of-sample log-probabilities.
        posterior: shape (n, C), the posterior given content, label and seller.
        figures: figures of the fit, such as error_rate and estimated_error_left.
    """

    classifier: Floats
    posterior: Floats
    figures: dict[str, float]


class OurMethod:
    """Our text branch, trained on a catalogue's labels; cleans with one pass or two, with or without sellers."""

    def __init__(self, catalogue: Catalogue, labels: Ints, *overrides: str) -> None:
        """Train on the labels; `overrides` are settings as `section.name=value`."""
        settings = load_settings("local", overrides)
        self.catalogue, self.labels = catalogue, labels
        self._plan = make_plan(settings, len(catalogue), 0)
        with TemporaryDirectory() as folder:  # mapped files stay readable after deletion
            shard = _shard(catalogue, labels, settings, Path(folder))
        size = settings.text.hash_size
        self._trainer = make_text_trainer(
            shard, self._plan, len(catalogue.categories), size, Ranks.init(), lambda *_: None
        )
        branch, c = self._trainer.first_pass()
        self._branch = branch
        self._fewer = train_on_quarters(self._trainer, branch, c, np.arange(len(labels)), catalogue.ancestors)
        self.first = self._trainer.predict(branch)
        """Log-probabilities, shape (n, C); no member predicts what it was trained on, or on a near duplicate."""

    def clean(self, *, passes: int = 2, sellers_known: bool = True) -> CleaningResult:
        """Fit branch weights and noise model and compute the posterior, as training and the nightly run do."""
        first, soft = self.learn(sellers_known) if passes == 2 else (None, None)
        predicted = self.first if soft is None else self._second_pass(soft)
        return self._decide(predicted, first, sellers_known)

    def clean_nested(self) -> CleaningResult:
        """Clean with two passes and nested folds: no label of a member's own fold affects the targets that it learns.

        This prevents label leakage, but needs one training per member, on fewer rows.
        """
        first, soft = self.learn(sellers_known=True)
        if soft is None:
            return self._decide(self.first, first, sellers_known=True)
        predicted = np.empty_like(self.first)
        folds = self._trainer.shard.buckets % self._plan.text_members
        for fold in range(self._plan.text_members):
            own, others = folds == fold, np.flatnonzero(folds != fold)
            _, nested = OurMethod(self.catalogue.select(others), self.labels[others]).learn(sellers_known=True)
            if nested is not None:
                soft[others] = nested
            predicted[own] = self._second_pass(soft)[own]
        return self._decide(predicted, first, sellers_known=True)

    def learn(self, sellers_known: bool) -> tuple[FirstPass | None, Floats32 | None]:
        """Fit the first pass; returns it and its soft labels, or None and None if there are too few texts."""
        codes, ids = self._sellers(sellers_known)
        sample = self._sample(codes, ids, self.first)
        if not enough_texts(sample):
            return None, None
        first = fit_first_pass(sample, self.catalogue.distances, self._fewer, self._twins(codes))
        return first, soft_labels(first, sample.branches[TEXT.name], self.labels, sample.truths, codes)

    def _second_pass(self, soft: Floats32) -> Floats32:
        """The second pass's log-probabilities, out of sample."""
        return self._trainer.predict(self._trainer.train(soft.__getitem__, SECOND_C, SECOND_PASS, start=self._branch))

    def _decide(self, predicted: Floats32, first: FirstPass | None, sellers_known: bool) -> CleaningResult:
        codes, ids = self._sellers(sellers_known)
        sample = self._sample(codes, ids, predicted)
        if first is None and enough_texts(sample):
            first = fit_first_pass(sample, self.catalogue.distances, self._fewer, self._twins(codes))
        fitted = fit_sample(sample, self.catalogue.distances, self.catalogue.categories, first)
        log_q = fuse(sample.branches, fitted.fusion).astype(np.float64)
        log_q[np.isnan(log_q[:, 0])] = np.log(fitted.prior)
        rates = np.array([*(fitted.noise.sellers[seller] for seller in ids), fitted.noise.error_rate])[codes]
        probabilities, _ = posterior(log_q, self.labels, rates, fitted.noise.transitions)
        return CleaningResult(log_q, probabilities, fitted.figures)

    def _sellers(self, known: bool) -> tuple[Ints, tuple[str, ...]]:
        return seller_codes(self.catalogue.sellers.tolist() if known else [None] * len(self.catalogue))

    def _sample(self, codes: Ints, ids: tuple[str, ...], predicted: Floats32) -> Sample:
        nobody, buckets = np.full(len(self.labels), -1), self._trainer.shard.buckets
        ancestors = self.catalogue.ancestors
        text = {TEXT.name: resolve_log(predicted, self.labels, ancestors)}
        confidence = family_confidence(predicted, ancestors) if ancestors.any() else None
        return Sample(self.labels, nobody, nobody, codes, buckets, ids, text, confidence)

    def _twins(self, codes: Ints) -> ShareEstimate | None:
        texts = text_groups(self.catalogue.titles, self.catalogue.descriptions)
        return twin_share(count_pairs(self.labels, texts, codes, self.catalogue.ancestors))


def _shard(catalogue: Catalogue, labels: Ints, settings: Settings, folder: Path) -> Shard:
    lengths = []
    text = settings.text
    (folder / "vectors").touch()
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
        "audited": [np.full(len(labels), -1)],
        "sellers": [np.full(len(labels), NO_SELLER)],
        "buckets": [np.array([_bucket(i, title) for i, title in enumerate(catalogue.titles)], np.int64)],
        "present": [np.zeros(len(catalogue), np.int64)],
        "lengths": lengths,
    }
    return map_shard(folder, columns, 0)


def _bucket(row: int, title: str | None) -> int:
    """Listings with the same normalised title share a bucket; a listing without a title has its own."""
    plain = normalized_title(title or "")
    return zlib.crc32((plain if len(plain) >= _MIN_TITLE else str(row)).encode()) % _BUCKETS
