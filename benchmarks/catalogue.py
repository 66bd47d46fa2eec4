"""Catalogues of several sizes, each a prefix of the next, and deliveries that change some of their listings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from catalogue_generator.block import BLOCK_SIZE, LISTINGS_SCHEMA
from catalogue_generator.catalogue import TAXONOMY_FILE, draw_blocks
from catalogue_generator.spec import CatalogueSpec
from catalogue_generator.taxonomy import write_taxonomy
from catalogue_generator.world import draw_world

_CATEGORIES, _SEED, _LISTINGS = 100, 11, 400_000
MIN_LISTINGS = 600
"""Listings of the smallest catalogue at any scale; with fewer pictures, training would leave out the picture branch."""


def catalogue_spec(scale: float) -> CatalogueSpec:
    """The catalogue whose prefixes the benchmarks use; they share sellers, prices and all random draws."""
    return CatalogueSpec(listings=max(round(_LISTINGS * scale), 4 * MIN_LISTINGS), categories=_CATEGORIES, seed=_SEED)


def write_prefixes(folder: Path, spec: CatalogueSpec, sizes: Sequence[int], progress: Callable[[int], None]) -> None:
    """Write the first n listings as `listings-<n>.parquet` for each size n, and taxonomy.csv, in one pass.

    Args:
        folder: must exist.
        spec: the catalogue; only as many blocks are drawn as the largest size needs.
        sizes: numbers of listings.
        progress: called after every block with the number of listings drawn so far.
    """
    world = draw_world(spec)
    write_taxonomy(folder / TAXONOMY_FILE, world.categories)
    with ExitStack() as files:
        writers = {
            size: files.enter_context(pq.ParquetWriter(prefix_file(folder, size), LISTINGS_SCHEMA, compression="zstd"))
            for size in sizes
        }
        for number, block in enumerate(draw_blocks(world)):
            for size, writer in writers.items():
                if number * BLOCK_SIZE < size:
                    writer.write_table(block.listings.filter(pc.less(numbers(block.listings), size)))
            done = (number + 1) * BLOCK_SIZE
            progress(min(done, spec.listings))
            if done >= max(sizes):
                break


def prefix_file(folder: Path, size: int) -> Path:
    """The file of the first `size` listings."""
    return folder / f"listings-{size}.parquet"


def write_changes(source: Path, target: Path, every: int, offset: int, moment: dt.datetime) -> int:
    """Write a delivery in which some of a catalogue's listings have a new title, and a newer `updated_at`.

    Args:
        source: the catalogue's file.
        target: the file to write.
        every, offset: listings number offset, offset + every, ... change; they are spread evenly.
        moment: the new `updated_at`, UTC.

    Returns:
        How many listings change.
    """
    chosen = []
    with pq.ParquetFile(source) as file:
        for group in range(file.num_row_groups):
            rows = file.read_row_group(group)
            # A listing that was delivered twice is written once.
            kept = {int(n): row for row, n in enumerate(numbers(rows).to_pylist()) if n % every == offset % every}
            # The type is needed for a row group without any of these listings.
            chosen.append(rows.take(pa.array(sorted(kept.values()), pa.int64())))
    rows = pa.concat_tables(chosen)
    addition, space = (pa.scalar(text, pa.large_string()) for text in (f"new of {moment:%d.%m.}", " "))
    titles = pc.binary_join_element_wise(pc.fill_null(rows["title"], ""), addition, space)
    rows = rows.set_column(rows.schema.get_field_index("title"), "title", titles)
    times = pa.array([moment] * rows.num_rows, LISTINGS_SCHEMA.field("updated_at").type)
    rows = rows.set_column(rows.schema.get_field_index("updated_at"), "updated_at", times)
    pq.write_table(rows, target, compression="zstd")
    return int(rows.num_rows)


def numbers(listings: pa.Table) -> pa.ChunkedArray:
    """The listings' numbers, from 0, taken from their ids."""
    return pc.utf8_slice_codeunits(listings["listing_id"], 1).cast(pa.int64())
