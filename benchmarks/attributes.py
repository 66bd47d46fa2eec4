"""Measure how well attributes that descriptions state are suggested for listings whose description is hidden.

    python -m benchmarks.attributes FOLDER --names colour,use

The folder has listings.parquet with delimited descriptions, such as "Navy Blue, Casual". A third of the listings, by
normalised title, loses its description; what it said is known, so the suggestions can be judged. Nothing is learnt from
these listings. The vectors of the pictures are kept in the folder `--work`.
"""

from __future__ import annotations

import argparse
import time
import zlib
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.quality.catalogue import read_vectors
from benchmarks.quality.picture_vectors import keep_vectors
from benchmarks.work_folder import ROOT
from conf.attribute_settings import AttributeSettings
from conf.settings import TextSettings
from schemas.arrays import Bools, Ints
from training.attribute_sample import AttributeSample, Stated
from training.attributes import learn_attributes
from training.folds import fold_bits
from udfs.attributes import predict_attribute
from udfs.text import featurize


def main() -> None:
    """Print precision and recall of the suggestions for each attribute, and the seconds that learning took."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="folder with listings.parquet")
    parser.add_argument("--names", required=True, help="attributes in the order of the parts of the descriptions")
    parser.add_argument("--separator", default=",")
    parser.add_argument("--listings", type=int, help="use only so many listings, chosen by hash")
    parser.add_argument("--work", type=Path, default=ROOT / ".cache" / "bench")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    listings = _newest(options.folder, options.listings)
    pictures = read_vectors(keep_vectors(options.folder, options.work, print), listings["listing_id"].tolist())
    stated = {
        name: _parts(listings["description"], part, options.separator)
        for part, name in enumerate(options.names.split(","))
    }
    hidden = np.array([zlib.crc32(title.casefold().encode()) % 3 == 0 for title in listings["title"].fillna("")])
    settings, text = AttributeSettings(), TextSettings()
    titles = featurize(
        listings["title"].tolist(),
        [None] * len(listings),
        hash_size=text.hash_size,
        word_ngrams=text.word_ngrams,
        char_ngrams=text.char_ngrams,
        max_chars=text.max_chars,
    )
    buckets = np.array([zlib.crc32((title or "").casefold().encode()) // 3 % 2520 for title in listings["title"]])
    known = np.flatnonzero(~hidden)[: settings.sample]
    started = time.perf_counter()
    heads = learn_attributes(
        AttributeSample(
            titles=titles.take(known),
            texts=titles.take(known),
            pictures=pictures.take(known),
            buckets=buckets[known],
            left_out=fold_bits(buckets[known]),
            stated={name: _stated(values.iloc[known], part) for part, (name, values) in enumerate(stated.items())},
        ),
        text.hash_size,
        settings.precision,
    )
    print(f"{len(known):,} listings learnt from, {hidden.sum():,} hidden, {time.perf_counter() - started:.0f} seconds")
    for head in heads:
        rows = np.flatnonzero(hidden & (stated[head.name] != ""))
        part = (titles.take(rows), pictures.take(rows), buckets[rows])
        truth = stated[head.name].iloc[rows].str.lower().to_numpy(str)
        predicted = predict_attribute(head, part[0], part[0], part[1], part[2])
        inputs = {"words and picture": predicted.fused, "words": predicted.by_words, "picture": predicted.by_picture}
        values = np.char.lower(np.array(head.values))
        print(f"{head.name}: {len(head.values)} values, suggested from {head.suggest_from:.3f}, {len(rows):,} hidden")
        for name, each in inputs.items():
            probability = np.exp(np.nan_to_num(each, nan=-np.inf))
            right = values[probability.argmax(axis=1)] == truth
            print(f"  {name}: most probable value right {right.mean():.3f}")
            if name == "words and picture":
                _print_suggested(right, probability.max(axis=1) >= head.suggest_from)


def _print_suggested(right: Bools, suggested: Bools) -> None:
    precision = right[suggested].mean() if suggested.any() else float("nan")
    print(f"  suggested {suggested.sum():,}: precision {precision:.3f}, recall {(right & suggested).mean():.3f}")


def _newest(folder: Path, count: int | None) -> pd.DataFrame:
    columns = ["listing_id", "title", "description", "updated_at"]
    rows = pd.read_parquet(folder / "listings.parquet", columns=columns)
    rows = rows.sort_values("updated_at", kind="stable").drop_duplicates("listing_id", keep="last")
    order = np.argsort([zlib.crc32(listing.encode()) for listing in rows["listing_id"]], kind="stable")
    return rows.iloc[order[:count]].reset_index(drop=True).replace({np.nan: None})


def _parts(descriptions: pd.Series, part: int, separator: str) -> pd.Series:
    """What a part of each description says; empty where there is none. As `udfs.stated_attributes` reads it."""
    sentences = descriptions.fillna("").str.extract(r"^([^.\r\n]*)", expand=False)
    return sentences.map(lambda text: ([*text.split(separator), *[""] * part])[part].strip())


def _stated(values: pd.Series, part: int) -> Stated:
    rows: Ints = np.flatnonzero((values != "").to_numpy())
    return Stated(part, rows, values.iloc[rows].tolist())


if __name__ == "__main__":
    main()
