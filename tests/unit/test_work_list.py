"""The work list as a file: what it shows, that no spreadsheet runs it, and that its answers come back."""

from __future__ import annotations

import csv
import datetime as dt
import re
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest
from openpyxl.cell import WriteOnlyCell

from jobs.reviewing.csv_files import guarded
from jobs.reviewing.shapes import Likely
from jobs.reviewing.work_list import ANSWER_COLUMNS, COLUMNS, WorkListRow, work_list_rows
from jobs.reviewing.work_list_export import check_target
from jobs.reviewing.work_list_files import WRITERS, read_workbook
from schemas.errors import UsageError
from tests.review_samples import category_item, jpeg, other_items

LABELS = {"boots": "Boots", "sneakers": "Sneakers", "sandals": "Sandals"}
ATTACKS = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1)", "\t=1", "<script>alert(1)</script>"]


@pytest.fixture(scope="module")
def rows() -> list[WorkListRow]:
    return list(work_list_rows([category_item(1), *other_items()], LABELS))


def by_listing(rows: list[WorkListRow], listing_id: str) -> list[WorkListRow]:
    return [row for row in rows if row.listing_id == listing_id]


def test_a_row_shows_what_is_asked_and_leaves_the_answer_empty(rows: list[WorkListRow]) -> None:
    [row] = by_listing(rows, "L0001")
    assert (row.asks, row.seller_category, row.suggested_category) == ("wrong_category", "sandals", "boots")
    assert row.suggestions == "boots (Boots) 81%, sneakers (Sneakers) 12%, sandals (Sandals) 5%"
    assert row.why is not None
    assert "leather" in row.why
    assert (row.content_hash, row.purpose, row.reason) == ("content-1", "work", None)
    assert [getattr(row, name) for name in ANSWER_COLUMNS] == [None] * len(ANSWER_COLUMNS)


def test_the_audit_sample_is_blind(rows: list[WorkListRow]) -> None:
    [row] = by_listing(rows, "L0901")
    assert row.purpose == "audit"
    hidden = ("seller_category", "suggested_category", "suggestions", "why", "seller_id", "priority")
    assert {name: getattr(row, name) for name in hidden} == dict.fromkeys(hidden)


def test_each_question_of_a_listing_is_a_row_of_its_own(rows: list[WorkListRow]) -> None:
    about_category, about_title = by_listing(rows, "L0907")
    assert (about_category.reason, about_title.reason) == (None, "uninformative_title")
    assert about_category.judged_hash != about_title.judged_hash
    assert about_title.suggestions is None
    [price] = by_listing(rows, "L0902")
    assert price.usual_prices == "20.00 to 45.00, median 30.00"
    likely = Likely("used", 0.824)
    worn = category_item(1, reasons=["wrong_category", "condition_mismatch"], condition="new", likely_condition=likely)
    shown = {row.reason: row.likely_condition for row in work_list_rows([worn], LABELS)}
    assert shown == {None: None, "condition_mismatch": "used 82%"}
    [double] = by_listing(rows, "L0904")
    assert double.duplicate_of == "B1"


@pytest.mark.parametrize("extension", [".csv", ".parquet", ".xlsx"])
def test_a_file_holds_every_value(tmp_path: Path, rows: list[WorkListRow], extension: str) -> None:
    file = tmp_path / f"list{extension}"
    assert WRITERS[extension](file, rows, {}) == len(rows)
    expected: list[tuple[object, ...]] = [COLUMNS, *(row.values() for row in rows)]
    found: list[tuple[object, ...]]
    if extension == ".csv":
        with file.open(encoding="utf-8-sig", newline="") as opened:
            found = [tuple(row) for row in csv.reader(opened)]
        expected = [tuple("" if value is None else str(value) for value in row) for row in expected]
    elif extension == ".parquet":
        table = pq.read_table(file)
        found = [tuple(table.column_names), *(tuple(row.values()) for row in table.to_pylist())]
    else:
        found = [tuple(row) for row in openpyxl.load_workbook(file).worksheets[0].values]
    assert found == expected


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_spreadsheet_takes_a_title_for_a_formula(tmp_path: Path, attack: str) -> None:
    attacked = list(work_list_rows([category_item(1, title=attack, description=attack)], LABELS))
    WRITERS[".csv"](tmp_path / "list.csv", attacked, {})
    with (tmp_path / "list.csv").open(encoding="utf-8-sig", newline="") as opened:
        cells = [cell for row in csv.reader(opened) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    WRITERS[".xlsx"](tmp_path / "list.xlsx", attacked, {})
    sheet = openpyxl.load_workbook(tmp_path / "list.xlsx").worksheets[0]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value is not None} <= {"s", "n"}
    WRITERS[".html"](tmp_path / "list.html", attacked, {})
    assert "<script" not in (tmp_path / "list.html").read_text(encoding="utf-8")


def test_only_texts_that_a_spreadsheet_would_run_get_an_apostrophe() -> None:
    assert [guarded(value) for value in ("=1", "a=1", "", None, -3.5)] == ["'=1", "a=1", "", None, -3.5]


def test_a_workbook_offers_the_decisions(tmp_path: Path, rows: list[WorkListRow]) -> None:
    WRITERS[".xlsx"](tmp_path / "list.xlsx", rows, {})
    sheet = openpyxl.load_workbook(tmp_path / "list.xlsx").worksheets[0]
    [choice] = sheet.data_validations.dataValidation
    letter = openpyxl.utils.get_column_letter(COLUMNS.index("decision") + 1)
    assert str(choice.sqref) == f"{letter}2:{letter}{len(rows) + 1}"
    assert choice.formula1 == '"accept,reject,set_category,resolve,skip,reopen"'


def test_characters_that_excel_refuses_and_very_long_texts_do_no_harm(tmp_path: Path) -> None:
    hostile = category_item(1, title="a\x00b\x0bc", description="x" * 40_000)
    WRITERS[".xlsx"](tmp_path / "list.xlsx", list(work_list_rows([hostile], LABELS)), {})
    [row] = read_workbook(tmp_path / "list.xlsx")
    assert row["title"] == "abc"
    assert len(row["description"] or "") == 32_767


def test_an_html_page_has_its_pictures_inside(tmp_path: Path, rows: list[WorkListRow]) -> None:
    WRITERS[".html"](tmp_path / "list.html", rows, {"L0001": jpeg(1)})
    page = (tmp_path / "list.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg;base64,") == 1
    assert page.count("<article>") == len(rows)
    assert "Listing 1" in page
    assert re.findall(r"(?:src|href)=\"(?!data:)", page) == []


def test_a_workbook_is_read_as_text_with_times_in_utc(tmp_path: Path) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(["listing_id", "decided_at", None, "note", "price"])
    sheet.append([123.0, dt.datetime.fromisoformat("2026-05-04T16:30:00"), "no name", None, 1.5])
    sheet.append([None, None, None, None, None])
    sheet.append([WriteOnlyCell(sheet, "L1"), dt.date(2026, 5, 4), None, "fine"])
    book.save(tmp_path / "answers.xlsx")
    assert list(read_workbook(tmp_path / "answers.xlsx")) == [
        {"listing_id": "123", "decided_at": "2026-05-04T16:30:00+00:00", "note": None, "price": "1.5"},
        {"listing_id": "L1", "decided_at": "2026-05-04T00:00:00+00:00", "note": "fine", "price": None},
    ]


def test_a_broken_workbook_and_doubled_columns_are_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.xlsx").write_bytes(b"PK nothing")
    with pytest.raises(UsageError, match=r"save it again as \.xlsx"):
        list(read_workbook(tmp_path / "broken.xlsx"))
    book = openpyxl.Workbook(write_only=True)
    book.create_sheet().append(["decision", "decision"])
    book.save(tmp_path / "twice.xlsx")
    with pytest.raises(UsageError, match="two columns 'decision'"):
        list(read_workbook(tmp_path / "twice.xlsx"))


def test_a_target_is_checked_before_spark_starts(tmp_path: Path) -> None:
    check_target(tmp_path / "list.CSV", overwrite=False)
    for file, message in (
        (tmp_path / "list.pdf", r"must be one of \.csv"),
        (tmp_path / "none" / "list.csv", "does not exist"),
    ):
        with pytest.raises(UsageError, match=message):
            check_target(file, overwrite=True)
    (tmp_path / "old.csv").touch()
    with pytest.raises(UsageError, match="perhaps with answers"):
        check_target(tmp_path / "old.csv", overwrite=False)
    check_target(tmp_path / "old.csv", overwrite=True)
