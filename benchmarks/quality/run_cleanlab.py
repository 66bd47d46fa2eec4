"""Runs cleanlab in its own environment."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.arrays import Floats, Ints

_SCRIPT = Path(__file__).with_name("cleanlab_filters.py")


def run_cleanlab(python: Path, work: Path, labels: Ints, probabilities: Floats) -> dict[str, NDArray[Any]]:
    """Run all cleanlab filters on labels and probabilities.

    Args:
        python: the Python of the environment with cleanlab.
        work: folder for the input and output files.
        labels: shape (n,).
        probabilities: shape (n, C), out of sample.

    Returns:
        For each filter the labels that it finds wrong, bool, shape (n,); and `label_quality`, 0 to 1, shape (n,).
    """
    source, target = work / "probabilities.npz", work / "found.npz"
    np.savez(source, labels=labels, probabilities=probabilities)
    subprocess.run([str(python), str(_SCRIPT), str(source), str(target)], check=True)
    with np.load(target) as found:
        return {name: found[name] for name in found.files}
