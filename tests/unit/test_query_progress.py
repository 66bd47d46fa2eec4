"""What is told of a query that takes long."""

from __future__ import annotations

from jobs.console.query_progress import Stage, describe


def test_tasks_and_rows_of_the_long_stages_are_added_up() -> None:
    stages = [Stage(8, 3, 640_000, 45.0), Stage(2, 0, 1_500, 20.0), Stage(5, 4, 99, 19.9)]
    assert describe(stages, 20.0) == "3 of 10 tasks done, 641,500 rows read"


def test_nothing_is_told_of_short_stages_and_of_those_that_report_nothing() -> None:
    assert describe([], 20.0) is None
    assert describe([Stage(5, 4, 99, 3.0)], 20.0) is None
    assert describe([Stage(2, 0, 0, 600.0)], 20.0) is None, "training processes run as tasks that read no rows"
