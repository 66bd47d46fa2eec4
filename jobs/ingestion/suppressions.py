"""Keeps erased listings and sellers out of what is delivered later."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from conf.settings import PrivacySettings
from jobs.lifecycle.pseudonym_key import read_key
from jobs.warehouse.tables import Warehouse
from schemas.errors import FailedError
from schemas.tables import SUPPRESSIONS
from udfs.pseudonyms import PseudonymKey
from udfs.suppression import names_suppressed

LISTING, SELLER = "listing", "seller"
"""Values of suppressions.kind."""
_SUPPRESSED = "suppressed"


@dataclass(frozen=True)
class Suppressions:
    """The suppression list of a warehouse.

    Attributes:
        key: the key of its pseudonyms; None if the list is empty.
        listings, sellers: pseudonyms.
    """

    key: PseudonymKey | None = None
    listings: frozenset[str] = frozenset()
    sellers: frozenset[str] = frozenset()

    def blank(self, rows: DataFrame) -> DataFrame:
        """Add the column `suppressed`, and empty all other columns of suppressed rows but row_number.

        If the list is empty, the rows stay as they are.

        Args:
            rows: the output of `jobs.ingestion.steps.parse.validate_rows` or `steps.decisions.read_decisions`. The text
                of a row is searched only if the row cannot be used, because it is then kept in quarantine.
        """
        if self.key is None:
            return rows
        raw = F.when(F.col("malformed"), F.col("raw")) if "malformed" in rows.columns else F.col("raw")
        seller = F.col("seller_id") if "seller_id" in rows.columns else F.lit(None).cast("string")
        named = names_suppressed(self.key, self.listings, self.sellers)
        marked = rows.withColumn(_SUPPRESSED, named(F.col("listing_id"), seller, raw))
        return marked.select(*(_unless_suppressed(name) for name in rows.columns), _SUPPRESSED)


def read_suppressions(warehouse: Warehouse, settings: PrivacySettings) -> Suppressions:
    """The suppression list.

    Raises:
        UsageError: the list is not empty, and there is no key.
        FailedError: entries were made with another key, so they would match nothing.
    """
    if not warehouse.exists(SUPPRESSIONS):  # a query of no rows would take a second of each ingest, too
        return Suppressions()
    rows = warehouse.read(SUPPRESSIONS).select("kind", "pseudonym", "key_check").distinct().collect()
    if not rows:
        return Suppressions()
    again = f"{_removal(warehouse)}, and erase the same ids again with a new key."
    key = read_key(
        warehouse,
        settings,
        f"the {len(rows):,} entries of the table suppressions were made with it, and without it erased listings would "
        f"come in again. Bring it back, for example from a backup; if it is lost, {again}",
    )
    others = sum(row.key_check != key.check for row in rows)
    if others:
        back = (
            "Bring back the key with which it was erased (privacy.key_file, or _keys/pseudonyms.key in the warehouse's "
            f"folder); if it is lost, {again}"
        )
        several = len({row.key_check for row in rows}) > 1
        raise FailedError(
            f"{others:,} of {len(rows):,} entries of the table suppressions were made with another key, so they would "
            f"not keep out what has been erased. {f'No single key fits all of them: {again}' if several else back}"
        )
    listings, sellers = (frozenset(row.pseudonym for row in rows if row.kind == kind) for kind in (LISTING, SELLER))
    return Suppressions(key, listings, sellers)


def _removal(warehouse: Warehouse) -> str:
    """How to remove the table, for messages."""
    if warehouse.address.path(SUPPRESSIONS.name) is None:
        return f"drop the table {warehouse.identifier(SUPPRESSIONS)}"
    return f"remove the folder {warehouse.location.rstrip('/')}/{SUPPRESSIONS.name}"


def split_suppressed(staged: DataFrame) -> tuple[DataFrame, int]:
    """The other rows of a staged delivery, without the column `suppressed`; and the number of suppressed rows."""
    if _SUPPRESSED not in staged.columns:
        return staged, 0
    suppressed = staged.where(_SUPPRESSED).count()
    return staged.where(~F.col(_SUPPRESSED)).drop(_SUPPRESSED), suppressed


def _unless_suppressed(name: str) -> Column:
    kept = F.col(name)
    return kept if name == "row_number" else F.when(~F.col(_SUPPRESSED), kept).alias(name)
