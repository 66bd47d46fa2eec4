"""Writes a catalogue with known truth, block by block, so that memory does not limit its size.

How hard a catalogue is: accuracy against the truth of models trained on the sellers' labels (5-fold cross-validation
grouped by normalised title, default noise):

* text: TF-IDF of words and word pairs with logistic regression (C = 1) reaches 0.89 to 0.93 with about 125 listings
  per category or more (3,000 listings in 24 categories, 8,000 in 60 or 20,000 in 100);
* pictures: edges and pixels with linear discriminant analysis reach 0.66 (3,000 in 24) and 0.62 (20,000 in 100); a
  small convolutional network reaches 0.65 on the former;
* text and pictures together: three points above text alone (3,000 in 24).

Fewer listings per category are harder: text reaches 0.87 for 3,000 in 48 and 0.84 for 1,000 in 24. Above 120
categories, siblings share one drawing and differ only in surface and backdrop: text reaches 0.89 for 20,000 in 200,
pictures 0.52 for 24,000 in 200. Larger taxonomies have not been measured. Other noise settings change these figures:
if every seller calls A by the name B, a model learns B.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq

from catalogue_generator.block import BLOCK_SIZE, TRUTH_SCHEMA, Block, draw_block, listings_schema
from catalogue_generator.spec import CatalogueSpec
from catalogue_generator.taxonomy import write_taxonomy
from catalogue_generator.world import World, draw_world

LISTINGS_FILE = "listings.parquet"
TAXONOMY_FILE = "taxonomy.csv"
TRUTH_FILE = "truth.parquet"


def draw_blocks(world: World) -> Iterator[Block]:
    """Draw a catalogue's blocks in order, lazily."""
    return (draw_block(world, number) for number in range(-(-world.spec.listings // BLOCK_SIZE)))


def write_catalogue(folder: Path, spec: CatalogueSpec, progress: Callable[[int], None] | None = None) -> None:
    """Write listings.parquet, taxonomy.csv and truth.parquet into a folder; existing files are overwritten.

    Args:
        folder: created if it does not exist.
        spec: describes the catalogue; equal specs give equal rows.
        progress: called after every block with the number of listings written so far.
    """
    world = draw_world(spec)
    folder.mkdir(parents=True, exist_ok=True)
    write_taxonomy(folder / TAXONOMY_FILE, world.categories, with_ancestors=spec.ancestor_share > 0.0)
    done = 0
    with (
        pq.ParquetWriter(folder / LISTINGS_FILE, listings_schema(details=spec.details), compression="zstd") as listings,
        pq.ParquetWriter(folder / TRUTH_FILE, TRUTH_SCHEMA, compression="snappy") as truth,
    ):
        for block in draw_blocks(world):
            listings.write_table(block.listings)
            truth.write_table(block.truth)
            done += block.truth.num_rows
            if progress is not None:
                progress(done)
