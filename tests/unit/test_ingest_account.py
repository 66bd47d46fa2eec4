"""The row account: no row is lost or counted twice."""

from __future__ import annotations

import pytest

from jobs.ingestion.ingest_summary import count_outcomes
from jobs.lifecycle.row_account import row_account
from schemas.errors import FailedError


def test_the_outcomes_of_a_delivery_add_up_to_its_rows() -> None:
    counts = count_outcomes(
        28,
        {
            "inserted": 1,
            "updated": 2,
            "returned": 3,
            "superseded": 4,
            "conflicting": 5,
            "quarantined": 6,
            "variant": 7,
        },
    )
    assert counts == {
        "rows_in": 28,
        "rows_current": 6,
        "rows_superseded": 16,
        "rows_unchanged": 0,
        "rows_quarantined": 6,
        "inserted": 1,
        "updated": 2,
        "returned": 3,
        "variant": 7,
        "conflicting": 5,
    }


@pytest.mark.parametrize("rows_in", [2, 4])
def test_lost_and_duplicated_rows_fail_the_run(rows_in: int) -> None:
    with pytest.raises(FailedError, match=f"{rows_in} rows in, 3 accounted for"):
        count_outcomes(rows_in, {"inserted": 1, "quarantined": 2})


def test_a_negative_count_fails_the_run() -> None:
    with pytest.raises(FailedError, match="does not add up"):
        row_account(3, current=4, unchanged=-1, quarantined=0)


def test_withdrawn_rows_count_where_a_job_reads_them() -> None:
    account = row_account(6, current=1, unchanged=2, withdrawn=3, quarantined=0)
    assert account["rows_withdrawn"] == 3
    assert "rows_withdrawn" not in row_account(3, current=1, unchanged=2, quarantined=0)
