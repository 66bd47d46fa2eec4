"""The stored warehouses of earlier versions; see tests/data/README.md."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

_ARCHIVE = Path(__file__).parent / "data" / "warehouse_0_1.tar.xz"


def unpack_earlier_warehouse(target: Path) -> Path:
    """Unpack the warehouse that version 0.1 wrote.

    Its files are as new, since Delta removes versions whose files are older than a month.

    Returns:
        The warehouse's folder in `target`.
    """
    with tarfile.open(_ARCHIVE) as archive:
        archive.extractall(target, filter="data")
    for path in (target / "warehouse").rglob("*"):
        path.touch()
    return target / "warehouse"


def stored_columns() -> dict[str, set[str]]:
    """Table -> names of the columns that it has in the warehouse that version 0.1 wrote."""
    columns: dict[str, set[str]] = {}
    with tarfile.open(_ARCHIVE) as archive:
        for member in archive.getmembers():
            if member.name.endswith("_delta_log/00000000000000000000.json"):
                log = archive.extractfile(member)
                assert log is not None
                actions = [json.loads(line) for line in log.read().splitlines()]
                (schema,) = (action["metaData"]["schemaString"] for action in actions if "metaData" in action)
                columns[member.name.split("/")[1]] = {field["name"] for field in json.loads(schema)["fields"]}
    return columns
