"""The row account of a run: every row that came in went somewhere, exactly once."""

from __future__ import annotations

from schemas.errors import FailedError


def row_account(
    rows_in: int,
    *,
    current: int,
    unchanged: int,
    quarantined: int,
    superseded: int = 0,
    withdrawn: int | None = None,
) -> dict[str, int]:
    """The counts that every run records in `runs.counts`, checked.

    Args:
        rows_in: rows that were read.
        current: rows that were loaded or scored.
        unchanged: rows that changed nothing.
        quarantined: rows that cannot be used.
        superseded: rows replaced by a newer version.
        withdrawn: rows that are kept but not judged; None for a job that does not read such rows.

    Raises:
        FailedError: the parts do not add up to `rows_in`.
    """
    parts = {
        "rows_current": current,
        "rows_superseded": superseded,
        "rows_unchanged": unchanged,
        **({} if withdrawn is None else {"rows_withdrawn": withdrawn}),
        "rows_quarantined": quarantined,
    }
    total = sum(parts.values())
    if total != rows_in or min(parts.values()) < 0:
        shown = ", ".join(f"{name.removeprefix('rows_')} {count:,}" for name, count in parts.items())
        raise FailedError(
            f"the row account does not add up: {rows_in:,} rows in, {total:,} accounted for ({shown}). "
            "Nothing was published."
        )
    return {"rows_in": rows_in, **parts}
