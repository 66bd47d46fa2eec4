"""What other precisions would correct and refer."""

from __future__ import annotations

import pytest

from jobs.cleaning.steps.preview import PreviewBin, previews

BINS = [
    PreviewBin(9900, 100, 99.0, 90, 89.1, 0),
    PreviewBin(8000, 50, 40.0, 50, 40.0, 0),
    PreviewBin(5000, 10, 5.0, 10, 5.0, 0),
    PreviewBin(None, 0, 0.0, 0, 0.0, 7),
]


def test_a_lower_precision_corrects_more_and_refers_less() -> None:
    lax, usual, strict, impossible = previews(BINS, [0.995, 0.92, 0.95, 0.85, 0.92])
    assert (lax.precision, lax.threshold, lax.corrected, lax.referred) == (0.85, 0.5, 150, 7)
    # 100 of .99 and 50 of .8 have a mean of .927; answered listings count there, and are not corrected.
    assert (usual.precision, usual.threshold, usual.corrected, usual.referred) == (0.92, 0.8, 140, 17)
    assert usual.expected_wrong == pytest.approx(0.9 + 10.0)
    assert (strict.threshold, strict.corrected, strict.referred) == (0.99, 90, 67)
    assert (impossible.threshold > 1, impossible.corrected, impossible.expected_wrong) == (True, 0, 0.0)
    assert impossible.referred == 157


def test_a_catalogue_that_nothing_can_correct_refers_what_is_unsure() -> None:
    [found] = previews(BINS[-1:], [0.95])
    assert (found.corrected, found.referred) == (0, 7)
