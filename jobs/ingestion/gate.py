"""The gate of a delivery: refuses one that differs too much from the stored catalogue, before anything is written.

It finds deliveries of which a column is missing, or that have prices in another unit or other categories. Single bad
rows go to quarantine instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.settings import GateSettings
from jobs.console.summary import Share, printable
from jobs.ingestion.steps.figures import COLUMNS, IN_NEW_CATEGORIES, OVERALL, compare, price_changes, profile
from jobs.ingestion.steps.versions import Outcome
from jobs.lifecycle.expectations import Check, Expectation, check, expect, results_frame
from jobs.lifecycle.publish import Slice
from jobs.lifecycle.run_context import RunContext
from jobs.warehouse.caches import cached
from jobs.warehouse.joins import broadcast_if_few
from jobs.warehouse.listings import narrow
from schemas.errors import RefusedError
from schemas.tables import GATE_RESULTS

GATE = "delivery"
_MEAN = "ExpectColumnMeanToBeBetween"
_SHOWN = 5
_MIN_FILLED = 0.1
"""A column of which a smaller share of the listings should have a value is not checked."""
_MIN_PRICED = 100
"""Prices are compared if so many can be."""
_ROWS, _SHIFT, _RATIO = "rows", "category_shift", "price_ratio"
_COMPARED = (Outcome.INSERTED, Outcome.UPDATED, Outcome.RETURNED, Outcome.UNCHANGED, Outcome.CONFLICTING)
"""Outcomes of the row that stands for a delivered listing."""
_KNOWN = tuple(each for each in _COMPARED if each is not Outcome.INSERTED)
"""Those of a listing that is stored already."""


@dataclass(frozen=True)
class Limit:
    """A figure of a delivery and its limits.

    Attributes:
        name: a column, for the share of listings without a value there; or `rows`, `category_shift` or `price_ratio`.
        value: the figure.
        smallest, largest: the limits; None: none.
        finding: what is wrong if it is outside, as a sentence.
        setting: the setting that decides.
    """

    name: str
    value: float
    smallest: float | None
    largest: float | None
    finding: str
    setting: str

    @property
    def expectation(self) -> Expectation:
        """The limits as an expectation of a table with one row."""
        limits = {"min_value": self.smallest, "max_value": self.largest}
        return expect(_MEAN, column=self.name, **{name: value for name, value in limits.items() if value is not None})


def gate_delivery(run: RunContext, delivered: DataFrame, outcomes: DataFrame, stored: DataFrame, full: bool) -> None:
    """Compare a delivery with the stored catalogue, and keep the results.

    Args:
        run: the run; its counts are filled.
        delivered: the staged delivery.
        outcomes: row_number, listing_id, outcome; cached.
        stored: the stored listings.
        full: whether the delivery contains all listings. Otherwise its size and categories may be any.

    Raises:
        RefusedError: a figure is outside its limits. Examples of rows are printed.
    """
    job, settings = run.job, run.job.settings.gates
    listings = sum(run.counts[outcome.value] for outcome in _COMPARED if outcome.value in run.counts)
    listings += run.counts["rows_unchanged"]
    is_large = full or listings >= settings.min_delivery_rows
    has_prices = not full and run.counts[Outcome.UPDATED.value] >= _MIN_PRICED
    if not is_large and not has_prices:
        return
    stored_rows = narrow(stored).count()
    is_large &= stored_rows >= settings.min_delivery_rows
    if not is_large and not has_prices:
        return
    job.print_progress("comparing the delivery with the stored listings")
    with ExitStack() as at_end:
        own = _listings(delivered, outcomes, _COMPARED)
        own_profile, stored_profile = (cached(profile(each), at_end) for each in (own, narrow(stored)))
        figures: dict[str, float | None] = {"rows": 0, "stored_rows": stored_rows}
        if is_large:
            figures = compare(own_profile, stored_profile).collect()[0].asDict()
        if is_large and not full:
            # A seller or a category may be unlike the others, so listings are compared with what they were.
            known = _listings(delivered, outcomes, _KNOWN)
            before = narrow(stored).join(known.select("listing_id"), "listing_id", "left_semi")
            changed = [cached(profile(each), at_end) for each in (known, before)]
            figures = compare(changed[0], changed[1]).collect()[0].asDict() | _of_all(figures)
        if not full:
            figures |= _price_changes(delivered, outcomes, stored) if has_prices else {_RATIO: None}
        limits = find_limits(figures, settings, full)
        if not limits:
            return
        checks = check(
            GATE, pd.DataFrame({each.name: [each.value] for each in limits}), [e.expectation for e in limits]
        )
        _keep(run, checks)
        failed = [limit for limit, each in zip(limits, checks, strict=True) if not each.success]
        if failed:
            for line in _examples(failed, own, own_profile, stored, stored_profile):
                # Not as progress, which is logged: these lines name listings.
                job.console.print(printable(line), markup=False, soft_wrap=True)
            raise RefusedError(describe_failures(failed, stored_rows))


def find_limits(figures: Mapping[str, float | None], settings: GateSettings, full: bool) -> list[Limit]:
    """Which figures of a delivery are checked, and their limits.

    Args:
        figures: the output of `jobs.ingestion.steps.figures.compare`, where both have listings; of a delta, prices as
            `price_changes` returns them, and `rows` 0 if nothing else is compared.
        settings: the limits.
        full: whether the delivery contains all listings.
    """
    rows, stored = _number(figures, "rows"), _number(figures, "stored_rows")
    limits: list[Limit] = []
    if full:
        factor = settings.max_rows_factor
        finding = f"it has {rows:,.0f} listings, and {stored:,.0f} are stored"
        limits.append(Limit(_ROWS, rows, stored / factor, stored * factor, finding, "max_rows_factor"))
    is_large = rows >= settings.min_delivery_rows
    for name in COLUMNS if is_large else ():
        limit = _lost_values(name, figures, settings)
        limits += [] if limit is None else [limit]
    if full and is_large:
        shift = _number(figures, _SHIFT)
        finding = f"{Share(shift)} of its listings are in other categories than the stored ones"
        limits.append(Limit(_SHIFT, shift, None, settings.max_category_shift, finding, "max_category_shift"))
    ratio, factor = figures[_RATIO], settings.max_price_factor
    if (is_large or not full) and ratio is not None and _number(figures, "priced_rows") >= _MIN_PRICED:
        of_what = "by category and currency" if full else "by listing"
        finding = f"its prices are {ratio:,.3g} times the stored ones, {of_what}"
        limits.append(Limit(_RATIO, ratio, 1 / factor, factor, finding, "max_price_factor"))
    return limits


def _lost_values(name: str, figures: Mapping[str, float | None], settings: GateSettings) -> Limit | None:
    """The limit on the share of listings without a value in a column; None if it is not checked."""
    compared = _number(figures, f"{name}_rows")
    if compared < settings.min_delivery_rows:
        return None
    filled, expected = (_number(figures, f"{name}_{figure}") / compared for figure in ("filled", "expected"))
    if expected < _MIN_FILLED:
        return None
    largest = 1 - expected * (1 - settings.max_lost_values)
    finding = (
        f"{Share(1 - filled)} of {compared:,.0f} listings have no {name}, and of the stored ones {Share(1 - expected)}"
    )
    return Limit(name, 1 - filled, None, largest, finding, "max_lost_values")


def describe_failures(failed: Sequence[Limit], stored: float) -> str:
    """The message of a refusal: each figure, its limits and its setting."""
    lines = [f"  - {each.finding}; {_limits(each)} (gates.{each.setting})" for each in failed]
    return (
        f"nothing was written, because the delivery differs too much from the {stored:,.0f} stored listings:\n"
        + "\n".join(lines)
        + "\nRepair the delivery or the mapping of its columns (see them with --dry-run). If it is right, change the "
        f"limit with --set gates.{failed[0].setting}=VALUE (see GateSettings in conf/settings.py)."
    )


def _limits(limit: Limit) -> str:
    if limit.name == _ROWS:
        return f"allowed are {limit.smallest:,.0f} to {limit.largest:,.0f}"
    if limit.name == _RATIO:
        return f"allowed are {limit.smallest:.3g} to {limit.largest:.3g}"
    return f"allowed are at most {Share(limit.largest or 0.0)}"


def _number(figures: Mapping[str, float | None], name: str) -> float:
    return float(figures[name] or 0)


def _of_all(figures: Mapping[str, float | None]) -> dict[str, float | None]:
    """The figures that are about new listings, too: their number, titles and categories."""
    names = ("rows", "stored_rows", *(f"{name}_" for name in (*IN_NEW_CATEGORIES, *OVERALL)))
    return {name: value for name, value in figures.items() if name.startswith(names)}


def _price_changes(delivered: DataFrame, outcomes: DataFrame, stored: DataFrame) -> dict[str, float | None]:
    updated = _listings(delivered, outcomes, (Outcome.UPDATED,))
    return dict(price_changes(updated, narrow(stored)).collect()[0].asDict())


def _listings(delivered: DataFrame, outcomes: DataFrame, wanted: Sequence[Outcome]) -> DataFrame:
    """The rows that stand for their listings, if they have one of some outcomes."""
    others = outcomes.where(~F.col("outcome").isin(*(each.value for each in wanted))).select("row_number")
    count = others.count()
    narrow_rows = delivered.drop("image", "raw", "reasons")
    return narrow_rows.join(broadcast_if_few(others, count), "row_number", "left_anti") if count else narrow_rows


def _keep(run: RunContext, checks: Sequence[Check]) -> None:
    """Write the results to gate_results, as a night does."""
    own = Slice(run.job.name, run.run_id, run.run_date)
    warehouse = run.job.warehouse
    results = own.stamp(results_frame(warehouse.spark, checks))
    warehouse.replace_slice(GATE_RESULTS, results, own.job, own.run_date, own.run_id)


def _examples(
    failed: Sequence[Limit], own: DataFrame, own_profile: DataFrame, stored: DataFrame, stored_profile: DataFrame
) -> list[str]:
    """Rows that show what is wrong, a few lines for each figure."""
    lines = []
    for name in (each.name for each in failed):
        if name in COLUMNS:
            lines.append(f"without {name}, for example: {', '.join(_without(own, name))}")
        elif name == _SHIFT:
            lines += _changed_categories(own_profile, stored_profile)
        elif name == _RATIO:
            lines += _changed_prices(own, stored)
    return lines


def _without(own: DataFrame, name: str) -> list[str]:
    """Listings without a value in a column."""
    value = F.coalesce("image_hash", "image_uri") if name == "picture" else F.col(name).cast("string")
    empty = own.where(F.coalesce(F.length(value), F.lit(0)) == 0)
    return [row.listing_id for row in empty.select("listing_id").orderBy("listing_id").limit(_SHOWN).collect()]


def _changed_categories(own_profile: DataFrame, stored_profile: DataFrame) -> list[str]:
    """The categories whose shares differ most."""
    shares = [_shares(each, name) for each, name in ((own_profile, "own"), (stored_profile, "before"))]
    both = shares[0].join(shares[1], F.expr("own_category <=> before_category"), "full").fillna(0.0)
    both = both.withColumn("category", F.coalesce("own_category", "before_category"))
    most = both.orderBy(F.abs(F.col("own") - F.col("before")).desc(), "category").limit(_SHOWN).collect()
    return [f"category {row.category!r}: {Share(row.own)} delivered, {Share(row.before)} stored" for row in most]


def _shares(counted: DataFrame, name: str) -> DataFrame:
    total = counted.agg(F.sum("rows").alias("total"))
    by_category = counted.groupBy(F.col("category").alias(f"{name}_category")).agg(F.sum("rows").alias("rows"))
    return by_category.crossJoin(total).select(f"{name}_category", (F.col("rows") / F.col("total")).alias(name))


def _changed_prices(own: DataFrame, stored: DataFrame) -> list[str]:
    """Listings whose price has changed."""
    before = stored.select("listing_id", F.col("price").alias("before"))
    changed = own.select("listing_id", "price").join(before, "listing_id").where("price != before")
    rows = changed.orderBy("listing_id").limit(_SHOWN).collect()
    return [f"listing {row.listing_id}: price {row.price:g} delivered, {row.before:g} stored" for row in rows]
