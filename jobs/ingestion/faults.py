"""What is wrong with a file about categories, in the words of a message."""

from __future__ import annotations

from collections.abc import Sequence

_MAX_FAULTS = 50


def list_faults(faults: Sequence[str]) -> str:
    """The faults of a file for a message, one per line; of many, the first."""
    more = [f"and {len(faults) - _MAX_FAULTS} more"] if len(faults) > _MAX_FAULTS else []
    return "\n".join(f"  - {fault}" for fault in (*faults[:_MAX_FAULTS], *more))
