"""Writes the work list as CSV, Parquet, Excel or HTML, and reads an Excel workbook with answers."""

from __future__ import annotations

import base64
import datetime as dt
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import resources
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
from jinja2 import Environment
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet
from openpyxl.worksheet.datavalidation import DataValidation

from jobs.reviewing.csv_files import ENCODING, write_rows
from jobs.reviewing.work_list import ANSWER_COLUMNS, COLUMNS, Value, WorkListRow
from schemas.decisions import Decision
from schemas.errors import UsageError

Rows = Iterable[WorkListRow]
Writer = Callable[[Path, Rows, Mapping[str, bytes]], int]
"""Writes rows to a new file and returns their number; it gets pictures by listing_id, as JPEG."""
WORKBOOK = ".xlsx"
_NUMBERS = ("price", "priority")
_LONGEST = 32_767
"""Characters that a cell of Excel can hold."""
_WIDE, _USUAL = 48, 16
_BATCH = 10_000


def write_csv(file: Path, rows: Rows, _pictures: Mapping[str, bytes]) -> int:
    """Write CSV that is safe to open in a spreadsheet."""
    with file.open("w", encoding=ENCODING, newline="") as out:
        return write_rows(out, COLUMNS, (row.values() for row in rows))


def write_parquet(file: Path, rows: Rows, _pictures: Mapping[str, bytes]) -> int:
    """Write Parquet."""
    schema = pa.schema([(name, pa.float64() if name in _NUMBERS else pa.string()) for name in COLUMNS])
    count = 0
    with pq.ParquetWriter(file, schema) as writer:
        remaining = iter(rows)
        while batch := list(itertools.islice(remaining, _BATCH)):
            values = zip(*(row.values() for row in batch), strict=True)
            arrays = [pa.array(column, field.type) for column, field in zip(values, schema, strict=True)]
            writer.write_table(pa.table(arrays, schema=schema))
            count += len(batch)
    return count


def write_workbook(file: Path, rows: Rows, _pictures: Mapping[str, bytes]) -> int:
    """Write an Excel workbook; the columns for answers are coloured, and a list offers the decisions."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("work list")
    sheet.freeze_panes = "C2"
    for place, name in enumerate(COLUMNS, 1):
        wide = name in ("title", "description", "why", "suggestions", "note")
        sheet.column_dimensions[get_column_letter(place)].width = _WIDE if wide else _USUAL
    sheet.append([_header(sheet, name) for name in COLUMNS])
    count = 0
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row.values()])
        count += 1
    letter = get_column_letter(COLUMNS.index("decision") + 1)
    choice = DataValidation("list", formula1=f'"{",".join(each.value for each in Decision)}"', allow_blank=True)
    choice.add(f"{letter}2:{letter}{count + 1}")
    sheet.data_validations.append(choice)
    book.save(file)
    return count


def write_html(file: Path, rows: Rows, pictures: Mapping[str, bytes]) -> int:
    """Write one HTML page that needs no other file: the pictures are inside."""
    text = resources.files("jobs.reviewing").joinpath("templates/work_list.html.j2").read_text(encoding="utf-8")
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(text)
    count = itertools.count()

    def shown() -> Iterator[tuple[WorkListRow, str | None]]:
        for row in rows:
            next(count)
            picture = pictures.get(row.listing_id)
            yield row, None if picture is None else base64.b64encode(picture).decode("ascii")

    with file.open("w", encoding="utf-8") as out:
        out.writelines(template.generate(rows=shown()))
    return next(count)


WRITERS: Mapping[str, Writer] = {
    ".csv": write_csv,
    ".parquet": write_parquet,
    WORKBOOK: write_workbook,
    ".html": write_html,
}
"""Extension -> what writes the file."""


def read_workbook(file: Path) -> Iterator[dict[str, str | None]]:
    """The rows of the first sheet of an Excel workbook, as text; rows without any value are left out.

    A date is read as a time in UTC, a whole number without a fraction. Formulas count with their last result.

    Args:
        file: a local file.

    Raises:
        UsageError: it cannot be read, or two columns have the same name.
    """
    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    except Exception as error:  # zipfile, XML and openpyxl raise many types
        raise UsageError(f"{file} cannot be read as an Excel workbook ({error}): save it again as .xlsx.") from error
    try:
        rows = book.worksheets[0].iter_rows(values_only=True)
        names = ["" if value is None else str(value).strip() for value in next(rows, ())]
        if twice := sorted({name for name in names if name and names.count(name) > 1}):
            raise UsageError(f"{file} has two columns {twice[0]!r} in its first sheet: rename or delete one of them.")
        for row in rows:
            values = {name: _text(value) for name, value in itertools.zip_longest(names, row) if name}
            if any(value is not None for value in values.values()):
                yield values
    finally:
        book.close()


def _header(sheet: WriteOnlyWorksheet, name: str) -> Cell:
    cell = WriteOnlyCell(sheet, name)
    cell.font = Font(bold=True)
    if name in ANSWER_COLUMNS:
        cell.fill = PatternFill("solid", fgColor="FFF2CC")
    return cell


def _cell(sheet: WriteOnlyWorksheet, value: Value) -> Cell | float | None:
    """A cell that is text and never a formula; characters that Excel does not allow are left out."""
    if not isinstance(value, str):
        return value
    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value)[:_LONGEST])
    cell.data_type = "s"
    return cell


def _text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=dt.UTC).isoformat()
    if isinstance(value, dt.date):
        return f"{value.isoformat()}T00:00:00+00:00"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
