"""A part of the catalogue that is decided anew, while all other listings stay as a publication has them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.cleaning.steps.keeping import published_values
from jobs.cleaning.steps.selection import without_texts
from jobs.lifecycle.publications import Publication
from jobs.lifecycle.publish import Slice
from jobs.warehouse.caches import cached
from jobs.warehouse.listings import with_taxonomy
from jobs.warehouse.tables import Warehouse
from schemas.reasons import ItemStatus
from schemas.tables import (
    ATTRIBUTE_SUGGESTIONS,
    CATEGORY_ALIASES,
    CLEAN_LISTINGS,
    EXPLANATIONS,
    FLAGGED_ITEMS,
    PREDICTIONS,
    SELLERS,
    SHADOW_DECISIONS,
    TABLES,
)

_KEYS = {
    ATTRIBUTE_SUGGESTIONS.name: "listing_id",
    CLEAN_LISTINGS.name: "listing_id",
    EXPLANATIONS.name: "listing_id",
    FLAGGED_ITEMS.name: "listing_id",
    SHADOW_DECISIONS.name: "listing_id",
    SELLERS.name: "seller_id",
}


@dataclass(frozen=True)
class Part:
    """The listings to decide, and the others.

    Attributes:
        base: the publication that the others stay as.
        chosen: the listings to decide, with the columns of `without_texts` and updated_at; cached.
        others: the listings of the publication that are not chosen, with the same columns; cached.
        predictions: the predictions, of all models, for `others` that the publication has.
        kept: what the publication shows about `others`: the output of `published_values`.
    """

    base: Publication
    chosen: DataFrame
    others: DataFrame
    predictions: DataFrame
    kept: DataFrame

    def complete(self, warehouse: Warehouse, own: Slice, tables: Mapping[str, DataFrame]) -> dict[str, DataFrame]:
        """Add the rows of the other listings and sellers, as the publication has them, to the tables of a run.

        Args:
            warehouse: the tables.
            own: the run.
            tables: the output of `jobs.cleaning.clean.Cleaned.tables`, about the chosen listings.
        """
        whole = dict(tables)
        for name, key in _KEYS.items():
            if name not in tables:
                continue
            decided = tables[name].select(key) if name == SELLERS.name else self.chosen.select(key)
            others = self.base.read(warehouse, TABLES[name]).join(decided, key, "left_anti")
            rows = own.stamp(tables[name]).select(*TABLES[name].names)
            whole[name] = rows.unionByName(others)
        return whole


def divide(
    warehouse: Warehouse,
    base: Publication,
    chosen: DataFrame,
    taxonomy: DataFrame,
    at_end: ExitStack,
) -> Part:
    """Divide the catalogue into chosen listings and those that stay as a publication has them.

    Args:
        warehouse: the tables.
        base: the publication.
        chosen: the listings to decide, with the columns of `without_texts` and updated_at.
        taxonomy: the taxonomy.
        at_end: releases caches.
    """
    chosen = cached(chosen, at_end)
    published = base.read(warehouse, CLEAN_LISTINGS).join(chosen.select("listing_id"), "listing_id", "left_anti")
    # Published categories are codes already. Only the input gate asks for the picture's hash, and it has checked the
    # catalogue. Only items of the work list are weighed by their exposure, and these have theirs.
    shown = with_taxonomy(published, taxonomy, warehouse.empty(CATEGORY_ALIASES))
    unread = {"image_hash": F.lit(None).cast("string"), "exposure": F.lit(None).cast("double")}
    others = cached(without_texts(shown.withColumns(unread), "updated_at"), at_end)
    predictions = base.read(warehouse, PREDICTIONS).drop("job", "run_id", "run_date")
    open_items = base.read(warehouse, FLAGGED_ITEMS).where(F.col("status") == ItemStatus.OPEN.value)
    keys = others.select("listing_id", "content_hash")
    of_others = predictions.join(keys, ["listing_id", "content_hash"], "left_semi")
    return Part(
        base=base,
        chosen=chosen,
        others=others,
        predictions=of_others,
        kept=cached(published_values(published, open_items, of_others), at_end),
    )
