"""Writes docs/tables.md from the declarations in schemas/ (tables, metrics, reasons): `make docs`.

A contract test fails if the page and the declarations differ.
"""

from __future__ import annotations

import sys
from pathlib import Path

from jobs.cleaning.steps.reason_rules import RULES
from schemas.metrics import METRICS
from schemas.reasons import Reason
from schemas.tables import TABLES, Table

TARGET = Path(__file__).resolve().parent.parent / "docs" / "tables.md"

_HEAD = """# Tables

Every table of the warehouse, as [schemas/tables.py](../schemas/tables.py) declares it; `make docs` writes this page.
All are Delta tables, each a folder of its name in the warehouse, or a table of its schema. Times are UTC.

- A **source** is written by `ingest` and by people's decisions; a cleaning run reads it at a pinned version.
- A **fact** is what a run found, in its own slice (job, run date), which a rerun replaces.
- A **state** is what holds now, one row a key, written whole by every publication.
- A **log** is appended only.
- A **cache** is computed from a source alone. Its rows may be deleted and are then computed again; no publication
  contains it.
- A **history** is what backfills found, in slices of a backfill and a date; no publication contains it.

[Metrics](#metrics) lists the figures of `quality_metrics`, [Reasons](#reasons) the reasons of `flagged_items`.

The tables of one moment are those at the versions that a row of `runs` names in `published_versions`.
"""

_REASONS = """## Reasons

Why a listing is in `flagged_items`, as [schemas/reasons.py](../schemas/reasons.py) declares it. The priority of an item
of the category queue is the probability of a wrong category; of any other item it is its highest severity. The metric
of a reason is `flagged_share` with dimension `reason`. A reason that is not computed yet is never raised and has no
metric.

| reason | queue | severity | computed | raised when |
|---|---|---|---|---|
"""


def render() -> str:
    """The page as Markdown."""
    contents = "\n".join(f"| [{table.name}](#{table.name}) | {table.kind} | {table.row} |" for table in TABLES.values())
    index = f"| table | kind | one row is |\n|---|---|---|\n{contents}\n"
    return "\n".join([_HEAD, index, *(_section(table) for table in TABLES.values()), _metrics(), _reasons()])


def _reasons() -> str:
    return _REASONS + "".join(
        f"| {r.value} | {r.queue.value} | {r.severity or ''} | {'yes' if r in RULES else 'no'} | {r.meaning} |\n"
        for r in Reason
    )


def _section(table: Table) -> str:
    notes = [f"One row is {table.row}.", f"Key: {_names(table.key)}."]
    if table.partition:
        notes.append(f"Partitioned by {_names(table.partition)}.")
    lines = [f"## {table.name}", "", " ".join(notes), "", "| column | type | meaning |", "|---|---|---|"]
    lines += [f"| {c.name} | `{c.type}` | {c.meaning.replace('|', chr(92) + '|')} |" for c in table.columns]
    return "\n".join(lines) + "\n"


def _metrics() -> str:
    lines = [
        "## Metrics",
        "",
        "The figures of `quality_metrics`, as [schemas/metrics.py](../schemas/metrics.py) declares them. Only figures",
        "of the audit, of decisions and of evidence have an interval: a count of the whole catalogue has no sampling",
        "error, and the model cannot say how wrong its own estimate is. [Figures and what they are",
        "worth](metrics.md) explains the audit, [How far to trust the classifier](trust.md) the evidence.",
        "",
        "| metric | source | unit | meaning | numerator | denominator | split by |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {m.name} | {', '.join(m.sources)} | {m.unit} | {m.meaning} | {m.numerator} | {m.denominator or ''} | "
        f"{', '.join(m.dimensions)} |"
        for m in METRICS.values()
    ]
    return "\n".join(lines) + "\n"


def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(f"`{column}`" for column in columns)


def main() -> int:
    """Write the page; returns the exit code."""
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(render(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
