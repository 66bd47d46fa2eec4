"""Our method in one process: the branches and the decisions of training and the nightly run."""

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
from schemas.tensors import VectorBatch
from training.dataset import Shard, map_shard
from training.error_share import twin_share
from training.first_pass import FirstPass, enough_texts, fit_first_pass, soft_labels
from training.fitting import fit_sample
from training.folds import fold_bits
from training.learning_curve import train_on_quarters
from training.picture_branch import train_pictures
from training.plan import SECOND_PASS, make_plan
from training.ranks import Ranks
from training.sample import NO_SELLER, Sample, seller_codes
from training.text_branch import SECOND_C, make_text_trainer, one_hot
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
        claim_slope: `schemas.bundle.NoiseModel.claim_slope`.
        figures: figures of the fit, such as error_rate and estimated_error_left.
    """

    classifier: Floats
    posterior: Floats
    claim_slope: float
    figures: dict[str, float]


class OurMethod:
    """Our branches, trained on a catalogue's labels; cleans with one pass or two, with or without sellers.

    There are picture branches if the catalogue has pictures.
    """

    def __init__(self, catalogue: Catalogue, labels: Ints, *overrides: str) -> None:
        """Train on the labels; `overrides` are settings as `section.name=value`."""
        settings = load_settings("local", overrides)
        self.catalogue, self.labels = catalogue, labels
        self._learnt: dict[bool, tuple[FirstPass | None, Floats32 | None]] = {}
        pictures = 0 if catalogue.pictures is None else int(catalogue.pictures.present.sum())
        self._plan = make_plan(settings, len(catalogue), pictures)
        self._folder = TemporaryDirectory()
        folder = Path(self._folder.name)
        shard = _shard(catalogue, labels, settings, folder)
        size = settings.text.hash_size
        self._trainer = make_text_trainer(
            shard, self._plan, len(catalogue.categories), size, Ranks.init(), lambda *_: None, folder
        )
        branch, c = self._trainer.first_pass()
        self._branch = branch
        self.fewer = train_on_quarters(self._trainer, branch, c, np.arange(len(labels)), catalogue.ancestors)
        """What members that were trained on fewer listings say of the labels."""
        self.first = self._trainer.predict(branch, np.arange(len(labels)))
        """Log-probabilities by the texts, shape (n, C); no member predicts what it was trained on, or on a near
        duplicate."""

    def clean(self, *, passes: int = 2, sellers_known: bool = True) -> CleaningResult:
        """Fit branch weights and noise model and compute the posterior, as training and the nightly run do."""
        first, soft = self.learn(sellers_known)
        return self._decide(self.predict(soft if passes == 2 else None), first, sellers_known)

    def predict(self, soft: Floats32 | None) -> dict[str, Floats32]:
        """Out-of-sample log-probabilities of all branches, shape (n, C); NaN where an input is missing.

        Args:
            soft: the soft labels, shape (n, C), for a second pass; None: one pass on the given labels.
        """
        categories = len(self.catalogue.categories)
        targets = one_hot(self.labels, categories) if soft is None else soft.__getitem__
        text = self._branch if soft is None else self._trainer.train(targets, SECOND_C, SECOND_PASS, start=self._branch)
        branches = {TEXT.name: self._trainer.predict(text, np.arange(len(self.labels)))}
        if self._plan.pictures:
            shard = self._trainer.shard
            rows = np.flatnonzero(shard.present)
            for name, predicted in train_pictures(text, self._trainer, targets).predict(shard, rows).items():
                branches[name] = np.full_like(branches[TEXT.name], np.nan)
                branches[name][rows] = predicted
        return branches

    def clean_nested(self) -> CleaningResult:
        """Clean with two passes and nested folds: no label of a member's own fold affects the targets that it learns.

        This prevents label leakage, but needs one training per member, on fewer rows.
        """
        first, soft = self.learn(sellers_known=True)
        if soft is None:
            return self._decide(self.predict(None), first, sellers_known=True)
        soft, predicted = soft.copy(), dict[str, Floats32]()
        folds = self._trainer.shard.buckets % self._plan.text_members
        for fold in range(self._plan.text_members):
            own, others = folds == fold, np.flatnonzero(folds != fold)
            _, nested = OurMethod(self.catalogue.select(others), self.labels[others]).learn(sellers_known=True)
            if nested is not None:
                soft[others] = nested
            for name, each in self.predict(soft).items():
                predicted.setdefault(name, np.empty_like(each))[own] = each[own]
        return self._decide(predicted, first, sellers_known=True)

    def learn(self, sellers_known: bool) -> tuple[FirstPass | None, Floats32 | None]:
        """Fit the first pass, once; returns it and its soft labels, or None and None if there are too few texts."""
        if sellers_known not in self._learnt:
            self._learnt[sellers_known] = self._learn(*self._sellers(sellers_known))
        return self._learnt[sellers_known]

    def _learn(self, codes: Ints, ids: tuple[str, ...]) -> tuple[FirstPass | None, Floats32 | None]:
        sample = self._sample(codes, ids, {TEXT.name: self.first})
        if not enough_texts(sample):
            return None, None
        first = fit_first_pass(sample, self.catalogue.distances, self.fewer, self._twins(codes))
        return first, soft_labels(first, sample.branches[TEXT.name], self.labels, sample.truths, codes)

    def _decide(self, predicted: dict[str, Floats32], first: FirstPass | None, sellers_known: bool) -> CleaningResult:
        codes, ids = self._sellers(sellers_known)
        sample = self._sample(codes, ids, predicted)
        twins = self._twins(codes) if first is None else None
        fitted = fit_sample(sample, self.catalogue.distances, self.catalogue.categories, first, twins)
        log_q = fuse(sample.branches, fitted.fusion).astype(np.float64)
        log_q[np.isnan(log_q[:, 0])] = np.log(fitted.prior)
        rates = np.array([*(fitted.noise.sellers[seller] for seller in ids), fitted.noise.error_rate])[codes]
        probabilities, _ = posterior(log_q, self.labels, rates, fitted.noise.transitions)
        return CleaningResult(log_q, probabilities, fitted.noise.claim_slope, fitted.figures)

    def _sellers(self, known: bool) -> tuple[Ints, tuple[str, ...]]:
        return seller_codes(self.catalogue.sellers.tolist() if known else [None] * len(self.catalogue))

    def _sample(self, codes: Ints, ids: tuple[str, ...], predicted: dict[str, Floats32]) -> Sample:
        nobody, buckets = np.full(len(self.labels), -1), self._trainer.shard.buckets
        ancestors = self.catalogue.ancestors
        branches = {name: resolve_log(each, self.labels, ancestors) for name, each in predicted.items()}
        confidence = family_confidence(predicted[TEXT.name], ancestors) if ancestors.any() else None
        return Sample(self.labels, nobody, nobody, codes, buckets, ids, branches, confidence)

    def _twins(self, codes: Ints) -> ShareEstimate | None:
        texts = text_groups(self.catalogue.titles, self.catalogue.descriptions)
        return twin_share(count_pairs(self.labels, texts, codes, self.catalogue.ancestors))


def _shard(catalogue: Catalogue, labels: Ints, settings: Settings, folder: Path) -> Shard:
    lengths = []
    text = settings.text
    count = len(catalogue)
    pictures = catalogue.pictures or VectorBatch(np.zeros((count, 0), np.float16), np.zeros(count, np.bool_))
    (folder / "vectors").write_bytes(pictures.values[pictures.present].astype("<f2").tobytes())
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
    buckets = np.array([_bucket(i, title) for i, title in enumerate(catalogue.titles)], np.int64)
    columns = {
        "keys": [np.arange(len(catalogue))],
        "labels": [labels],
        "truths": [np.full(len(labels), -1)],
        "audited": [np.full(len(labels), -1)],
        "sellers": [np.full(len(labels), NO_SELLER)],
        "buckets": [buckets],
        "left_out": [fold_bits(buckets)],
        "present": [pictures.present.astype(np.int64)],
        "lengths": lengths,
    }
    return map_shard(folder, columns, pictures.values.shape[1])


def _bucket(row: int, title: str | None) -> int:
    """Listings with the same normalised title share a bucket; a listing without a title has its own."""
    plain = normalized_title(title or "")
    return zlib.crc32((plain if len(plain) >= _MIN_TITLE else str(row)).encode()) % _BUCKETS
