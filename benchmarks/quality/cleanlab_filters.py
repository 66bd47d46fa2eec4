"""Runs cleanlab's filters in a separate environment: `python cleanlab_filters.py IN.npz OUT.npz`.

IN contains `labels`, shape (n,), and out-of-sample `probabilities`, shape (n, C). OUT contains one bool array of shape
(n,) per filter, true for labels that it finds wrong, and `label_quality`, cleanlab's score of each label. A catalogue
is cleaned with a filter by replacing each label that it finds wrong by the classifier's category.
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
    """Apply all filters with their defaults."""
    # This warning appears for every small class.
    warnings.filterwarnings("ignore", message="May not flag all label issues")
    with np.load(source) as stored:
        labels, probabilities = stored["labels"], stored["probabilities"]
    # Classes must be numbered without gaps: classes that no label uses are dropped, and rows are normalised again.
    given, codes = np.unique(labels, return_inverse=True)
    known = probabilities[:, given]
    known = known / known.sum(axis=1, keepdims=True)
    found = {
        name: np.asarray(find_label_issues(codes, known, filter_by=name, n_jobs=1), dtype=np.bool_) for name in _FILTERS
    }
    np.savez(target, label_quality=get_label_quality_scores(codes, known), **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
