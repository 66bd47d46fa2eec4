"""Score the same listings with a new bundle and with the champion, as a nightly run would, and compare them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.settings import Settings
from schemas.arrays import Bools, Floats
from schemas.bundle import BundleSpec
from schemas.errors import FailedError
from training.canaries import is_canary, wrong_labels
from training.comparison import Comparison, compare
from training.labels import Labels
from training.sample import seller_codes
from training.taxonomy import TaxonomyCategory
from training.transitions import category_distances
from udfs.ancestors import ancestor_matrix, resolve_log
from udfs.bundle import load_spec
from udfs.classify import classify
from udfs.rankings import densify

ROWS = 10_000
"""Approximate number of listings, sampled by hash; audited listings and canaries are added to them."""
_FLOOR = 1e-6
"""Minimum probability of a category: a bundle may not know a category of the other bundle."""


def evaluate(
    listings: DataFrame,
    with_vectors: Callable[[DataFrame, str], DataFrame],
    bundle: str,
    champion: tuple[str, str] | None,
    taxonomy: Sequence[TaxonomyCategory],
    settings: Settings,
) -> Comparison:
    """Compare a new bundle with the champion on labelled listings; no true category is needed.

    Args:
        listings: listing_id, content_hash, title, description, currency, category, decided_category (null where no
            person has decided), audited_category (null where the listing was not in the random audit), seller_id,
            bucket.
        with_vectors: adds the columns vector and image_status of an encoder, given by its identity.
        bundle: the new bundle's folder.
        champion: the champion's version and bundle folder; None where there is none.
        taxonomy: the categories.
        settings: sections classify and privacy.

    Raises:
        FailedError: no listing has a category of the taxonomy.
    """
    spec = load_spec(bundle)
    champion_spec = load_spec(champion[1]) if champion else None
    chosen = _choose(listings, spec, champion_spec)
    columns = ("listing_id", "category", "seller_id", "decided_category", "audited_category", "key", "planted")
    rows = chosen.select(*columns).toPandas().sort_values("listing_id", ignore_index=True)
    if rows.empty:
        raise FailedError("no listing has a category of the taxonomy, so the models cannot be compared.")

    labels, ancestors = _labels(rows, spec.categories, taxonomy), _ancestors(spec.categories, taxonomy)

    def predict(folder: str, version: str, predicting: BundleSpec) -> Floats:
        predictions = classify(
            with_vectors(chosen, predicting.encoder),
            folder,
            version,
            rows=len(rows),
            batch_rows=settings.classify.batch_rows,
            top=settings.classify.top,
            phone_regions=settings.privacy.phone_regions,
        )
        table = predictions.select("listing_id", "top_categories").toArrow()
        order = pc.index_in(pa.array(rows["listing_id"]), table["listing_id"])
        prior = dict(zip(predicting.categories, predicting.prior, strict=True))
        base = np.array([prior.get(category, 0.0) for category in spec.categories])
        found = log_probabilities(table["top_categories"].take(order).combine_chunks(), spec.categories, base)
        return resolve_log(found, labels.given, ancestors)

    challenger = predict(bundle, "challenger", spec)
    current = predict(champion[1], champion[0], champion_spec) if champion and champion_spec else None
    return compare(
        challenger,
        current,
        labels,
        spec.categories,
        answers=spec.decided,
        champion_answers=champion_spec.decided if champion_spec else 0,
    )


def log_probabilities(rankings: pa.ListArray, categories: Sequence[str], base: Floats) -> Floats:
    """Ranked probabilities (`predictions.top_categories`) -> log q, shape (n, C), each q at least a small floor.

    Args:
        rankings: n lists of (category, probability); null where there is no prediction.
        categories: C names, the order of the columns.
        base: shape (C,), the prior of the model that made the predictions; 0 for a category that it does not know.
    """
    q = np.maximum(densify(rankings, {category: i for i, category in enumerate(categories)}, base), _FLOOR)
    return np.asarray(np.log(q / q.sum(axis=1, keepdims=True)))


def _choose(listings: DataFrame, spec: BundleSpec, champion: BundleSpec | None) -> DataFrame:
    """A sample of the labelled listings, all audited ones, and the canaries of both models; adds key and planted."""
    known = listings.sparkSession.createDataFrame([(c,) for c in spec.categories], "category STRING")
    labelled = listings.join(F.broadcast(known), "category", "left_semi")
    part = max(labelled.count() // ROWS, 1)
    share = min(spec.canary_share, champion.canary_share) if champion else spec.canary_share
    marked = labelled.withColumn("key", F.xxhash64("listing_id")).withColumn(
        "planted", is_canary(F.col("key"), share) & F.col("decided_category").isNull()
    )
    sampled = F.expr(f"pmod(xxhash64(listing_id, 'evaluation'), {part}) = 0")
    return marked.where(sampled | F.col("audited_category").isin(*spec.categories) | F.col("planted"))


def _ancestors(categories: Sequence[str], taxonomy: Sequence[TaxonomyCategory]) -> Bools:
    parents = {each.category: each.parent for each in taxonomy}
    return ancestor_matrix(categories, [parents.get(category) for category in categories])


def _labels(rows: pd.DataFrame, categories: Sequence[str], taxonomy: Sequence[TaxonomyCategory]) -> Labels:
    index = {category: i for i, category in enumerate(categories)}
    known = {each.category: each for each in taxonomy}
    ordered = [known.get(category, TaxonomyCategory(category)) for category in categories]
    distances = category_distances(
        [each.parent for each in ordered], [each.department for each in ordered], _ancestors(categories, taxonomy)
    )
    given = np.array([index[category] for category in rows["category"]], np.int64)
    planted = rows["planted"].to_numpy(np.bool_)
    canaries = np.full(len(rows), -1)
    canaries[planted] = wrong_labels(rows["key"].to_numpy(np.int64)[planted], given[planted], distances)
    return Labels(
        given=given,
        sellers=seller_codes(rows["seller_id"].tolist())[0],
        halves=np.arange(len(rows)) % 2,
        distances=distances,
        audited=np.array([index.get(category, -1) for category in rows["audited_category"]], np.int64),
        decided=np.array([index.get(category, -1) for category in rows["decided_category"]], np.int64),
        canaries=canaries,
    )
