"""Writes the model card of a trained model: what it learned from, how good it is, and what it must not be used for.

The headings are those of Mitchell et al., "Model Cards for Model Reporting" (FAT* 2019).
"""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.estimates import ShareEstimate

CARD_FILE = "model_card.md"
CARD_TAG = "model_card"
"""Tag of a version with the place of its card: relative to a local store, else a URI."""

FEW_LISTINGS = 30
"""A category with fewer labelled listings is named as one of which the model knows little."""
_WEAKEST = 10
_MAX_NAMED = 50


@dataclass(frozen=True)
class CategoryRow:
    """A category in the card.

    Attributes:
        category: its code.
        listings: number of listings that sellers have put into it.
        compared: number of those that were scored out of sample.
        agreement: share of those for which the classifier, without the label, says the same, 0 to 1; None without any.
        label_error: the model's estimate of the share of wrong labels among them, 0 to 1; None without any.
    """

    category: str
    listings: int
    compared: int
    agreement: float | None
    label_error: float | None


@dataclass(frozen=True)
class CardData:
    """What the card says.

    Attributes:
        run_id, run_date: the training.
        settings_digest: of all settings.
        listings: number of listings of the catalogue.
        labelled: number of those with a category of the taxonomy.
        decided: number of those whose category people have decided.
        sellers: number of sellers.
        first, last: the earliest and the latest update of a listing, UTC; None without listings.
        plan: hyperparameter -> value.
        figures: figure -> value, as in the registry.
        share: the estimated share of wrong labels; None if it is not known.
        categories: the categories of the taxonomy.
        better: whether the comparison says that the model should become champion.
    """

    run_id: str
    run_date: dt.date
    settings_digest: str
    listings: int
    labelled: int
    decided: int
    sellers: int
    first: dt.datetime | None
    last: dt.datetime | None
    plan: Mapping[str, Any]
    figures: Mapping[str, float]
    share: ShareEstimate | None
    categories: Sequence[CategoryRow]
    better: bool


def category_rows(
    listings: Mapping[str, int], by_category: Mapping[str, Mapping[str, float]], categories: Iterable[str]
) -> list[CategoryRow]:
    """The rows of the card, sorted by category.

    Args:
        listings: category -> number of labelled listings.
        by_category: `training.comparison.Comparison.by_category`.
        categories: all categories of the taxonomy.
    """

    def row(category: str) -> CategoryRow:
        found = by_category.get(category, {})
        agreement, error = found.get("classifier_agreement"), found.get("estimated_label_error")
        return CategoryRow(category, listings.get(category, 0), int(found.get("listings", 0)), agreement, error)

    return [row(category) for category in sorted(categories)]


def model_card(data: CardData) -> str:
    """The card as Markdown. Names of categories are escaped."""
    sections = {
        "Model details": _details(data),
        "Intended use": _intended_use(),
        "Factors": _factors(),
        "Metrics": _metrics(),
        "Evaluation data": _evaluation_data(data),
        "Training data": _training_data(data),
        "Quantitative analyses": _analyses(data),
        "Ethical considerations": _ethics(),
        "Caveats and recommendations": _caveats(data),
    }
    body = "\n\n".join(f"## {heading}\n\n{text}" for heading, text in sections.items())
    return f"# Model card: category classifier of {data.run_date}\n\n{body}\n"


def _details(data: CardData) -> str:
    outcome = "better than the champion, or the first model" if data.better else "not better than the champion"
    facts = [
        ("trained by", data.run_id),
        ("date", data.run_date),
        ("settings", f"SHA-256 {data.settings_digest}; the table runs has those that differ from the defaults"),
        ("compared", outcome),
        *((name.replace("_", " "), value) for name, value in data.plan.items()),
    ]
    intro = (
        "The model gives each listing a probability for every category, from its texts and, if it has one, its "
        "picture. A noise model weighs them against the seller's category."
    )
    return f"{intro}\n\n{_table(('detail', 'value'), facts)}"


def _intended_use() -> str:
    return _items(
        "It finds and corrects wrong categories in the catalogue that it was trained on, and sorts the work list.",
        "It must not judge people: a seller's error rate says where help is needed, and is no ground for a penalty.",
        "It must not decide about sensitive categories without a person.",
        "It must not be used for another catalogue or taxonomy, or to detect fraud or forbidden goods.",
    )


def _factors() -> str:
    return (
        "Quality may differ by category, department, language, the size of the seller, and whether there is a picture. "
        "The figures below go by category. Every night publishes those of the other segments in the table "
        "quality_metrics, and flags segments that are treated worse than the rest."
    )


def _metrics() -> str:
    return _items(
        "*Agreement*: how often the classifier, without the label, says the same as the seller. Each listing is judged "
        "by a member that has not learned from it (out of sample). Labels are partly wrong, so 100 % is not the goal.",
        "*Wrong labels*: the noise model's estimate of the share of wrong labels. It is no audit.",
        "*Canaries undone*: the share of labels, made wrong for training, of which the model finds the original.",
    )


def _evaluation_data(data: CardData) -> str:
    figures = data.figures
    audited = int(figures.get("audited_rows", 0))
    return (
        f"{int(figures.get('evaluated_rows', 0)):,} labelled listings of the same catalogue: a sample by hash, with "
        f"all {audited:,} audited ones and {int(figures.get('canaries', 0)):,} canaries."
    )


def _training_data(data: CardData) -> str:
    days = f"{data.first:%Y-%m-%d} to {data.last:%Y-%m-%d}" if data.first and data.last else "none"
    facts = [
        ("listings in the catalogue", f"{data.listings:,}"),
        ("with a category of the taxonomy", f"{data.labelled:,}"),
        ("decided by people", f"{data.decided:,}"),
        ("in the training set", f"{int(data.figures.get('rows', 0)):,}"),
        ("sellers", f"{data.sellers:,}"),
        ("categories", f"{len(data.categories):,}"),
        ("last updated", days),
    ]
    labels = "The labels are the sellers' own categories, or people's decisions where there are any."
    return f"{labels}\n\n{_table(('data', 'value'), facts)}"


def _analyses(data: CardData) -> str:
    names = ("estimated_error", "canaries_undone", "label_log_likelihood", "lead_over_champion")
    whole = [(name.replace("_", " "), f"{data.figures[name]:.4f}") for name in names if name in data.figures]
    rows = [
        (c.category, f"{c.listings:,}", f"{c.compared:,}", _share(c.agreement), _share(c.label_error))
        for c in data.categories
    ]
    by_category = _table(("category", "listings", "scored", "agreement", "wrong labels"), rows)
    return f"{_table(('figure', 'value'), whole)}\n\n{_wrong_labels(data.share)}\n\n{by_category}"


def _wrong_labels(share: ShareEstimate | None) -> str:
    if share is None:
        return "How many of the labels are wrong is not known."
    if share.at_least:
        return f"At least {share.value:.1%} of the labels are wrong (estimated from: {share.source})."
    lower, upper = share.interval
    return (
        f"About {share.value:.1%} of the labels are wrong, {lower:.1%} to {upper or 1.0:.1%} (estimated from: "
        f"{share.source}; the interval is two standard errors)."
    )


def _ethics() -> str:
    return _items(
        "Texts and pictures may contain personal data. The model keeps weights of hashed words and no ids of sellers.",
        "An erasure removes erased sellers from the model, but not what its weights have learned: train a new one.",
        "Corrections affect how buyers find a seller. People's decisions always win, and corrections can be reverted.",
    )


def _caveats(data: CardData) -> str:
    few = [c.category for c in data.categories if c.listings < FEW_LISTINGS]
    judged = [c for c in data.categories if c.agreement is not None and c.compared >= FEW_LISTINGS]
    weakest = sorted(judged, key=lambda c: (c.agreement or 0.0, c.category))[:_WEAKEST]
    lines = [
        "An error that all sellers make in the same way looks like the truth to this model. Only an audit finds it.",
        "It does not know products that are new to the catalogue, or categories that the taxonomy gets later.",
        "It knows the languages of the catalogue only as far as they are in it.",
    ]
    if few:
        more = f" and {len(few) - _MAX_NAMED:,} more" if len(few) > _MAX_NAMED else ""
        named = ", ".join(map(_cell, few[:_MAX_NAMED]))
        lines.append(
            f"Categories with fewer than {FEW_LISTINGS} labelled listings, of which it knows little: {named}{more}."
        )
    if weakest:
        named = ", ".join(f"{_cell(c.category)} ({_share(c.agreement)})" for c in weakest)
        lines.append(
            f"Categories with the lowest agreement, of those with {FEW_LISTINGS} scored listings or more: {named}."
        )
    return _items(*lines)


def _items(*lines: str) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return "\n".join([*lines, *(f"| {' | '.join(_cell(value) for value in row)} |" for row in rows)])


def _cell(value: object) -> str:
    """A value on one line, without characters that Markdown or HTML would read as their own."""
    return html.escape(" ".join(str(value).split()), quote=False).replace("|", "\\|").replace("`", "'")


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
