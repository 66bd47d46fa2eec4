"""A model card says what the model learned from, how good it is by category, and where it must not be used."""

from __future__ import annotations

import dataclasses
import datetime as dt

from schemas.estimates import ShareEstimate
from training.model_card import CardData, CategoryRow, category_rows, model_card

DATA = CardData(
    run_id="train-2026-03-02-1",
    run_date=dt.date(2026, 3, 2),
    settings_digest="0123456789abcdef",
    listings=1234,
    labelled=1000,
    decided=12,
    sellers=40,
    first=dt.datetime(2025, 1, 5, tzinfo=dt.UTC),
    last=dt.datetime(2026, 3, 1, 23, tzinfo=dt.UTC),
    plan={"text_members": 10, "pictures": True},
    figures={"rows": 990.0, "evaluated_rows": 800.0, "audited_rows": 7.0, "canaries": 9.0, "estimated_error": 0.0312},
    share=ShareEstimate(0.2, 0.01, "confident listings"),
    categories=category_rows(
        {"boots": 700, "shoes": 299, "bags": 1},
        {
            "boots": {"listings": 560.0, "classifier_agreement": 0.75, "estimated_label_error": 0.21},
            "shoes": {"listings": 240.0, "classifier_agreement": 0.5, "estimated_label_error": 0.1},
        },
        ["shoes", "boots", "bags", "hats"],
    ),
    better=True,
)
HEADINGS = (
    "Model details",
    "Intended use",
    "Factors",
    "Metrics",
    "Evaluation data",
    "Training data",
    "Quantitative analyses",
    "Ethical considerations",
    "Caveats and recommendations",
)


def test_the_card_has_the_usual_headings_and_says_what_is_known() -> None:
    card = model_card(DATA)
    assert tuple(line[3:] for line in card.splitlines() if line.startswith("## ")) == HEADINGS
    for said in (
        "# Model card: category classifier of 2026-03-02\n",
        "| trained by | train-2026-03-02-1 |",
        "| text members | 10 |",
        "It must not be used for another catalogue",
        "800 labelled listings of the same catalogue: a sample by hash, with all 7 audited ones and 9 canaries.",
        "| listings in the catalogue | 1,234 |",
        "| decided by people | 12 |",
        "| last updated | 2025-01-05 to 2026-03-01 |",
        "| estimated error | 0.0312 |",
        "About 20.0% of the labels are wrong, 18.0% to 22.0% (estimated from: confident listings;",
        "| bags | 1 | 0 |  |  |\n| boots | 700 | 560 | 75.0% | 21.0% |\n| hats | 0 | 0 |  |  |\n| shoes | 299 |",
        "Categories with fewer than 30 labelled listings, of which it knows little: bags, hats.",
        "Categories with the lowest agreement, of those with 30 scored listings or more: shoes (50.0%), boots (75.0%).",
    ):
        assert said in card, said


def test_what_is_not_known_is_said_or_left_out() -> None:
    unknown = model_card(dataclasses.replace(DATA, share=None, first=None, last=None, categories=[], better=False))
    assert "How many of the labels are wrong is not known." in unknown
    assert "| last updated | none |" in unknown
    assert "| compared | not better than the champion |" in unknown
    assert "fewer than 30" not in unknown
    assert "lowest agreement" not in unknown
    bound = ShareEstimate(0.18, 0.0, "sellers, at least", at_least=True)
    said = "At least 18.0% of the labels are wrong (estimated from: sellers, at least)."
    assert said in model_card(dataclasses.replace(DATA, share=bound))


def test_names_of_categories_are_escaped_and_long_lists_are_cut() -> None:
    rows = [CategoryRow(f"<b>|`{i:02}\n# x", 0, 0, None, None) for i in range(53)]
    card = model_card(dataclasses.replace(DATA, categories=rows))
    assert "| &lt;b&gt;\\|'00 # x | 0 | 0 |  |  |" in card
    assert "<b>" not in card
    assert "\n# x" not in card
    assert " and 3 more." in card
