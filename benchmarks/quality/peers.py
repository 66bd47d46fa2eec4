"""Asks the peers, who live in an environment of their own."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.arrays import Floats, Ints

_SCRIPT = Path(__file__).with_name("cleanlab_filters.py")


def ask_peers(python: Path, work: Path, labels: Ints, probabilities: Floats) -> dict[str, NDArray[Any]]:
    """What cleanlab makes of labels and probabilities.

    Args:
        python: of the peers' environment.
        work: where the question and the answer are written down.
        labels: shape (n,).
        probabilities: shape (n, C), out of sample.

    Returns:
        By filter which labels it finds wrong, bool, shape (n,); and `label_quality`, 0 to 1, shape (n,).
    """
    question, answer = work / "probabilities.npz", work / "found.npz"
    np.savez(question, labels=labels, probabilities=probabilities)
    subprocess.run([str(python), str(_SCRIPT), str(question), str(answer)], check=True)
    with np.load(answer) as found:
        return {name: found[name] for name in found.files}
