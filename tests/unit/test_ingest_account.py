from __future__ import annotations

import itertools

import numpy as np
import pytest

from jobs.ingestion.groups import connect
from jobs.ingestion.steps.versions import Account, Outcome
from schemas.errors import FailedError


def test_the_account_adds_up_by_outcome() -> None:
    account = Account(
        12, {"inserted": 1, "updated": 2, "returned": 1, "superseded": 2, "conflicting": 1, "unchanged": 5}
    )
    assert account.counts() == {
        "rows_in": 12,
        "rows_current": 4,
        "rows_superseded": 3,
        "rows_unchanged": 5,
        "rows_quarantined": 0,
        "inserted": 1,
        "updated": 2,
        "returned": 1,
        "conflicting": 1,
    }
    assert Account(12, {}).of(Outcome.INSERTED) == 0


@pytest.mark.parametrize("rows_in", [2, 4])
def test_lost_or_doubled_rows_stop_the_run(rows_in: int) -> None:
    with pytest.raises(FailedError, match="3 are accounted for"):
        Account(rows_in, {"inserted": 1, "quarantined": 2}).counts()


def test_keys_are_connected_over_any_number_of_bridges_in_any_order() -> None:
    chain = [(7, -3), (-3, 12), (12, 5), (40, 41)]
    expected = {-3: -3, 5: -3, 7: -3, 12: -3, 40: 40, 41: 40}
    for order in itertools.permutations(chain):
        a, b = (np.array(end, np.int64) for end in zip(*order, strict=True))
        keys, roots = connect(a, b)
        assert dict(zip(keys.tolist(), roots.tolist(), strict=True)) == expected


def test_nothing_to_connect() -> None:
    none = np.zeros(0, np.int64)
    keys, roots = connect(none, none)
    assert (keys.size, roots.size) == (0, 0)
