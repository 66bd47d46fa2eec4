from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from conf.settings import GateSettings
from jobs.ingestion.gate import describe_failures, find_limits
from jobs.ingestion.steps.figures import COLUMNS
from jobs.lifecycle.expectations import check


def figures(rows: int = 2000, stored: int = 3000, **others: float | None) -> dict[str, float | None]:
    """All values there in both, except conditions, which 5 % have; the same categories and prices."""
    found: dict[str, float | None] = {"rows": rows, "stored_rows": stored, "category_shift": 0.0}
    for name in COLUMNS:
        share = 0.05 if name == "condition" else 1.0
        found |= {f"{name}_rows": rows, f"{name}_filled": rows * share, f"{name}_expected": rows * share}
    return {**found, "priced_rows": rows, "price_ratio": 1.0, **others}


def failed(given: dict[str, float | None], full: bool, **settings: Any) -> list[str]:  # noqa: ANN401 - any setting's value
    limits = find_limits(given, GateSettings(**settings), full)
    return [
        each.name
        for each in limits
        if not (each.smallest is None or each.value >= each.smallest)
        or not (each.largest is None or each.value <= each.largest)
    ]


@pytest.mark.parametrize(
    ("changed", "of_delta", "of_full"),
    [
        ({}, [], []),
        ({"rows": 900}, [], ["rows"]),
        ({"rows": 9001}, [], ["rows"]),
        ({"title_filled": 999}, ["title"], ["title"]),
        ({"title_filled": 1000}, [], []),
        ({"description_expected": 1500, "description_filled": 700}, ["description"], ["description"]),
        ({"description_expected": 1500, "description_filled": 800}, [], []),
        ({"condition_filled": 0}, [], []),
        ({"seller_id_rows": 900, "seller_id_filled": 0}, [], []),
        ({"category_shift": 0.6}, [], ["category_shift"]),
        ({"price_ratio": 100.0}, ["price_ratio"], ["price_ratio"]),
        ({"price_ratio": 0.3}, ["price_ratio"], ["price_ratio"]),
        ({"price_ratio": 0.3, "priced_rows": 99}, [], []),
        ({"price_ratio": None, "priced_rows": 0}, [], []),
    ],
    ids=str,
)
def test_what_a_delivery_may_differ_in(
    changed: dict[str, float | None], of_delta: list[str], of_full: list[str]
) -> None:
    assert failed(figures(**changed), full=False) == of_delta  # type: ignore[arg-type]
    assert failed(figures(**changed), full=True) == of_full  # type: ignore[arg-type]


def test_of_a_small_full_delivery_only_the_size_is_checked() -> None:
    assert [each.name for each in find_limits(figures(rows=900, price_ratio=9.0), GateSettings(), full=True)] == [
        "rows"
    ]
    of_delta = find_limits(figures(rows=0, price_ratio=9.0, priced_rows=100), GateSettings(), full=False)
    assert [(each.name, each.finding) for each in of_delta] == [
        ("price_ratio", "its prices are 9 times the stored ones, by listing")
    ]
    assert find_limits(figures(rows=0, price_ratio=9.0, priced_rows=99), GateSettings(), full=False) == []


def test_every_limit_is_a_setting() -> None:
    given = figures(title_filled=0, price_ratio=9.0, category_shift=0.6, stored=9000)
    assert failed(given, full=True) == ["rows", "title", "category_shift", "price_ratio"]
    settings = {"max_rows_factor": 5, "max_lost_values": 1, "max_category_shift": 0.6, "max_price_factor": 10}
    assert failed(given, full=True, **settings) == []


def test_a_refusal_names_each_figure_its_limits_and_its_setting() -> None:
    given = figures(rows=2000, stored=9000, title_filled=0, title_expected=1800, category_shift=0.6, price_ratio=100.0)
    limits = [each for each in find_limits(given, GateSettings(), full=True) if each.name in failed(given, full=True)]
    assert describe_failures(limits, 9000) == (
        "nothing was written, because the delivery differs too much from the 9,000 stored listings:\n"
        "  - it has 2,000 listings, and 9,000 are stored; allowed are 3,000 to 27,000 (gates.max_rows_factor)\n"
        "  - 100.0% of 2,000 listings have no title, and of the stored ones 10.0%; allowed are at most 55.0% "
        "(gates.max_lost_values)\n"
        "  - 60.0% of its listings are in other categories than the stored ones; allowed are at most 50.0% "
        "(gates.max_category_shift)\n"
        "  - its prices are 100 times the stored ones, by category and currency; allowed are 0.333 to 3 "
        "(gates.max_price_factor)\n"
        "Repair the delivery or the mapping of its columns (see them with --dry-run). If it is right, change the limit "
        "with --set gates.max_rows_factor=VALUE (see GateSettings in conf/settings.py)."
    )


def test_great_expectations_finds_the_same() -> None:
    given = figures(title_filled=0, price_ratio=0.1)
    limits = find_limits(given, GateSettings(), full=True)
    checks = check(
        "delivery", pd.DataFrame({each.name: [each.value] for each in limits}), [e.expectation for e in limits]
    )
    assert [each.column_name for each in checks] == [each.name for each in limits]
    assert [each.column_name for each in checks if not each.success] == failed(given, full=True)
    title = next(each for each in checks if each.column_name == "title")
    assert (title.expectation, title.observed) == ("expect_column_mean_to_be_between (max_value 0.5)", "1.0")
