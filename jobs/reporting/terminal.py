"""The report for the terminal and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.cleaning.audit import TOO_FEW
from jobs.cleaning.label_errors import describe_label_errors
from jobs.console.summary import Section, Share, Summary
from jobs.reporting.error_rates import SegmentError
from jobs.reporting.examples import Example, Examples
from jobs.reporting.figures import Figures
from jobs.reporting.words import ACCOUNT
from schemas.metrics import ERROR_BEFORE, ERROR_LEFT
from schemas.reasons import Queue

_SEGMENTS = 10
_SELLERS = 8
_EXAMPLES = 6
_TITLE_LENGTH = 56


def report_summary(figures: Figures, examples: Examples, location: str, page: str | None) -> Summary:
    """Make the summary of the report.

    Args:
        figures, examples: what to show.
        location: location of the warehouse.
        page: path of the HTML page; None if none was written.
    """
    shares, audit, errors = figures.shares, figures.audit, figures.label_errors
    facts: dict[str, object] = {
        "run_id": figures.run_id,
        "run_date": str(figures.run_date),
        "taken_back_by": figures.taken_back_by,
        "model_version": figures.model_version,
        "took_seconds": round(figures.seconds, 1),
        "listings": figures.listings,
        "audited": audit.answered,
        "audit_open": audit.open,
        ERROR_BEFORE: audit.before,
        ERROR_LEFT: audit.left,
        f"{ERROR_BEFORE}_by_model": shares[ERROR_BEFORE].share,
        f"{ERROR_LEFT}_by_model": shares[ERROR_LEFT].share,
        "wrong_label_share": errors and errors.share,
        "wrong_label_share_by": errors and errors.basis,
        "corrected": round(shares["corrected_share"].listings),
        "corrected_share": shares["corrected_share"].share,
        "corrections_begun": figures.events["begun"],
        "corrections_changed": figures.events["changed"],
        "corrections_ended": figures.events["ended"],
        "mean_correction_confidence": figures.confidence,
        "referred": round(shares["referred_share"].listings),
        "flagged": round(shares["flagged_share"].listings),
        "flagged_share": shares["flagged_share"].share,
        "category_queue": figures.queues.category,
        "other_queue": figures.queues.other,
        "mean_quality_score": round(figures.quality, 1),
    }
    if page is not None:
        facts["html"] = page
    hints = [
        describe_label_errors(errors, audit, figures.listings),
        audit.note(location),
        "Before, left and the sellers' error rates are the model's estimates; by_audit is what the audit says is left.",
        f"Read a table of this publication:  jobs.store.read_published(warehouse, TABLE, {figures.run_id!r})",
    ]
    if figures.taken_back_by is not None:
        hints.insert(
            0, f"This publication was taken back by {figures.taken_back_by}: the catalogue no longer shows it."
        )
    if page is None:
        hints.append(f"Report with pictures:  catalog-cleaner report --warehouse {location} --html FILE")
    else:
        hints.append(f"The page is {page}, a single file.")
    sections = (*_figures(figures), *_examples(examples), *_runs(figures))
    return Summary(_title(figures), facts, sections, hints, audit.notes, hidden_if_zero=("taken_back_by",))


def _title(figures: Figures) -> str:
    """The error before and after cleaning: audited, or the model's estimate if too few listings are audited."""
    shares, audit = figures.shares, figures.audit
    before, left = audit.before or shares[ERROR_BEFORE].share, audit.left or shares[ERROR_LEFT].share
    unaudited = f"the model's estimate, {TOO_FEW if audit.answered else 'not audited'}"
    basis = f"{audit.answered:,} audited listings" if audit.left else unaudited
    return f"Catalogue of {figures.run_date}: {before} in a wrong category before, {left} after ({basis})"


def _figures(figures: Figures) -> list[Section]:
    reasons = figures.queues.by_reason.items()
    return [
        _errors("category", figures.categories, "error by category, the worst first"),
        _errors("department", figures.departments, "error by department"),
        _errors("seller_size", figures.seller_sizes, "error by seller size"),
        _errors("language", figures.languages, "error by language"),
        # One arm alone is the whole catalogue.
        _errors("rollout_arm", figures.arms if len(figures.arms) > 1 else (), "error by rollout arm"),
        Section(
            "treated worse than the rest",
            ("segment", "of", "what", "source", "comparison"),
            [(each.segment, each.dimension, each.what, each.source, each.comparison) for each in figures.treated_worse],
        ),
        Section(
            "flagged by reason",
            ("queue", "reason", "listings", "share"),
            [
                (r.queue.value, r.value, n, Share(n / figures.listings))
                for r, n in sorted(reasons, key=lambda item: (list(Queue).index(item[0].queue), -item[1]))
            ],
            bars=("share",),
        ),
        Section(
            "sellers who mislabel most",
            ("seller", "listings", "error_rate"),
            [(s.seller_id, s.listings, s.error_rate) for s in figures.sellers[:_SELLERS]],
            bars=("error_rate",),
        ),
        Section(
            "most frequent corrections",
            ("from", "to", "listings"),
            [(c.seller_category, c.corrected_category, c.listings) for c in figures.changes],
        ),
    ]


def _errors(column: str, errors: Sequence[SegmentError], key: str) -> Section:
    return Section(
        f"error by {column.replace('_', ' ')}, worst first",
        (column, "listings", "before", "left", "by_audit"),
        [(e.segment, e.listings, Share(e.before.value), e.left, e.by_audit) for e in errors[:_SEGMENTS]],
        bars=("before", "left"),
        key=key,
    )


def _examples(examples: Examples) -> list[Section]:
    return [
        Section(
            "examples of corrections",
            ("listing_id", "title", "from", "to", "confidence"),
            [
                (e.listing_id, _clip(e.title), e.seller_category, e.shown_category, Share(e.confidence))
                for e in examples.corrections[:_EXAMPLES]
            ],
        ),
        Section(
            "top of the work list",
            ("listing_id", "priority", "reasons", "title", "seller's", "suggestion"),
            [_work_item(e) for e in examples.work_list],
        ),
    ]


def _work_item(example: Example) -> tuple[object, ...]:
    return (
        example.listing_id,
        round(example.priority, 3) if example.priority is not None else None,
        [r.value for r in example.reasons],
        _clip(example.title),
        example.seller_category,
        example.suggestion[0] if example.suggestion else None,
    )


def _runs(figures: Figures) -> list[Section]:
    account = [(label, figures.counts[name]) for name, label in ACCOUNT.items() if name in figures.counts]
    return [
        Section("row account", ("rows", "count"), account),
        Section(
            "publications, latest last",
            ("run_id", "seconds", "error_left", "corrected", "flagged"),
            [
                (
                    p.run_id,
                    round(p.seconds),
                    Share(p.error_left),
                    Share(p.corrected),
                    Share(p.flagged),
                )
                for p in figures.publications
            ],
            bars=("error_left",),
            key="publications, the last one below",
        ),
    ]


def _clip(title: str | None) -> str | None:
    return title if title is None or len(title) <= _TITLE_LENGTH else f"{title[: _TITLE_LENGTH - 1]}…"
