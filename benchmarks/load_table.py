"""Shows the results of `benchmarks.load` side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from benchmarks.memory import Part

_PARTS = {Part.DRIVER: "driver", Part.JVM: "JVM", Part.WORKERS: "largest worker", Part.RANKS: "largest rank"}


def load_table(loads: Sequence[Mapping[str, Any]]) -> Table:
    """A table with one row per figure of a stage, and one column per catalogue.

    Args:
        loads: the `details` of the results.
    """
    # Results from before heaps were chosen name none.
    loads = sorted(loads, key=lambda load: (load["pictures"], load["skewed"], load["listings"], load.get("heap") or ""))
    table = Table(title="load: peak memory in MiB, size in MiB, seconds", title_justify="left", box=None)
    table.add_column("stage")
    table.add_column("figure")
    for load in loads:
        kinds = [kind for kind in ("pictures", "skewed") if load[kind]]
        heap = [f"heap {load['heap']}"] if load.get("heap") else []
        table.add_column("\n".join([f"{load['listings']:,}", *kinds, *heap]), justify="right")
    names = {stage: None for load in reversed(loads) for stage in load["stages"]}
    for stage in names:
        for figure, values in _figures([load["stages"].get(stage) for load in loads]).items():
            table.add_row(stage, figure, *("" if value is None else f"{value:,.0f}" for value in values))
    return table


def _figures(stages: Sequence[Mapping[str, Any] | None]) -> dict[str, list[float | None]]:
    """Name of a figure -> its value in each catalogue; None where it was not measured."""
    found = {"seconds": [None if stage is None else float(stage["seconds"]) for stage in stages]}
    for part, name in _PARTS.items():
        found[name] = _peaks(stages, part, "private")
        found[f"{name}, with mapped files"] = _peaks(stages, part, "largest")
    found["all processes"] = _peaks(stages, "all", "total")
    working = [None if stage is None else stage.get("working_files_mib") for stage in stages]
    found["working files"] = [size or None for size in working]
    found["on disk"] = [None if stage is None else float(sum(stage["disk_mib"].values())) for stage in stages]
    return {name: values for name, values in found.items() if any(value is not None for value in values)}


def _peaks(stages: Sequence[Mapping[str, Any] | None], part: str, key: str) -> list[float | None]:
    peaks = [{} if stage is None else stage.get("memory_mib", {}).get(part, {}) for stage in stages]
    return [peak.get(key) for peak in peaks]
