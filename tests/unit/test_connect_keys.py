"""Connected components of listings that share keys."""

from __future__ import annotations

import itertools

import numpy as np

from jobs.warehouse.components import connect


def test_keys_are_connected_over_any_number_of_links_in_any_order() -> None:
    chain = [(7, -3), (-3, 12), (12, 5), (40, 41)]
    expected = {-3: -3, 5: -3, 7: -3, 12: -3, 40: 40, 41: 40}
    for order in itertools.permutations(chain):
        a, b = (np.array(end, np.int64) for end in zip(*order, strict=True))
        keys, roots = connect(a, b)
        assert dict(zip(keys.tolist(), roots.tolist(), strict=True)) == expected


def test_no_links_give_no_components() -> None:
    none = np.zeros(0, np.int64)
    keys, roots = connect(none, none)
    assert (keys.size, roots.size) == (0, 0)
