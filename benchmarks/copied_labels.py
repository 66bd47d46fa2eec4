"""Measure what the text model makes of wrong labels among copies, if its members learn from copies and if they do not.

    python -m benchmarks.copied_labels FOLDER [--copies 3]

The folder has listings.parquet and truth.parquet. Of a sample of its titles, a quarter gets a wrong label. Half of the
titles are copied, with two words exchanged, by the same seller with the same label, or by others with labels of their
own.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from conf.load import load_settings
from schemas.arrays import Ints
from schemas.bundle import BUCKETS
from training.dataset import Shard
from training.folds import fold_bits, left_out_folds
from training.plan import make_plan
from training.ranks import Ranks
from training.text_branch import SECOND_C, make_text_trainer, one_hot
from training.train import feature_arguments
from udfs.text import featurize
from udfs.tf_runtime import import_tensorflow

_KINDS = {"of the same seller, with the same label": True, "of other sellers, with labels of their own": False}
_WRONG = 0.25
_LEAST = 20
"""Titles of a category."""


@dataclass(frozen=True)
class World:
    """Titles with their copies.

    Attributes:
        titles: n of them.
        truth, labels: shape (n,), categories.
        products: shape (n,); copies have the number of their original.
    """

    titles: list[str]
    truth: Ints
    labels: Ints
    products: Ints


def main() -> None:
    """Print the share of the wrong labels among copies for which the model proposes the right category."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="folder with listings.parquet and truth.parquet")
    parser.add_argument("--titles", type=int, default=5000, help="size of the sample")
    parser.add_argument("--copies", type=int, default=3, help="copies of every other title")
    options = parser.parse_args()
    import_tensorflow(1)
    titles, truth = _sample(options.folder, options.titles)
    for kind, same_label in _KINDS.items():
        world = copied(titles, truth, options.copies, same_label=same_label)
        buckets = np.random.default_rng(1).integers(0, BUCKETS, len(world.titles))
        copies = pa.array(pd.Series(buckets).groupby(world.products).agg(list)[world.products])
        learn = repaired(world, _predict(world, buckets, fold_bits(buckets)))
        learn_not = repaired(world, _predict(world, buckets, left_out_folds(buckets, copies)))
        print(f"{kind}: members learn from copies {learn:.2f}, they do not {learn_not:.2f}", flush=True)


def copied(titles: list[str], truth: Ints, copies: int, *, same_label: bool) -> World:
    """Copy every other title; each label is wrong by chance, drawn from the frequencies of the categories.

    Args:
        titles: the originals.
        truth: shape (len(titles),), their categories, 0 to C - 1.
        copies: of each title that is copied.
        same_label: whether copies have their original's label, or labels of their own.
    """
    random = np.random.default_rng(0)
    frequencies = np.bincount(truth) / len(truth)
    products = np.concatenate([np.arange(len(titles)), np.repeat(np.arange(0, len(titles), 2), copies)])
    wrong = random.random(len(products)) < _WRONG
    labels = np.where(wrong, random.choice(len(frequencies), len(products), p=frequencies), truth[products])
    if same_label:
        labels = labels[products]
    texts = titles + [_exchanged(titles[product], random) for product in products[len(titles) :]]
    return World(texts, truth[products], labels, products)


def repaired(world: World, predicted: Ints) -> float:
    """The share of wrong labels of titles that have copies, or are one, whose predicted category is right."""
    asked = (np.bincount(world.products)[world.products] > 1) & (world.labels != world.truth)
    return float((predicted == world.truth)[asked].mean())


def _sample(folder: Path, size: int) -> tuple[list[str], Ints]:
    """Different titles of categories with at least `_LEAST`, and the numbers of their true categories."""
    truth = pd.read_parquet(folder / "truth.parquet").set_index("listing_id")["true_category"]
    listings = pd.read_parquet(folder / "listings.parquet", columns=["listing_id", "title"]).dropna()
    listings = listings.drop_duplicates("listing_id").drop_duplicates("title")
    listings["truth"] = listings["listing_id"].map(truth)
    frequent = listings["truth"].value_counts().loc[lambda counts: counts >= _LEAST].index
    listings = listings[listings["truth"].isin(frequent)]
    listings = listings.sample(min(size, len(listings)), random_state=1)
    return listings["title"].tolist(), pd.factorize(listings["truth"])[0]


def _exchanged(title: str, random: np.random.Generator) -> str:
    words = title.split()
    place = int(random.integers(0, max(len(words) - 1, 1)))
    words[place : place + 2] = words[place : place + 2][::-1]
    return " ".join(words)


def _predict(world: World, buckets: Ints, left_out: Ints) -> Ints:
    """The out-of-sample category of each title."""
    rows, categories = len(world.titles), int(world.truth.max()) + 1
    settings, nobody = load_settings("local"), np.full(rows, -1)
    features = featurize(world.titles, [None] * rows, **feature_arguments(settings)[0])
    shard = Shard(
        keys=np.arange(rows),
        labels=world.labels,
        truths=nobody,
        audited=nobody,
        sellers=np.zeros(rows, np.int64),
        buckets=buckets,
        left_out=left_out,
        splits=features.splits,
        ids=features.ids,
        weights=features.weights,
        present=np.zeros(rows, np.bool_),
        slots=nobody,
        vectors=np.zeros((0, 0), np.float16),
    )
    with tempfile.TemporaryDirectory() as folder:
        plan = make_plan(settings, rows, 0)
        trainer = make_text_trainer(
            shard, plan, categories, settings.text.hash_size, Ranks.init(), lambda *_: None, Path(folder)
        )
        branch = trainer.train(one_hot(world.labels, categories), SECOND_C, "text model")
        predicted: Ints = branch.predict(np.arange(rows)).argmax(axis=1)
        return predicted


if __name__ == "__main__":
    main()
