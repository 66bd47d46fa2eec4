"""The row account of a run: every input row is counted exactly once, by what happened to it."""

from __future__ import annotations

from schemas.errors import FailedError


def row_account(
    rows_in: int,
    *,
    current: int,
    unchanged: int,
    quarantined: int,
    superseded: int = 0,
    suppressed: int = 0,
    withdrawn: int | None = None,
) -> dict[str, int]:
    """Check the counts that every run records in `runs.counts`, and name them.

    Args:
        rows_in: rows that were read.
        current: rows that were loaded or scored.
        unchanged: rows that changed nothing.
        quarantined: rows that could not be used.
        superseded: rows that are older than another version of the same listing.
        suppressed: rows about erased listings or sellers; named only if there are any.
        withdrawn: rows of withdrawn listings; None for a job that does not read them.

    Raises:
        FailedError: the parts do not add up to `rows_in`.
    """
    parts = {
        "rows_current": current,
        "rows_superseded": superseded,
        "rows_unchanged": unchanged,
        **({} if withdrawn is None else {"rows_withdrawn": withdrawn}),
        "rows_quarantined": quarantined,
        **({"rows_suppressed": suppressed} if suppressed else {}),
    }
    total = sum(parts.values())
    if total != rows_in or min(parts.values()) < 0:
        shown = ", ".join(f"{name.removeprefix('rows_')} {count:,}" for name, count in parts.items())
        raise FailedError(
            f"the row account does not add up: {rows_in:,} rows in, {total:,} accounted for ({shown}). "
            "Nothing was published. This is a defect of catalog-cleaner: please report it with this message."
        )
    return {"rows_in": rows_in, **parts}
