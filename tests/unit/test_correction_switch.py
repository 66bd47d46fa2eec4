from __future__ import annotations

import datetime as dt

import pytest

from jobs.lifecycle.correction_switch import Switch

NOON = dt.datetime(2026, 11, 28, 12, 5, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("switch", "words"),
    [
        (Switch(), "on"),
        (Switch(False, "ada@host", NOON, "wrong shoes"), "off since 2026-11-28 12:05 UTC, by ada@host: wrong shoes"),
        (Switch(True, "ada@host", NOON), "on since 2026-11-28 12:05 UTC, by ada@host"),
    ],
    ids=["never switched", "off", "on"],
)
def test_a_switch_says_who_and_when(switch: Switch, words: str) -> None:
    assert str(switch) == words
