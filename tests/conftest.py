"""Tests that share expensive fixtures run in one process; `pytest --numprocesses` starts several."""

from __future__ import annotations

import pytest

_SHARED = {"trained", "published", "workspace"}
"""Session fixtures of the end-to-end tests: a catalogue, and the model learnt from it."""


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group the tests for `--dist loadgroup`: those on the trained model together, the others by file."""
    for item in items:
        shares = not _SHARED.isdisjoint(getattr(item, "fixturenames", ()))
        item.add_marker(pytest.mark.xdist_group("trained" if shares else item.path.stem))
    # The longest group starts first; the other process runs the remaining tests meanwhile.
    items.sort(key=lambda item: "end_to_end" not in item.path.parts)
