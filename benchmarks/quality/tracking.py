"""The figures, curves and pictures in MLflow, a run for each time that they were measured."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mlflow

EXPERIMENT = "quality"
_FORBIDDEN = re.compile(r"[^\w\-. :/]")


def track(
    folder: Path, scenarios: Mapping[str, Mapping[str, Any]], whole: Mapping[str, Any], files: Sequence[Path]
) -> str:
    """Log a run into a store of its own; its id.

    Args:
        folder: of the store; `mlflow ui --backend-store-uri sqlite:///FOLDER/mlflow.db` shows it.
        scenarios: as `python -m benchmarks.quality` keeps them, by name.
        whole: as `benchmarks.quality.whole.measure_whole` gives it.
        files: the document and its pictures.
    """
    folder.mkdir(parents=True, exist_ok=True)
    client = mlflow.MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    known = client.get_experiment_by_name(EXPERIMENT)
    place = (folder / "artifacts").resolve().as_uri()
    experiment = known.experiment_id if known else client.create_experiment(EXPERIMENT, artifact_location=place)
    run = client.create_run(experiment).info.run_id
    for name, value in {**_of_scenarios(scenarios), **_of_whole(whole)}.items():
        client.log_metric(run, _FORBIDDEN.sub("", name), value)
    for system, left in whole["review"].items():
        for share, wrong in zip(whole["shares"], left, strict=True):
            client.log_metric(
                run, _FORBIDDEN.sub("", f"left by reviewed percent/{system}"), wrong, step=round(100 * share)
            )
    for step, (claimed, right) in enumerate(whole["reliability"]):
        client.log_metric(run, "reliability/claimed", claimed, step=step)
        client.log_metric(run, "reliability/right", right, step=step)
    for file in files:
        client.log_artifact(run, str(file))
    client.set_terminated(run)
    return str(run)


def _of_scenarios(scenarios: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for name, found in scenarios.items():
        figures |= {f"{name}/{key}": value for key, value in found["ours"].items() if value is not None}
        figures |= {f"{name}/{key}": found[key] for key in ("one_pass", "no_sellers", "classifier")}
        figures |= {f"{name}/cleanlab {key}": value for key, value in found["peers"].items()}
    return figures


def _of_whole(whole: Mapping[str, Any]) -> dict[str, float]:
    figures = {f"whole/seconds {stage}": float(seconds) for stage, seconds in whole["seconds"].items()}
    figures |= {f"whole/wrong {what}": wrong for what, wrong, _ in whole["rows"]}
    figures |= {f"whole/wrong {what}": best for what, _, best in whole["branches"]}
    for what, seconds, right, wrong in whole["minutes"]:
        figures |= {f"whole/seconds {what}": seconds, f"whole/right {what}": right, f"whole/wrong {what}": wrong}
    for what, right, wrong, undone in whole["leak"]:
        figures |= {f"leak/right {what}": right, f"leak/wrong {what}": wrong, f"leak/canaries undone {what}": undone}
    return figures | {"whole/precision": whole["precision"]}
