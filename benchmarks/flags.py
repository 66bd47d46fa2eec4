"""Measure how well the listings of a warehouse are flagged, against a catalogue with known truth.

    python -m benchmarks.flags FOLDER --warehouse my-warehouse

The folder has truth.parquet with the faults of each listing (`issues`, named like the reasons). Recall and precision
are those of each reason in the newest publication, without questions about the category, which `benchmarks.quality`
measures. The average precision is that of all pictures by the probability that they show something else.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table
from sklearn.metrics import average_precision_score

from conf.load import load_settings
from jobs.store import read_published
from jobs.warehouse.session import open_session
from jobs.warehouse.tables import open_warehouse
from schemas.reasons import Queue, Reason


def main() -> None:
    """Print a table of reasons, and the average precision for pictures that show something else."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="folder with truth.parquet")
    parser.add_argument("--warehouse", type=Path, required=True)
    options = parser.parse_args()
    truth = pd.read_parquet(options.folder / "truth.parquet").set_index("listing_id")["issues"]
    spark = open_session(load_settings("local").spark, "flags")
    warehouse = open_warehouse(spark, str(options.warehouse))
    flagged = read_published(warehouse, "flagged_items").where("status = 'open'").select("listing_id", "reasons")
    clean = read_published(warehouse, "clean_listings").select("listing_id", "mismatch_probability").toPandas()
    table = count_reasons(truth, flagged.toPandas().set_index("listing_id")["reasons"])
    shown = Table("reason", "there", "flagged", "both", "recall", "precision")
    for row in table.itertuples():
        shown.add_row(str(row.Index), *(f"{value:,}" for value in row[1:4]), *(f"{value:.3f}" for value in row[4:]))
    console = Console(highlight=False)
    console.print(shown)
    judged = clean.dropna().set_index("listing_id")["mismatch_probability"]
    wrong = has_reason(truth.reindex(judged.index), Reason.IMAGE_MISMATCH)
    if wrong.any():
        console.print(
            f"{Reason.IMAGE_MISMATCH}: {len(judged):,} pictures judged, {wrong.sum():,} of them wrong, "
            f"average precision {average_precision_score(wrong, judged):.3f}"
        )


def count_reasons(truth: pd.Series, flagged: pd.Series) -> pd.DataFrame:
    """How often each reason is there, is flagged, and both.

    Args:
        truth: the listings' faults, a list of reasons each, by listing_id; null or empty: none.
        flagged: the reasons of the open items by listing_id; listings without an item are missing.

    Returns:
        Indexed by the reasons that any listing has, without questions about the category: there, flagged, both (numbers
        of listings), recall, precision (NaN where nothing is flagged).
    """
    said = flagged.reindex(truth.index)
    rows = {}
    for reason in (each for each in Reason if each.queue is Queue.OTHER):
        there, here = has_reason(truth, reason), has_reason(said, reason)
        if there.any():
            both = int((there & here).sum())
            recall, precision = both / there.sum(), both / here.sum() if here.any() else float("nan")
            rows[reason.value] = (int(there.sum()), int(here.sum()), both, recall, precision)
    return pd.DataFrame.from_dict(rows, "index", columns=["there", "flagged", "both", "recall", "precision"])


def has_reason(reasons: pd.Series, reason: Reason) -> pd.Series:
    """Whether the listings' lists of reasons name a reason; false for null."""
    return reasons.map(lambda each: isinstance(each, Iterable) and reason.value in each).astype(bool)


if __name__ == "__main__":
    main()
