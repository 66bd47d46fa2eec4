"""Keeps the pairs of listings that offer the same product: compares new content, and keeps what was found before."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.cleaning.scoring import Scored
from jobs.cleaning.steps.duplicates import (
    PAIR,
    alike_in_words,
    blocking_keys,
    candidate_pairs,
    current_pairs,
    duplicates,
    linked_pairs,
    same_products,
    with_words,
)
from jobs.console.job import Job
from jobs.features.stored import stored_features
from jobs.lifecycle.publications import Publication
from jobs.warehouse.caches import cached
from jobs.warehouse.components import roots
from jobs.warehouse.tables import Warehouse
from schemas.reasons import ImageStatus
from schemas.tables import CLEAN_LISTINGS, DUPLICATE_PAIRS
from udfs.miniatures import distance_udf

_KEYS = ["listing_id", "content_hash"]
_DIVIDED = ("left_semi", "left_anti")


@dataclass(frozen=True)
class Duplicates:
    """The listings that offer the same product.

    Attributes:
        pairs: rows of duplicate_pairs without the run's columns; cached.
        listings: listing_id and duplicate_of, one row per listing that another one is kept for.
    """

    pairs: DataFrame
    listings: DataFrame


def find_duplicates(
    job: Job,
    listings: DataFrame,
    all_columns: DataFrame,
    scored: Scored,
    encoder: str,
    compared_by: Publication | None,
    base: Publication | None,
    at_end: ExitStack,
) -> Duplicates:
    """Compare the listings that a run has scored with all others, and group all pairs. Caches are released at the end.

    Whether two listings are a pair depends on their content alone, so pairs of unchanged listings are not compared
    again. After a change of the model all are, because its encoder may see pictures in another size.

    Args:
        job: the command's job.
        listings: listing_id, content_hash and updated_at of the usable listings in force; cached.
        all_columns: the same listings with all columns but the picture.
        scored: what the run has scored.
        encoder: the identity of the encoder that has made the miniatures.
        compared_by: the publication whose predictions the run has reused; None: it has scored all listings.
        base: the publication on which the run is based; None for the first one.
        at_end: releases caches.
    """
    warehouse, keys = job.warehouse, listings.select(*_KEYS)
    is_known = compared_by is not None and compared_by.version(DUPLICATE_PAIRS) is not None
    pairs = _empty(warehouse)
    if compared_by is not None and is_known:
        pairs = current_pairs(compared_by.read(warehouse, DUPLICATE_PAIRS).select(*pairs.columns), keys)
    new = scored.new.select(*_KEYS) if is_known else None
    if new is None or scored.count:
        job.print_progress("comparing listings to find duplicates")
        found = _compare(warehouse, all_columns, new, encoder, job.settings.decide.duplicate_distance, at_end)
        # A listing that is scored again, because its picture has become readable, was compared without it before.
        pairs = pairs.join(found.select(*PAIR), list(PAIR), "left_anti").unionByName(found)
    pairs = cached(pairs, at_end)
    before = (base.read(warehouse, CLEAN_LISTINGS) if base else warehouse.empty(CLEAN_LISTINGS)).select(
        "listing_id", "duplicate_of"
    )
    groups = roots(linked_pairs(pairs, all_columns))
    return Duplicates(pairs, before.limit(0) if groups.isEmpty() else duplicates(groups, listings, before))


def _empty(warehouse: Warehouse) -> DataFrame:
    return warehouse.empty(DUPLICATE_PAIRS).drop("run_id", "run_date")


def _compare(
    warehouse: Warehouse, listings: DataFrame, new: DataFrame | None, encoder: str, at_most: float, at_end: ExitStack
) -> DataFrame:
    """The pairs of which at least one listing is new; None: all are."""
    words = cached(with_words(listings), at_end)
    keys = blocking_keys(words)
    of_new, of_others = (keys, keys.limit(0)) if new is None else (keys.join(new, _KEYS, how) for how in _DIVIDED)
    candidates = candidate_pairs(of_new, of_others)
    # Cached, because the few that are left are needed to find their miniatures, and then with them.
    alike = cached(alike_in_words(candidates, words), at_end)
    pictures = stored_features(warehouse, encoder).where(F.col("image_status") == ImageStatus.OK.value)
    named = alike.select(*PAIR[:2]).union(alike.select(*PAIR[2:])).distinct()
    # Cached, too: the plan of the pairs contains it four times, and each time Delta would list the files of features.
    needed = cached(pictures.select(*_KEYS, "miniature").join(named, _KEYS, "left_semi"), at_end)
    distance = distance_udf()(F.col("miniature_a"), F.col("miniature_b"))
    return cached(same_products(alike, needed, distance, at_most), at_end)
