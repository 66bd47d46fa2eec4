from __future__ import annotations

import dataclasses
import io
import json
import re

import pytest
from rich.console import Console

from jobs.console.summary import Estimate, Named, Section, Share, Summary
from jobs.reporting.error_rates import SegmentError
from jobs.reporting.examples import Examples
from jobs.reporting.fairness import TreatedWorse
from jobs.reporting.page import render
from jobs.reporting.terminal import report_summary
from tests.unit.report_samples import AUDIT, EXAMPLES, FIGURES, example


def shown(summary: Summary, width: int = 120) -> str:
    out = io.StringIO()
    summary.show(Console(file=out, width=width, highlight=False))
    return out.getvalue()


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.0, "0.0%"),
        (0.00001, "<0.01%"),
        (0.0046, "0.46%"),
        (0.00999, "1.0%"),
        (0.228, "22.8%"),
        (0.9996, ">99.9%"),
        (1.0, "100.0%"),
    ],
)
def test_the_precision_of_a_share_depends_on_its_size(share: float, said: str) -> None:
    assert str(Share(share)) == said


def test_the_report_in_the_terminal() -> None:
    text = shown(report_summary(FIGURES, EXAMPLES, "/w", None))
    for line in (
        "Catalogue of 2026-03-02: 22.8% in a wrong category before, 3.1% after (the model's estimate, not audited)",
        "About 21.0% (15.0% to 27.0%) of the sellers' categories were wrong when the model was trained",
        "An audit of 400 listings would narrow the estimate to about ± 4.1 points, one of 1,000 to ± 2.6.",
        "400 listings were drawn at random for the audit, and none is reviewed yet.",
        "catalog-cleaner review apply FILE --warehouse /w",
        "error by category, worst first",
        "error by department, worst first",
        "error by seller size, worst first",
        "3.0% (1.0% to 7.0%)",
        "wrong_category",
        "63.0% (62.0% to 64.0%)",
        "Bags & cases",
        "unchanged, prediction kept",
        "Report with pictures:  catalog-cleaner report --warehouse /w --html FILE",
    ):
        assert line in text
    assert "html  " not in text
    assert re.search(r"category error rate before by model +22\.8% *\n", text)


def test_a_report_says_that_its_publication_was_taken_back() -> None:
    said = "This publication was taken back by revert-1: the catalogue no longer shows it."
    summary = report_summary(dataclasses.replace(FIGURES, taken_back_by="revert-1"), EXAMPLES, "/w", None)
    assert summary.hints[0] == said
    assert json.loads(summary.as_json())["taken_back_by"] == "revert-1"
    standing = report_summary(FIGURES, EXAMPLES, "/w", None)
    assert "taken back" not in shown(standing)
    assert json.loads(standing.as_json())["taken_back_by"] is None


def test_segments_that_are_treated_worse_are_named() -> None:
    worse = TreatedWorse(
        "language", "de", "left in a wrong category", "audit", "9.1% against 2.0% of the rest, p = 0.01"
    )
    arms = [SegmentError(Named(arm, arm), 500, Estimate(0.2), Estimate(0.1), None) for arm in ("correct", "control")]
    figures = dataclasses.replace(FIGURES, treated_worse=[worse], languages=arms[:1], arms=arms)
    summary = report_summary(figures, EXAMPLES, "/w", None)
    text = shown(summary, width=200)
    assert re.search(
        r"treated worse than the rest\n.*\n +de +language +left in a wrong category +audit +9.1% against", text
    )
    got = json.loads(summary.as_json())
    assert [row["rollout_arm"] for row in got["error by rollout arm"]] == ["correct", "control"]
    assert [row["language"] for row in got["error by language"]] == ["correct"]
    page = " ".join(render(figures, EXAMPLES, {}).split())
    assert "Treated worse than the rest." in page
    assert "9.1% against 2.0% of the rest, p = 0.01" in page
    assert "Error by rollout arm" in page
    assert "Error by language" not in page
    alone = dataclasses.replace(FIGURES, arms=arms[:1])
    assert "by rollout arm" not in shown(report_summary(alone, EXAMPLES, "/w", None))
    assert "Treated worse" not in render(alone, EXAMPLES, {})


def test_the_report_as_json() -> None:
    got = json.loads(report_summary(FIGURES, EXAMPLES, "/w", "/w/r.html").as_json())
    assert got["category_error_rate_left_by_model"] == {"value": 0.031, "lower": None, "upper": None}
    assert (got["audited"], got["audit_open"], got["category_error_rate_left"]) == (0, 400, None)
    assert got["wrong_label_share"] == {"value": 0.21, "lower": 0.15, "upper": 0.27}
    assert got["wrong_label_share_by"] == "confident listings"
    assert (got["corrected"], got["corrections_begun"], got["html"]) == (200, 12, "/w/r.html")
    [worst, second] = got["error by category, the worst first"]
    assert (worst["category"], worst["by_audit"]) == ("boots", "too few audits")
    assert (second["category"], second["by_audit"]) == ("shoes", {"value": 0.03, "lower": 0.01, "upper": 0.07})
    assert [row["seller_size"] for row in got["error by seller size"]] == ["10-99"]
    assert got["flagged by reason"] == [
        {"queue": "category", "reason": "wrong_category", "listings": 70, "share": 0.07},
        {"queue": "other", "reason": "corrupt_image", "listings": 21, "share": 0.021},
    ]
    assert got["most frequent corrections"][1] == {"from": None, "to": "bags", "listings": 50}
    assert got["examples of corrections"] == [
        {"listing_id": "l-1", "title": "Trail shoes", "from": "boots", "to": "shoes", "confidence": 0.972}
    ]
    assert got["top of the work list"] == [
        {"listing_id": "l-2", "priority": 0.69, "reasons": ["wrong_category"], "title": "Ankle boots",
         "seller's": "boots", "suggestion": "shoes"},
        {"listing_id": "l-4", "priority": 0.3, "reasons": ["corrupt_image"], "title": None,
         "seller's": "boots", "suggestion": None},
    ]  # fmt: skip
    assert [row["error_left"] for row in got["publications, the last one below"]] == [0.04, 0.031]


def test_an_audit_comes_first_with_its_interval_and_the_estimate_beside_it() -> None:
    summary = report_summary(dataclasses.replace(FIGURES, audit=AUDIT), EXAMPLES, "/w", None)
    text = shown(summary)
    title = (
        "Catalogue of 2026-03-02: 23.1% (19.2% to 27.6%) in a wrong category before, 3.6% (2.2% to 6.0%) after "
        "(389 audited listings)"
    )
    assert summary.title == title
    assert text.index("category error rate left ") < text.index("category error rate before by model")
    assert "people have reviewed 389 randomly drawn listings. 11 more are open; the estimates are unbiased" in text
    assert "(too few audits)" not in text
    got = json.loads(summary.as_json())
    assert got["category_error_rate_before"] == {"value": 0.231, "lower": 0.192, "upper": 0.276}
    assert got["category_error_rate_before_by_model"] == {"value": 0.228, "lower": None, "upper": None}


def test_with_too_few_audits_the_report_says_so_instead_of_giving_a_figure() -> None:
    few = dataclasses.replace(AUDIT, answered=12, before=None, left=None)
    summary = report_summary(dataclasses.replace(FIGURES, audit=few), EXAMPLES, "/w", None)
    assert summary.title.endswith("3.1% after (the model's estimate, too few audits)")
    text = shown(summary)
    assert re.search(r"category error rate left +-  \(too few audits\)", text)
    assert (
        "reviewed 12 randomly drawn listings. The error rates need 30: until then only the model estimates them" in text
    )


def test_titles_are_neither_markup_nor_control_characters() -> None:
    evil = example("l-1", title="[/red][bold]\x1b[2Jboots\r\x07")
    examples = dataclasses.replace(EXAMPLES, corrections=[evil])
    text = shown(report_summary(FIGURES, examples, "/w", None), width=200)
    assert "[/red][bold] [2Jboots" in text
    assert "\x1b" not in text
    assert "\x07" not in text


def test_numbers_are_not_cut_in_a_narrow_terminal() -> None:
    text = shown(report_summary(FIGURES, EXAMPLES, "/w", None), width=80)
    assert "63.0% (62.0% to 64.0%)" in text
    assert "nightly-2026-03-02-1" in text


def test_bars_are_proportional_and_not_in_the_json() -> None:
    rows = [("a", Estimate(0.4, 0.3, 0.5)), ("b", Estimate(0.2, 0.1, 0.3))]
    summary = Summary("t", {}, (Section("s", ("name", "rate"), rows, bars=("rate",)),))
    bars = [line.count("█") for line in shown(summary).splitlines() if "█" in line]
    assert bars == [8, 4]
    assert json.loads(summary.as_json())["s"][0] == {"name": "a", "rate": {"value": 0.4, "lower": 0.3, "upper": 0.5}}


def test_a_publication_without_work_has_no_empty_tables() -> None:
    text = shown(report_summary(FIGURES, Examples([], [], [], [], []), "/w", None))
    assert "top of the work list" not in text


def test_a_code_is_shown_by_its_name() -> None:
    summary = Summary("t", {"category": Named("boots", "Boots")})
    assert "Boots" in shown(summary)
    assert json.loads(summary.as_json())["category"] == "boots"
