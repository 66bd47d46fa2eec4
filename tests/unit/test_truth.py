"""What was planted beside what was flagged."""

from __future__ import annotations

import pandas as pd

from jobs.reporting.truth import reasons_found


def names(*reasons: str) -> frozenset[str]:
    return frozenset(reasons)


def test_every_planted_reason_is_shown_even_if_none_was_found() -> None:
    planted = pd.Series([names("duplicate", "blank_image"), names("wrong_category"), names("wrong_category"), names()])
    flagged = pd.Series([names("blank_image"), names(), names("wrong_category"), names("audit_sample", "blank_image")])
    corrected = pd.Series([False, True, False, False])
    assert reasons_found(planted, flagged, corrected) == [
        ("blank_image", 1, 2, "100%", "50%"),
        ("wrong_category", 2, 1, "100%", "100%"),
        ("audit_sample", 0, 1, "-", "-"),
        ("duplicate", 1, 0, "0%", "-"),
    ]
