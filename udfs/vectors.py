"""Read the vectors of pictures that the table features keeps."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from schemas.tensors import VectorBatch


def read_vectors(column: pa.Array) -> VectorBatch:
    """Decode a column of vectors (float16, little-endian); a null is a listing without a usable picture."""
    present, stored = np.asarray(column.is_valid()), column.drop_null().to_pylist()
    values = np.zeros((len(column), len(stored[0]) // 2 if stored else 0), np.float16)
    if stored:
        values[present] = np.frombuffer(b"".join(stored), "<f2").reshape(len(stored), -1)
    return VectorBatch(values, present)
