"""How MLflow behaves in this process: how long it waits, and what it prints."""

from __future__ import annotations

import logging
import os


def limit_waiting(seconds: int) -> None:
    """Divide the time that a server has for an answer among four attempts; MLflow pauses up to 15 s between them."""
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", str(max((seconds - 15) // 4, 1)))


def silence_mlflow() -> None:
    """Turn off MLflow's progress bars, migration logs and telemetry, and links to a server on standard output."""
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
