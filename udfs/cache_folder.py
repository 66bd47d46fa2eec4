"""Where `make setup` stores what it downloads and builds. Standard library only, as it is used first."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """`catalog-cleaner` in XDG_CACHE_HOME; in `~/.cache` if that variable is unset or empty."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "catalog-cleaner"


def class_archive(environment: Path) -> Path:
    """The archive of Spark's loaded classes; without it, a session starts seconds later.

    It belongs to an environment, because Java uses it only with exactly the jars of which it was made.
    """
    return environment / "spark-classes.jsa"
