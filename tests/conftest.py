"""How `pytest --numprocesses` divides the tests: those that share expensive fixtures run in one process."""

from __future__ import annotations

import pytest
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

_END_TO_END = "tests/end_to_end/"
_ALONE = (f"{_END_TO_END}test_bare_catalogues.py", f"{_END_TO_END}test_readme.py")
"""Their models are their own."""


class SharingScheduler(LoadFileScheduling):  # type: ignore[misc]
    """File by file, but the end-to-end tests together, because they share a trained model.

    The marks of `--dist loadgroup` would say the same, but pytest-xdist 3.8 cannot read them under pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        shares_model = nodeid.startswith(_END_TO_END) and not nodeid.startswith(_ALONE)
        return _END_TO_END if shares_model else str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> SharingScheduler:
    """The scheduler of this run."""
    return SharingScheduler(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest groups start first; the other process runs the remaining tests meanwhile."""
    items.sort(key=lambda item: not item.nodeid.startswith(_END_TO_END))
