"""Lets days pass for a local warehouse: its files and its log become older, because Delta's clock cannot be set."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.warehouse.forgetting import clear_log_cache
from jobs.warehouse.tables import Warehouse

_TIMES = re.compile(r'"(deletionTimestamp|timestamp|modificationTime|createdTime)":(\d+)')
_DAY = 86_400


def pass_days(warehouse: Warehouse, days: float) -> None:
    """Make all tables of a warehouse in a local folder older. The values in their rows stay as they are."""
    assert warehouse.folder is not None
    for log in warehouse.folder.glob("*/_delta_log"):
        for checksum in list(log.glob("*.crc")):
            checksum.unlink()
        files = [file for file in log.parent.rglob("*") if file.is_file()]
        times = {file: file.stat().st_mtime for file in files}
        for entry in log.glob("*.json"):
            older = _TIMES.sub(
                lambda found: f'"{found[1]}":{int(found[2]) - int(days * _DAY * 1000)}', entry.read_text()
            )
            entry.write_text(older)
        for checkpoint in log.glob("*.checkpoint*.parquet"):
            _age_checkpoint(checkpoint, int(days * _DAY * 1000))
        for file, written in times.items():
            os.utime(file, (written - days * _DAY,) * 2)
    clear_log_cache(warehouse.spark)


def _age_checkpoint(file: Path, millis: int) -> None:
    """Make the removals in a checkpoint older, which Delta forgets by their time, and the table itself."""
    table = pq.read_table(file)
    for action, time in (("remove", "deletionTimestamp"), ("metaData", "createdTime")):
        place = table.schema.get_field_index(action)
        found = table.column(place).combine_chunks()
        fields = list(found.type)
        values = [
            pc.subtract(found.field(i), millis) if each.name == time else found.field(i)
            for i, each in enumerate(fields)
        ]
        older = pa.StructArray.from_arrays(values, fields=fields, mask=found.is_null())
        table = table.set_column(place, table.schema.field(place), older)
    pq.write_table(table, file)
