"""Logs the metrics, curves and charts to MLflow, one run per measurement."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mlflow

EXPERIMENT = "quality"
_FORBIDDEN = re.compile(r"[^\w\-. :/]")


def log_to_mlflow(
    folder: Path, scenarios: Mapping[str, Mapping[str, Any]], full: Mapping[str, Any], files: Sequence[Path]
) -> str:
    """Log a run to a separate store; returns the run id.

    Args:
        folder: the folder of the store; `mlflow ui --backend-store-uri sqlite:///FOLDER/mlflow.db` shows it.
        scenarios: the kept results of `python -m benchmarks.quality`, by name.
        full: the result of `benchmarks.quality.full_catalogue.measure_full_catalogue`.
        files: the report and its charts.
    """
    folder.mkdir(parents=True, exist_ok=True)
    client = mlflow.MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    known = client.get_experiment_by_name(EXPERIMENT)
    location = (folder / "artifacts").resolve().as_uri()
    experiment = known.experiment_id if known else client.create_experiment(EXPERIMENT, artifact_location=location)
    run = client.create_run(experiment).info.run_id
    for name, value in {**_scenario_metrics(scenarios), **_full_metrics(full)}.items():
        client.log_metric(run, _FORBIDDEN.sub("", name), value)
    for system, left in full["review"].items():
        for share, wrong in zip(full["shares"], left, strict=True):
            client.log_metric(
                run, _FORBIDDEN.sub("", f"left by reviewed percent/{system}"), wrong, step=round(100 * share)
            )
    for step, (claimed, right) in enumerate(full["reliability"]):
        client.log_metric(run, "reliability/claimed", claimed, step=step)
        client.log_metric(run, "reliability/right", right, step=step)
    for file in files:
        client.log_artifact(run, str(file))
    client.set_terminated(run)
    return str(run)


def _scenario_metrics(scenarios: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for name, found in scenarios.items():
        metrics |= {f"{name}/{key}": value for key, value in found["ours"].items() if value is not None}
        metrics |= {f"{name}/{key}": found[key] for key in ("one_pass", "no_sellers", "classifier")}
        metrics |= {f"{name}/cleanlab {key}": value for key, value in found["peers"].items()}
    return metrics


def _full_metrics(full: Mapping[str, Any]) -> dict[str, float]:
    metrics = {f"whole/seconds {stage}": float(seconds) for stage, seconds in full["seconds"].items()}
    metrics |= {f"whole/wrong {what}": wrong for what, wrong, _ in full["rows"]}
    metrics |= {f"whole/wrong {what}": best for what, _, best in full["branches"]}
    for what, seconds, right, wrong in full["minutes"]:
        metrics |= {f"whole/seconds {what}": seconds, f"whole/right {what}": right, f"whole/wrong {what}": wrong}
    for what, right, wrong, undone in full["leak"]:
        metrics |= {f"leak/right {what}": right, f"leak/wrong {what}": wrong, f"leak/canaries undone {what}": undone}
    return metrics | {"whole/precision": full["precision"]}
