from __future__ import annotations

import datetime as dt

import pytest

from jobs.reporting import words
from schemas.reasons import ImageStatus, Reason
from tests.unit.report_samples import BAGS, SHOES, example


@pytest.mark.parametrize(
    ("probability", "said"),
    [
        (1.0, "almost certain"),
        (0.99, "almost certain"),
        (0.989, "very likely"),
        (0.95, "very likely"),
        (0.8, "likely"),
        (0.5, "more likely than not"),
        (0.49, "doubtful"),
        (0.0, "doubtful"),
    ],
)
def test_a_probability_in_words(probability: float, said: str) -> None:
    assert words.certainty(probability) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(4.4, "4 s"), (59.6, "1 min 0 s"), (125.4, "2 min 5 s"), (3725.0, "1 h 2 min")]
)
def test_a_duration_is_written_in_a_suitable_unit(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said


def test_a_date_is_written_out() -> None:
    assert words.day(dt.date(2026, 3, 7)) == "7 March 2026"


def test_reasons_become_one_sentence() -> None:
    said = words.explain([Reason.MISSING_TITLE, Reason.BLANK_IMAGE])
    assert said == "There is no title; the picture is one flat colour"


def test_text_and_picture_are_named_separately_unless_they_agree() -> None:
    agreed = example("a", text=(SHOES, 0.93), image=(SHOES, 0.9999))
    split = example("a", text=(SHOES, 0.93), image=(BAGS, 0.5))
    assert words.evidence(agreed) == "Text and picture both suggest Shoes (93.0% and >99.9%)."
    assert words.evidence(split) == "The text suggests Shoes (93.0%), the picture suggests Bags & cases (50.0%)."
    assert words.evidence(example("a", text=None)) == "The picture suggests Shoes (88.0%)."
    assert words.evidence(example("a", text=None, image=None)) == ""


def test_every_picture_status_has_a_description() -> None:
    assert set(words.PICTURE) == {status.value for status in ImageStatus}
