"""What leads take with them as CSV: work done, agreement, and every answer with what became of it."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterable, Sequence

from jobs.reviewing.agreement import FEWEST
from jobs.reviewing.csv_files import ENCODING, Value, write_rows
from jobs.reviewing.database import Store
from jobs.reviewing.history import in_warehouse
from jobs.reviewing.leading import Trust, WorkDone
from schemas.decisions import Decision

_ANSWER_COLUMNS = (
    "decided_at", "listing_id", "question", "reviewer", "reviewer_role", "purpose", "decision", "category", "note",
    "batch_id", "decision_id", "undone_at", "undone_by",
)  # fmt: skip


def work_csv(work: Sequence[WorkDone], days: int) -> bytes:
    """What each reviewer has done in the last days; `per_hour` is empty for too few answers."""
    columns = ("reviewer", "days", "answers", "at_once", "skipped", "taken_back", "per_hour")
    rows = [
        (each.reviewer, days, each.answers, each.at_once, each.skipped, each.taken_back, each.per_hour) for each in work
    ]
    return _file(columns, rows)


def agreement_csv(trust: Sequence[Trust]) -> bytes:
    """How far reviewers agree about categories, shares from 0 to 1; a row without a reviewer is about all together.

    What the page calls too few is empty.
    """
    columns = (
        "reviewer", "answered_by_two", "same", "kappa", "kappa_lower", "kappa_upper", "wrong", "wrong_lower",
        "wrong_upper", "known", "as_lead", "as_lead_lower", "as_lead_upper",
    )  # fmt: skip
    rows = []
    for each in trust:
        same, like = each.agreement, each.like_lead
        error = each.error if each.error is not None and each.error.answers >= FEWEST else None
        kappa = (same.share, same.kappa, same.lower, same.upper) if same else (None,) * 4
        wrong = (error.rate, error.lower, error.upper) if error else (None,) * 3
        as_lead = (like.share, like.lower, like.upper) if like else (None,) * 3
        rows.append((each.reviewer, each.pairs, *kappa, *wrong, each.known, *as_lead))
    return _file(columns, rows)


def answers_csv(store: Store, since: dt.datetime | None, listing_id: str | None) -> tuple[bytes, list[str]]:
    """Every answer that is kept, also those taken back, in order.

    Args:
        store: the store.
        since: only later ones, UTC; None: all.
        listing_id: only those about this listing; None: about all.

    Returns:
        The file, and the listings in it. `in_warehouse` is written, waiting or never.
    """
    rows = (
        store.reading()
        .execute(
            "SELECT * FROM answers WHERE decision <> :reopen AND decided_at >= :since "
            "AND (:listing IS NULL OR listing_id = :listing) ORDER BY number",
            {
                "reopen": Decision.REOPEN.value,
                "since": since.isoformat(timespec="microseconds") if since else "",
                "listing": listing_id,
            },
        )
        .fetchall()
    )
    values = ((*(row[name] for name in _ANSWER_COLUMNS), in_warehouse(row)) for row in rows)
    return _file((*_ANSWER_COLUMNS, "in_warehouse"), values), sorted({row["listing_id"] for row in rows})


def _file(columns: Sequence[str], rows: Iterable[Sequence[Value]]) -> bytes:
    out = io.StringIO(newline="")
    write_rows(out, columns, rows)
    return out.getvalue().encode(ENCODING)
