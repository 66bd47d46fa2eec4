from __future__ import annotations

import io
import json

from rich.console import Console

from jobs.console.summary import Section, Summary

SUMMARY = Summary(
    "Catalogue cleaned",
    {"rows_in": 12345, "evaluated": 26050.0, "error": 0.123456, "base": None, "dry": False},
    (Section("worst sellers", ("seller", "rate"), [("s1", 0.5)], key="worst"), Section("none", ("a",), [])),
    ("look closer: catalog-cleaner report",),
)


def test_people_read_names_figures_tables_and_hints() -> None:
    out = io.StringIO()
    SUMMARY.show(Console(file=out, width=100))
    text = out.getvalue()
    for part in ("Catalogue cleaned", "rows in", "12,345", "26,050", "0.1235", "worst sellers", "s1", "look closer"):
        assert part in text
    assert "none" not in text


def test_a_title_longer_than_its_table_stays_on_one_line() -> None:
    out = io.StringIO()
    summary = Summary("Listings loaded", {}, (Section("categories missing from the taxonomy", ("a",), [("b",)]),))
    summary.show(Console(file=out, width=80))
    assert "categories missing from the taxonomy" in out.getvalue()


def test_machines_read_one_object() -> None:
    assert json.loads(SUMMARY.as_json()) == {
        "title": "Catalogue cleaned",
        "rows_in": 12345,
        "evaluated": 26050.0,
        "error": 0.123456,
        "base": None,
        "dry": False,
        "worst": [{"seller": "s1", "rate": 0.5}],
        "none": [],
    }
