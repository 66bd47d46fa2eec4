from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from jobs.console.summary import Amount, Interval, Section, Share, Summary, printable
from schemas.errors import UsageError

SUMMARY = Summary(
    "Catalogue cleaned",
    {"rows_in": 12345, "evaluated": 26050.0, "error": 0.123456, "base": None, "dry": False},
    (Section("worst sellers", ("seller", "rate"), [("s1", 0.5)], key="worst"), Section("none", ("a",), [])),
    ("look closer: catalog-cleaner report",),
)


def test_the_summary_in_the_terminal_has_names_figures_tables_and_hints() -> None:
    out = io.StringIO()
    SUMMARY.show(Console(file=out, width=100))
    text = out.getvalue()
    for part in ("Catalogue cleaned", "rows in", "12,345", "26,050", "0.1235", "worst sellers", "s1", "look closer"):
        assert part in text
    assert "none" not in text


def test_counts_of_nothing_are_hidden_from_people_but_not_from_programs() -> None:
    facts = {"rows_in": 0, "returned": 0, "conflicting": 2}
    summary = Summary("Loaded", facts, hidden_if_zero=("returned", "conflicting"))
    out = io.StringIO()
    summary.show(Console(file=out, width=100))
    assert out.getvalue().split() == ["Loaded", "rows", "in", "0", "conflicting", "2"]
    assert json.loads(summary.as_json()) == {"title": "Loaded", **facts}


def test_a_key_of_the_json_object_has_one_value() -> None:
    with pytest.raises(ValueError, match=r"'Runs' have the keys \['runs'\]"):
        Summary("Runs", {"runs": 3}, (Section("runs", ("run_id",), []),))


def test_a_title_longer_than_its_table_stays_on_one_line() -> None:
    out = io.StringIO()
    summary = Summary("Listings loaded", {}, (Section("categories missing from the taxonomy", ("a",), [("b",)]),))
    summary.show(Console(file=out, width=80))
    assert "categories missing from the taxonomy" in out.getvalue()


def test_no_date_or_number_is_cut_off_for_long_headers() -> None:
    columns = ("date", "listings", "judged", "corrected", "referred", "without_picture", "unlike_the_night")
    rows = [("2026-11-29", 12345, 21, 36, 63, 0, 7)]
    messages = Section("messages", ("run_id", "message"), [("nightly-1", "word " * 30)])
    summary = Summary("Backfill", {}, (messages, Section("by date", columns, rows)))
    for width, on_one_line in ((80, False), (100, True)):
        out = io.StringIO()
        summary.show(Console(file=out, width=width))
        assert out.getvalue().splitlines()[-1].split() == ["2026-11-29", "12,345", "21", "36", "63", "0", "7"]
        assert ("without picture  unlike the night" in out.getvalue()) == on_one_line
        assert "run id" in out.getvalue()


def test_the_summary_as_json_is_one_object() -> None:
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


def test_a_share_is_shown_as_a_percentage_and_written_to_json_as_a_number() -> None:
    rows = [("s1", Share(0.1234), Interval(0.1, 0.2)), ("s2", None, None)]
    section = Section("sellers", ("seller", "error_rate", "interval"), rows)
    summary = Summary("Cleaned", {"wrong": Share(0.018)}, (section,), notes={"wrong": "before any review"})
    out = io.StringIO()
    summary.show(Console(file=out, width=100))
    text = " ".join(out.getvalue().split())
    assert "wrong 1.8% (before any review)" in text
    assert "s1 12.3% 10.0% to 20.0%" in text
    assert json.loads(summary.as_json()) == {
        "title": "Cleaned",
        "wrong": 0.018,
        "sellers": [
            {"seller": "s1", "error_rate": 0.1234, "interval": {"lower": 0.1, "upper": 0.2}},
            {"seller": "s2", "error_rate": None, "interval": None},
        ],
    }


HOSTILE = "a\x1b[2J\x1b]0;title\x07b\u202etxt.exe\u2066\u200b\x00\x9b1m\ud800\r[red]c[/red]\n"


def test_a_price_is_shown_with_its_decimals_and_written_to_json_as_a_number() -> None:
    prices = [Amount(each) for each in (43512.5, 1234.56, 20, 1e308)]
    out = io.StringIO()
    summary = Summary("Prices", {"dear": prices[0]}, (Section("all", ("price",), [(each,) for each in prices]),))
    summary.show(Console(file=out, width=80))
    assert out.getvalue().split() == [
        "Prices",
        "dear",
        "43,512.50",
        "all",
        "price",
        "43,512.50",
        "1,234.56",
        "20.00",
        "1e+308",
    ]
    assert json.loads(summary.as_json())["dear"] == 43512.5


def test_json_has_no_word_for_what_is_no_finite_number() -> None:
    rows = [(float("inf"),), (Amount("-inf"),), (Share("nan"),), (0.5,)]
    text = Summary("Odd", {"price": float("nan")}, (Section("odd", ("price",), rows),)).as_json()
    expected = {"title": "Odd", "price": None, "odd": [{"price": None}] * 3 + [{"price": 0.5}]}
    assert json.loads(text, parse_constant=pytest.fail) == expected


def test_what_does_not_print_becomes_spaces() -> None:
    assert printable(HOSTILE) == "a [2J ]0;title b txt.exe    1m  [red]c[/red]\n"
    for text in ("كرة قدم", "שלום", "日本語 étui", "नमस्ते"):
        assert printable(text) == text


def test_a_hostile_text_anywhere_in_a_summary_cannot_garble_the_terminal() -> None:
    section = Section(HOSTILE, ("text", "texts"), [(HOSTILE, [HOSTILE])], key="section")
    summary = Summary(HOSTILE, {"fact": HOSTILE, "count": 1}, (section,), (HOSTILE,), {"count": HOSTILE})
    out = io.StringIO()
    summary.show(Console(file=out, width=200, force_terminal=True, color_system=None))
    text = out.getvalue()
    assert text.encode()
    assert text.count("txt.exe") == 7
    assert all(c.isprintable() or c == "\n" for c in text)
    assert "[red]c[/red]" in text
    assert json.loads(summary.as_json())["fact"] == HOSTILE


def test_an_error_that_was_only_looked_for_is_part_of_the_json_object() -> None:
    summary = Summary("Dry run", {"rows": 1, "settings": {"a": 1}}, error=UsageError("no id"), not_shown=("settings",))
    out = io.StringIO()
    summary.show(Console(file=out, width=100))
    assert out.getvalue().split() == ["Dry", "run", "rows", "1"]
    expected = {"title": "Dry run", "rows": 1, "settings": {"a": 1}, "exit_code": 2, "error": "no id"}
    assert json.loads(summary.as_json()) == expected
