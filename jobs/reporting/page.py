"""Renders the report as a self-contained HTML page without scripts and external resources."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import resources

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from jobs.cleaning.label_errors import describe_label_errors
from jobs.console.summary import Estimate, Share
from jobs.reporting import charts, words
from jobs.reporting.charts import Bar, Range, Span
from jobs.reporting.error_rates import SegmentError
from jobs.reporting.examples import Examples
from jobs.reporting.figures import BANDS, Figures, PublicationFigures
from schemas.metrics import ERROR_BEFORE
from schemas.reasons import ImageStatus, Queue, Reason

_SEGMENTS = 12
_SELLERS = 12


@dataclass(frozen=True)
class Chart:
    """A chart, its caption and its data as a table.

    Attributes:
        title: one line.
        drawing: SVG.
        alt: description for screen readers.
        columns, rows: the data as a table; the first column has the names of the rows.
        more: label that opens the table.
        legend: class in the style sheet -> meaning, as pairs.
    """

    title: str
    drawing: Markup
    alt: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    more: str = "Show as a table"
    legend: Sequence[tuple[str, str]] = ()


def render(figures: Figures, examples: Examples, thumbnails: Mapping[str, bytes]) -> str:
    """Render the page.

    Args:
        figures, examples: what to show. Texts from the catalogue are escaped.
        thumbnails: listing_id -> JPEG; a listing without one gets a placeholder.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {
        "percent": lambda share: str(Share(share)),
        "count": lambda number: f"{round(number):,}",
        "certainty": words.certainty,
        "day": words.day,
        "explain": words.explain,
        "evidence": words.evidence,
        "interval": _interval,
        "picture_status": lambda status: words.PICTURE.get(status, "no picture"),
    }
    sections = {
        "errors": _errors(figures),
        "corrections": _corrections(figures),
        "people": _people(figures),
        "pictures": _pictures(figures),
        "trends": _trends(figures.publications),
    }
    contents = [
        ("errors", "Where the errors are"),
        ("corrections", "What was corrected"),
        ("people", "What people should review"),
        ("pictures", "Pictures"),
        *([("reasons", "Other reasons")] if examples.others else []),
        ("trends", "Over time"),
        ("run", "The run"),
    ]
    return environment.from_string(_resource("page.html.j2")).render(
        style=Markup(_resource("page.css")),  # noqa: S704 - ours
        figures=figures,
        label_errors=describe_label_errors(figures.label_errors, figures.audit, figures.listings),
        examples=examples,
        pictures={listing: _data_uri(jpeg) for listing, jpeg in thumbnails.items()},
        charts=sections,
        contents=contents,
        treated_worse=[(t.segment, t.dimension, t.what, t.source, t.comparison) for t in figures.treated_worse],
        account=[(name, f"{figures.counts[key]:,}") for key, name in words.ACCOUNT.items() if key in figures.counts],
        run=[
            ("model version", figures.model_version),
            ("wall-clock time", words.duration(figures.seconds)),
        ],
    )


def _errors(figures: Figures) -> list[Chart]:
    sellers = figures.sellers[:_SELLERS]
    panels = [
        _segment_errors(title, dimension, errors)
        for title, dimension, errors in (
            ("Categories with the highest error", "category", figures.categories),
            ("Error by department", "department", figures.departments),
            ("Error by the size of the seller", "labelled listings", figures.seller_sizes),
            ("Error by language", "language", figures.languages if len(figures.languages) > 1 else ()),
            ("Error by rollout arm", "arm", figures.arms if len(figures.arms) > 1 else ()),
        )
        if errors
    ]
    if sellers:
        overall = figures.shares[ERROR_BEFORE].share.value
        panels.append(
            Chart(
                "Sellers who mislabel most",
                _safe(
                    charts.intervals(
                        [Range(f"{s.seller_id} · {s.listings:,} listings", s.error_rate) for s in sellers], overall
                    )
                ),
                "The model's estimate of the share of wrong labels by seller, with its 95% interval. Highest: "
                f"{sellers[0].seller_id} with {sellers[0].error_rate}. All listings: {Share(overall)}.",
                ("seller", "listings", "wrong labels", "the model's 95% interval"),
                [
                    (s.seller_id, f"{s.listings:,}", Share(s.error_rate.value), _interval(s.error_rate))
                    for s in figures.sellers
                ],
                legend=(("c-before", "wrong labels, with the model's 95% interval"), ("upright", "all listings")),
            )
        )
    return panels


def _segment_errors(title: str, column: str, errors: Sequence[SegmentError]) -> Chart:
    worst = errors[:_SEGMENTS]
    return Chart(
        title,
        _safe(charts.dumbbells([Span(e.segment.name, e.before, e.left) for e in worst])),
        f"{title}: the model's estimate of the share of wrong categories before and after cleaning. "
        f"Worst of {len(errors)}: {worst[0].segment}, {Share(worst[0].before.value)} and {Share(worst[0].left.value)}.",
        (column, "listings", "wrong before", "wrong after", "wrong after, by audit"),
        [(e.segment, f"{e.listings:,}", Share(e.before.value), Share(e.left.value), str(e.by_audit)) for e in errors],
        more="Show all as a table" if len(errors) > len(worst) else "Show as a table",
        legend=(("c-before", "wrong before"), ("c-left", "wrong after")),
    )


def _corrections(figures: Figures) -> list[Chart]:
    changes = figures.changes
    if not changes:
        return []
    rows = [
        Bar(f"{c.seller_category or 'no category'} → {c.corrected_category}", c.listings, f"{c.listings:,}")
        for c in changes
    ]
    uppers = (1.0, *BANDS)
    bands = [
        (f"{words.certainty(lower)}, {f'{lower:.0%} to' if lower else 'under'} {upper:.0%}", figures.certainty[lower])
        for lower, upper in zip(BANDS, uppers, strict=False)
    ]
    corrections = sum(n for _, n in bands)
    return [
        Chart(
            "Most frequent corrections",
            _safe(charts.bars(rows, "left", rows[0].length)),
            f"Corrections by seller's and corrected category. Most frequent: {rows[0].label}, {rows[0].words}.",
            ("from", "to", "listings"),
            [(c.seller_category or "no category", c.corrected_category, f"{c.listings:,}") for c in changes],
        ),
        Chart(
            "How sure the corrections are",
            _safe(charts.bars([Bar(name, n, f"{n:,}") for name, n in bands], "left", max(n for _, n in bands))),
            "Corrections by the probability that they are right: " + "; ".join(f"{n:,} {name}" for name, n in bands),
            ("probability that they are right", "corrections", "share"),
            [(name, f"{n:,}", Share(n / corrections)) for name, n in bands],
        ),
    ]


def _people(figures: Figures) -> list[Chart]:
    queues = figures.queues
    largest = max(queues.by_reason.values(), default=0)
    asked = [(r, n) for r, n in queues.by_reason.items() if r.queue is Queue.CATEGORY]
    other = [(r, n) for r, n in queues.by_reason.items() if r.queue is Queue.OTHER]
    draw = partial(_queue, largest=largest, listings=figures.listings)
    panels = []
    if asked:
        panels.append(draw(f"Uncertain category: {queues.category:,} listings", asked, "category"))
    if other:
        panels.append(draw(f"Other reasons: {queues.other:,} listings", other, "other"))
    return panels


def _queue(title: str, reasons: Sequence[tuple[Reason, int]], role: str, largest: int, listings: int) -> Chart:
    rows = [(words.reason(r), n) for r, n in reasons]
    return Chart(
        title,
        _safe(charts.bars([Bar(name, n, f"{n:,}") for name, n in rows], role, largest)),
        f"{title}. Most frequent reason: {rows[0][0]}, {rows[0][1]:,}.",
        ("reason", "listings", "share", "meaning"),
        [(words.reason(r), f"{n:,}", Share(n / listings), words.explain([r])) for r, n in reasons],
    )


def _pictures(figures: Figures) -> list[Chart]:
    status = sorted(figures.image_status.items(), key=lambda item: (item[0] != ImageStatus.OK.value, -item[1]))
    rows = [(words.PICTURE.get(name, name), n) for name, n in status]
    if not rows:
        return []
    shares = [Share(n / figures.listings) for _, n in rows]
    return [
        Chart(
            "Condition of the pictures",
            _safe(
                charts.bars(
                    [Bar(name, n, f"{n:,} · {share}") for (name, n), share in zip(rows, shares, strict=True)],
                    "other",
                    figures.listings,
                )
            ),
            "Listings by the condition of their picture: " + ", ".join(f"{name} {n:,}" for name, n in rows) + ".",
            ("picture", "listings", "share"),
            [(name, f"{n:,}", share) for (name, n), share in zip(rows, shares, strict=True)],
        )
    ]


def _trends(publications: Sequence[PublicationFigures]) -> list[Chart]:
    if len(publications) < 2:
        return []
    series = (
        ("Wrong, estimated by the model", "left", [p.error_left for p in publications]),
        ("Corrected", "before", [p.corrected for p in publications]),
        ("On the work list", "other", [p.flagged for p in publications]),
    )
    first, last = (words.day(p.run_date) for p in (publications[0], publications[-1]))
    return [
        Chart(
            title,
            _safe(charts.trend(values, first, last, role)),
            f"{title}, share of all listings: {Share(values[0])} on {first}, {Share(values[-1])} on {last}.",
            ("run", "duration", "share"),
            [(p.run_id, words.duration(p.seconds), Share(v)) for p, v in zip(publications, values, strict=True)],
        )
        for title, role, values in series
    ]


def _interval(estimate: Estimate) -> str:
    """The interval as text; empty if there is none."""
    return str(estimate.interval or "")


def _safe(drawing: str) -> Markup:
    return Markup(drawing)  # noqa: S704 - matplotlib escapes the texts that it draws


def _data_uri(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def _resource(name: str) -> str:
    return resources.files("jobs.reporting").joinpath(name).read_text(encoding="utf-8")
