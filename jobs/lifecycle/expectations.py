"""Checks tables with Great Expectations. Only this module imports it, and late, because that takes seconds."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any, cast

import pandas as pd
from pyspark.sql import DataFrame, SparkSession

if TYPE_CHECKING:
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")


@dataclass(frozen=True)
class Check:
    """The result of an expectation: a row of the table gate_results."""

    gate: str
    expectation: str
    column_name: str
    success: bool
    observed: str


@dataclass(frozen=True)
class Expectation:
    """What is expected of a table.

    Attributes:
        name: a class of Great Expectations, such as `ExpectColumnMeanToBeBetween`.
        arguments: what it is made with.
    """

    name: str
    arguments: dict[str, Any]


def expect(name: str, **arguments: object) -> Expectation:
    """Make an expectation; the arguments are those of its class."""
    return Expectation(name, arguments)


def results_frame(spark: SparkSession, checks: Sequence[Check]) -> DataFrame:
    """Results as rows of the table gate_results, without the run's columns."""
    schema = "gate STRING, expectation STRING, column_name STRING, success BOOLEAN, observed STRING"
    return spark.createDataFrame([astuple(each) for each in checks], schema)


def check(gate: str, frame: DataFrame | pd.DataFrame, expectations: Sequence[Expectation]) -> list[Check]:
    """Check a table.

    Args:
        gate: name of the gate.
        frame: the table.
        expectations: what is expected of it.
    """
    import great_expectations as gx  # noqa: PLC0415 - slow to import
    from great_expectations.data_context.types.base import ProgressBarsConfig  # noqa: PLC0415
    from great_expectations.expectations import core  # noqa: PLC0415

    # On import, this module sets its log level to INFO and logs its temporary folders.
    logging.getLogger(ProgressBarsConfig.__module__).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        sources = context.data_sources
        is_pandas = isinstance(frame, pd.DataFrame)
        source = sources.add_pandas("pandas") if is_pandas else sources.add_spark("spark", persist=False)
        batch = source.add_dataframe_asset(gate).add_batch_definition_whole_dataframe("whole")
        made = [getattr(core, each.name)(**each.arguments) for each in expectations]
        suite = gx.ExpectationSuite(name=gate, expectations=made)
        result = batch.get_batch({"dataframe": frame}).validate(suite, result_format="BASIC")
    return [_check(gate, outcome) for outcome in result.results]


def _check(gate: str, outcome: ExpectationValidationResult) -> Check:
    config, result = cast("ExpectationConfiguration", outcome.expectation_config), outcome.result
    observed = result.get("observed_value", result.get("unexpected_count"))
    # If an expectation could not be computed, the reason is at the top level or nested by metric.
    errors = outcome.exception_info or {}
    for failure in [errors, *(value for value in errors.values() if isinstance(value, dict))]:
        observed = failure.get("exception_message") or observed
    limits = {k: v for k, v in config.kwargs.items() if k in ("min_value", "max_value", "value", "mostly")}
    limit = ", ".join(f"{name} {value:g}" for name, value in limits.items() if value is not None)
    return Check(
        gate,
        f"{config.type} ({limit})" if limit else config.type,
        config.kwargs.get("column", ""),
        bool(outcome.success),
        str(observed),
    )
