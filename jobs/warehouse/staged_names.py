"""The names under which temporary tables are stored outside of local folders: each is used once.

Delta's log store with DynamoDB remembers the commits of a table that has been removed, and refuses a new table in its
place. A temporary table often has the name of an earlier one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from secrets import token_hex

from jobs.warehouse.sql import safe_name

_ENDING = re.compile(r"__[0-9a-f]{8}\Z")


def stored_name(name: str, stored: Iterable[str]) -> str:
    """The stored name of a temporary table; one that has not been used yet if no stored name is its."""
    safe = safe_name(name)
    return next((each for each in stored if plain_name(each) == safe), f"{safe}__{token_hex(4)}")


def plain_name(stored: str) -> str:
    """The name of a temporary table without the ending that `stored_name` has added, if there is one."""
    return _ENDING.sub("", stored)
