"""What `suggest` says."""

from __future__ import annotations

import shlex

import pytest

from jobs.suggest import explain_command


@pytest.mark.parametrize("listing_id", ["D0000002", "x y", "$(id)", "a'b\"c", "-rf"])
def test_the_command_that_is_shown_names_any_listing(listing_id: str) -> None:
    words = shlex.split(explain_command(listing_id, "warehouse"))
    assert words[:4] == ["catalog-cleaner", "explain", "--warehouse", "warehouse"]
    assert words[4:] == (["--", "-rf"] if listing_id == "-rf" else [listing_id])
