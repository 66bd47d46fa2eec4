"""cleanlab's filters, in an environment of their own: `python cleanlab_filters.py IN.npz OUT.npz`.

IN holds `labels`, shape (n,), and `probabilities`, shape (n, C), out of sample; OUT holds, by filter, which labels it
finds wrong, bool, shape (n,), and `label_quality`, its score of each label. What a catalogue becomes with a filter: the
classifier's category in the place of each label that is found wrong.
"""

from __future__ import annotations

import sys
import warnings

import numpy as np
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores

_FILTERS = (
    "prune_by_class",
    "prune_by_noise_rate",
    "both",
    "confident_learning",
    "predicted_neq_given",
    "low_normalized_margin",
    "low_self_confidence",
)


def main(source: str, target: str) -> None:
    """Apply every filter with its defaults."""
    # It says so once for every small class, and does its best.
    warnings.filterwarnings("ignore", message="May not flag all label issues")
    with np.load(source) as stored:
        labels, probabilities = stored["labels"], stored["probabilities"]
    # Classes must be numbered without gaps: those that nobody has given are left out, their mass spread.
    given, codes = np.unique(labels, return_inverse=True)
    known = probabilities[:, given]
    known = known / known.sum(axis=1, keepdims=True)
    found = {
        name: np.asarray(find_label_issues(codes, known, filter_by=name, n_jobs=1), dtype=np.bool_) for name in _FILTERS
    }
    np.savez(target, label_quality=get_label_quality_scores(codes, known), **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
