from __future__ import annotations

import pytest

from jobs.ingestion.steps.time_format import fault_of_format


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("dd.MM.yyyy HH:mm", None),
        ("d MMM uuuu", None),
        ("MM/dd/yyyy hh:mm a", None),
        ("seconds", None),
        ("milliseconds", None),
        ("dd.mm.yyyy", "it lacks a month (MM, not mm)"),
        ("HH:mm", "it lacks a year (yyyy) and a month (MM, not mm) and a day (dd)"),
        ("yyyy-MM'd'", "it lacks a day (dd)"),
        ("dd/MM/yyyy hh:mm", "hh needs a, for AM or PM; HH counts the hours up to 23"),
    ],
)
def test_a_format_that_would_give_wrong_times_is_none(written: str, fault: str | None) -> None:
    assert fault_of_format(written) == fault
