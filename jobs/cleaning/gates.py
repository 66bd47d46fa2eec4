"""The gates: Great Expectations judges a frame as a whole. Its only importer.

Which rows fail is found by our own row rules (`jobs.steps`); a gate says whether there are too many of them.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.settings import GateSettings
from schemas.errors import RefusedError
from schemas.reasons import NO_PICTURE, ImageStatus

if TYPE_CHECKING:
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

_HINTS = {
    "image_status": (
        "Many more pictures than in the last publication could not be read: the picture store probably does not "
        "answer. Check ingest.image_prefixes, and run the night again when the store answers."
    )
}
"""Column of a failed expectation -> the likely cause and the way out."""


@dataclass(frozen=True)
class Check:
    """An expectation and what came of it: a row of the table gate_results."""

    gate: str
    expectation: str
    column_name: str
    success: bool
    observed: str


def check_input(listings: DataFrame, settings: GateSettings) -> list[Check]:
    """Judge the catalogue that a run would clean.

    Args:
        listings: as `jobs.cleaning.steps.selection.to_check` gives them; withdrawn ones left out.
        settings: the limits.
    """
    from great_expectations.expectations import core as gxe  # noqa: PLC0415 - slow to import, and only a gate needs it

    return _validate(
        "input",
        listings,
        [
            gxe.ExpectTableRowCountToBeBetween(min_value=1),
            gxe.ExpectColumnValuesToBeUnique(column="listing_id"),
            gxe.ExpectColumnMeanToBeBetween(column="quarantined", max_value=settings.max_quarantined_share),
            gxe.ExpectColumnMeanToBeBetween(column="empty", max_value=settings.max_empty_share),
        ],
    )


def check_output(decided: DataFrame, listings: int, unreadable_before: float, settings: GateSettings) -> list[Check]:
    """Judge what a run would publish.

    Args:
        decided: listing_id, effective_category, predicted_category, image_status (null if the listing has no
            picture), corrected (1 or 0).
        listings: how many were to be judged.
        unreadable_before: the share of pictures that the last publication could not read, 0 to 1; 0 for the first.
        settings: the limits.
    """
    from great_expectations.expectations import core as gxe  # noqa: PLC0415 - slow to import, and only a gate needs it

    return _validate(
        "output",
        decided,
        [
            gxe.ExpectTableRowCountToEqual(value=listings),
            gxe.ExpectColumnValuesToNotBeNull(column="effective_category"),
            gxe.ExpectColumnValuesToNotBeNull(column="predicted_category", mostly=1 - settings.max_unpredicted_share),
            gxe.ExpectColumnValuesToNotBeInSet(
                column="image_status",
                value_set=[ImageStatus.UNREADABLE.value],
                mostly=max(1 - unreadable_before - settings.max_unreadable_image_rise, 0.0),
            ),
            gxe.ExpectColumnMeanToBeBetween(column="corrected", max_value=settings.max_corrected_share),
        ],
    )


def unreadable_share(metrics: DataFrame) -> float:
    """The share of pictures that a publication could not read, 0 to 1; 0 where it has no picture.

    Args:
        metrics: the rows of quality_metrics that the publication's run wrote.
    """
    pictures = metrics.where((F.col("metric") == "image_status_share") & ~F.col("segment").isin(*NO_PICTURE))
    unreadable = F.when(F.col("segment") == ImageStatus.UNREADABLE.value, F.col("numerator"))
    [row] = pictures.agg(F.sum(unreadable).alias("unreadable"), F.sum("numerator").alias("pictures")).collect()
    return float(row.unreadable or 0.0) / row.pictures if row.pictures else 0.0


def refuse_failed(checks: Sequence[Check]) -> None:
    """Refuse to publish where an expectation failed.

    Raises:
        RefusedError: naming each failed expectation, what was observed, and the way out.
    """
    failed = [check for check in checks if not check.success]
    if failed:
        lines = "\n".join(
            f"  - {c.gate} gate: {' '.join(filter(None, (c.expectation, c.column_name)))}: observed {c.observed}"
            for c in failed
        )
        hints = "".join(
            f"\n{_HINTS[column]}" for column in dict.fromkeys(c.column_name for c in failed) if column in _HINTS
        )
        raise RefusedError(
            f"nothing was published:\n{lines}{hints}\nMend the data, or move the limit (--set gates.NAME=VALUE)."
        )


def _validate(gate: str, frame: DataFrame, expectations: Sequence[Any]) -> list[Check]:
    import great_expectations as gx  # noqa: PLC0415 - as above
    from great_expectations.data_context.types.base import ProgressBarsConfig  # noqa: PLC0415

    # This module sets itself to INFO when it is imported, and then tells of its temporary folders.
    logging.getLogger(ProgressBarsConfig.__module__).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        source = context.data_sources.add_spark("spark", persist=False)
        batch = source.add_dataframe_asset(gate).add_batch_definition_whole_dataframe("whole")
        suite = gx.ExpectationSuite(name=gate, expectations=list(expectations))
        result = batch.get_batch({"dataframe": frame}).validate(suite, result_format="BASIC")
    return [_check(gate, outcome) for outcome in result.results]


def _check(gate: str, outcome: ExpectationValidationResult) -> Check:
    config, found = cast("ExpectationConfiguration", outcome.expectation_config), outcome.result
    observed = found.get("observed_value", found.get("unexpected_count"))
    # An expectation that could not be computed says why, by metric or at once.
    said = outcome.exception_info or {}
    for failure in [said, *(value for value in said.values() if isinstance(value, dict))]:
        observed = failure.get("exception_message") or observed
    limits = {k: v for k, v in config.kwargs.items() if k in ("min_value", "max_value", "value", "mostly")}
    wanted = ", ".join(f"{name} {value:g}" for name, value in limits.items() if value is not None)
    return Check(
        gate,
        f"{config.type} ({wanted})" if wanted else config.type,
        config.kwargs.get("column", ""),
        bool(outcome.success),
        str(observed),
    )
