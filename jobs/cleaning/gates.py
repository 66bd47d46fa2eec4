"""The gates of a night: checks of a whole table.

The rules in `jobs.cleaning.steps` find single bad rows; a gate checks whether there are too many of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.settings import GateSettings
from jobs.lifecycle.expectations import Check, check, expect
from schemas.errors import RefusedError
from schemas.reasons import ImageStatus

_FINDINGS = {
    "": "the table does not have the expected number of rows ({observed:,.0f})",
    "listing_id": "{observed:,.0f} rows share their listing_id with another row",
    "quarantined": "the share of rows that cannot be used, {observed:.1%}, is above gates.max_quarantined_share",
    "empty": "the share of listings with neither text nor picture, {observed:.1%}, is above gates.max_empty_share",
    "effective_category": "{observed:,.0f} listings would have no category",
    "predicted_category": "{observed:,.0f} listings have no prediction, more than gates.max_unpredicted_share allows",
    "image_status": "{observed:,.0f} pictures are unreadable, more than gates.max_unreadable_image_rise allows",
    "corrected": "the share of listings to be corrected, {observed:.1%}, is above gates.max_corrected_share",
}
"""Column of a failed expectation -> what was found, in words."""
_HINTS = {
    "image_status": (
        "Many more pictures than in the last publication could not be read: the picture store is probably unavailable. "
        "Check the store and the setting ingest.image_prefixes, then run the command again."
    )
}
"""Column of a failed expectation -> its likely cause and what to do."""


def check_input(listings: DataFrame, settings: GateSettings) -> list[Check]:
    """Check the input of a run.

    Args:
        listings: the output of `jobs.cleaning.steps.selection.input_gate_rows`.
        settings: the limits.
    """
    return check(
        "input",
        listings,
        [
            expect("ExpectTableRowCountToBeBetween", min_value=1),
            expect("ExpectColumnValuesToBeUnique", column="listing_id"),
            expect("ExpectColumnMeanToBeBetween", column="quarantined", max_value=settings.max_quarantined_share),
            expect("ExpectColumnMeanToBeBetween", column="empty", max_value=settings.max_empty_share),
        ],
    )


def check_output(decided: DataFrame, listings: int, unreadable_before: float, settings: GateSettings) -> list[Check]:
    """Check the output of a run.

    Args:
        decided: listing_id, effective_category, predicted_category, image_status (never null), corrected (1 or 0).
        listings: expected number of listings.
        unreadable_before: share of listings with an unreadable picture in the previous publication, 0 to 1; 0 for the
            first run.
        settings: the limits.
    """
    return check(
        "output",
        decided,
        [
            expect("ExpectTableRowCountToEqual", value=listings),
            expect("ExpectColumnValuesToNotBeNull", column="effective_category"),
            expect(
                "ExpectColumnValuesToNotBeNull", column="predicted_category", mostly=1 - settings.max_unpredicted_share
            ),
            expect(
                "ExpectColumnValuesToNotBeInSet",
                column="image_status",
                value_set=[ImageStatus.UNREADABLE.value],
                mostly=max(1 - unreadable_before - settings.max_unreadable_image_rise, 0.0),
            ),
            expect("ExpectColumnMeanToBeBetween", column="corrected", max_value=settings.max_corrected_share),
        ],
    )


def unreadable_share(metrics: DataFrame) -> float:
    """The share of listings with an unreadable picture in a publication, 0 to 1.

    Of all listings, so that a few pictures in a catalogue of texts cannot stop a run.

    Args:
        metrics: rows of quality_metrics that the publication's run wrote; without rows, the share is 0.
    """
    unreadable = F.col("segment") == ImageStatus.UNREADABLE.value
    row = metrics.where((F.col("metric") == "image_status_share") & unreadable).first()
    return 0.0 if row is None else float(row.value)


def refuse_if_failed(checks: Sequence[Check]) -> None:
    """Refuse to publish if an expectation failed.

    Raises:
        RefusedError: an expectation failed. The message lists each one with the observed value and what to do.
    """
    failed = [each for each in checks if not each.success]
    if failed:
        found = "; ".join(f"{check.gate} gate: {_finding(check)}" for check in failed)
        lines = "\n".join(
            f"  - {c.gate} gate: {' '.join(filter(None, (c.expectation, c.column_name)))}: observed {c.observed}"
            for c in failed
        )
        hints = "".join(
            f"\n{_HINTS[column]}" for column in dict.fromkeys(c.column_name for c in failed) if column in _HINTS
        )
        raise RefusedError(
            f"nothing was published. {found}.\n{lines}{hints}\n"
            "Repair the data, or change the limit with --set gates.NAME=VALUE (see GateSettings in conf/settings.py)."
        )


def _finding(check: Check) -> str:
    """What a failed expectation found, in words."""
    try:
        return _FINDINGS[check.column_name].format(observed=float(check.observed))
    except ValueError:  # it could not be computed
        return f"{check.expectation} could not be checked"
