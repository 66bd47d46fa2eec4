"""Former categories of the taxonomy, and the categories that have taken their places."""

from __future__ import annotations

Successors = dict[str, str]
"""Former code -> code of the taxonomy. No former code is one of the taxonomy."""
