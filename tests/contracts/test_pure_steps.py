"""The pure steps are pure: data frames in, data frames out, with no action, no session and no clock."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STEPS = sorted((ROOT / "jobs").glob("*/steps/*.py"))
_ACTIONS = {"collect", "count", "first", "foreach", "foreachPartition", "head", "isEmpty", "show", "tail", "take"}
_ACTIONS |= {"toArrow", "toLocalIterator", "toPandas"}
_STATE = {"cache", "checkpoint", "localCheckpoint", "persist", "unpersist", "createOrReplaceTempView"}
_IO = {"createDataFrame", "open", "read", "readStream", "sparkSession", "sql", "table", "write", "writeTo"}
_CLOCK = {"current_date", "current_timestamp", "now", "today", "utcnow", "localtimestamp", "rand", "randn"}
_MODULES = {"io", "os", "pathlib", "random", "shutil", "subprocess", "tempfile", "time", "delta"}


def breaches(source: str) -> list[str]:
    """The lines of a step that break a rule.

    `F.count` and `F.first` are aggregates and fine. `frame.count()` is an action, and `groupBy().count()` only looks
    like one, so a step counts groups with `agg(F.count(...))`.
    """
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            of_functions = isinstance(node.value, ast.Name) and node.value.id == "F"
            forbidden = _STATE | _IO | _CLOCK | (set() if of_functions else _ACTIONS)
            names = [node.attr] if node.attr in forbidden else []
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            names = [node.func.id] if node.func.id == "open" else []
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.partition(".")[0] in _MODULES]
        elif isinstance(node, ast.ImportFrom):
            module = (node.module or "").partition(".")[0]
            names = [a.name for a in node.names if module in _MODULES or a.name == "SparkSession"]
        else:
            continue
        found.extend(f"line {node.lineno}: {name}" for name in names)
    return found


@pytest.mark.parametrize("path", STEPS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_step_is_pure(path: Path) -> None:
    assert breaches(path.read_text()) == []


def test_every_folder_of_steps_is_checked() -> None:
    folders = {path.parent.parent.name for path in STEPS}
    assert folders == {"backfilling", "cleaning", "features", "ingestion", "timeline"}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("rows = frame.groupBy('a').agg(F.count('b')).collect()", "collect"),
        ("n = frame.where('x').count()", "count"),
        ("n = frame.groupBy('a').count()", "count"),
        ("row = frame.first()", "first"),
        ("rows = list(map(DataFrame.collect, frames))", "collect"),
        ("frame = frame.persist()", "persist"),
        ("frame.write.save('x')", "write"),
        ("spark = frame.sparkSession", "sparkSession"),
        ("from pyspark.sql import DataFrame, SparkSession", "SparkSession"),
        ("now = dt.datetime.now(dt.UTC)", "now"),
        ("day = F.current_date()", "current_date"),
        ("import time", "time"),
        ("text = open('x').read()", "open"),
    ],
)
def test_a_violation_is_found(source: str, found: str) -> None:
    assert f"line 1: {found}" in breaches(source)


def test_lazy_operations_are_allowed() -> None:
    source = "frame.groupBy('a').agg(F.count(F.lit(1)), F.first('b'), F.collect_set('c')).where(casts.time(x, t))"
    assert breaches(source) == []
