"""Shows the regret of rules for trusting the classifier, by world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.quality.worlds import World

_DIRTIER = 5e-4
"""A smaller difference does not count as dirtier."""
OURS, TRUE_SHARE, KEEP, CLASSIFIER = "all evidence", "the true share", "keep every label", "classifier"
"""Names of rules."""

Found = Mapping[str, Any]
"""The result of `benchmarks.quality.world_regret.measure_world`."""


def summary(found: Found) -> str:
    """One line about a world."""
    rules = {name: float(np.mean([best for best, _ in left])) for name, left in found["rules"].items()}
    parts = [f"{found['before']:.3f} wrong", f"estimate {found['share']:.3f}", f"scale {found['scale']:.2f}"]
    parts += [f"{name} {left:.3f}" for name, left in {"least": found["least"], **rules}.items()]
    return ", ".join(parts)


def regret_table(title: str, results: Sequence[tuple[World, Found]]) -> Table:
    """The rows of `regret_rows`, for the terminal."""
    head, rows = regret_rows(results)
    table = Table(*head, title=title)
    for row in rows:
        table.add_row(*row)
    return table


def regret_rows(
    results: Sequence[tuple[World, Found]], rules: Sequence[str] | None = None
) -> tuple[list[str], list[list[str]]]:
    """Mean and largest regret in points by rule and group of worlds; and how many worlds a rule makes dirtier.

    Args:
        results: of `measure_worlds`.
        rules: their names; None: all.

    Returns:
        The names of the columns, and a row for each rule.
    """
    groups = sorted({_group(world) for world, _ in results})
    head = ["rule", *(f"{source} {rows:,}" for source, rows in groups), "dirtier", "corrections dirtier"]
    table = []
    for rule in rules or list(dict.fromkeys(name for _, found in results for name in found["rules"])):
        cells = []
        for group in groups:
            measured = [found for world, found in results if _group(world) == group and rule in found["rules"]]
            regrets = [regret_of(found, rule) for found in measured]
            cells.append(f"{np.mean(regrets):.1f} ({max(regrets):.1f})" if regrets else "")
        large = [found for world, found in results if world.listings >= 1000 and rule in found["rules"]]
        after = [np.array(each["rules"][rule]).mean(axis=0) - each["before"] > _DIRTIER for each in large]
        counts = np.array(after).reshape(-1, 2).sum(axis=0).tolist()
        table.append([rule, *cells, *(f"{count} of {len(large)}" for count in counts)])
    return head, table


def regret_of(found: Found, rule: str) -> float:
    """The regret of a rule in percentage points."""
    return 100.0 * float(np.mean([best for best, _ in found["rules"][rule]]) - found["least"])


def _group(world: World) -> tuple[str, int]:
    kind = " with pictures" if world.pictures else " at mixed depths" if world.ancestors else ""
    return f"{world.source}{kind}", world.listings
