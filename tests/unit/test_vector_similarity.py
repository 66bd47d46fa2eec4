from __future__ import annotations

import numpy as np
import pytest

from udfs.vector_similarity import cosines


def vector(*values: float) -> bytes:
    return np.array(values, "<f2").tobytes()


def test_the_cosine_does_not_depend_on_the_length() -> None:
    a = [vector(1, 0), vector(1, 1), vector(3, 4)]
    b = [vector(5, 0), vector(1, 0), vector(-3, -4)]
    assert cosines(a, b) == pytest.approx([1.0, 2**-0.5, -1.0])


def test_a_missing_or_empty_vector_has_no_cosine() -> None:
    got = cosines([None, vector(1, 2), vector(0, 0), vector(1, 2)], [vector(1, 2), None, vector(1, 2), vector(2, 4)])
    assert np.isnan(got).tolist() == [True, True, True, False]
    assert cosines([], []).tolist() == []
