"""Decisions are loaded once, and every kind of decision has its effect from the next night on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from pyspark.sql import functions as F

from jobs.store import read_published
from schemas.tables import QUARANTINE, REVIEW_DECISIONS
from tests.end_to_end.conftest import Workspace

pytestmark = pytest.mark.end_to_end

_WHEN, _AUDITED_WHEN = "2026-11-10T12:00:00Z", "2026-11-11T12:00:00Z"


def true_categories(workspace: Workspace) -> pd.Series[str]:
    """listing_id -> true category."""
    return pd.read_parquet(workspace.source / "truth.parquet").set_index("listing_id").true_category


def decisions_file(workspace: Workspace, folder: Path) -> tuple[Path, dict[str, str]]:
    """A reviewer's file on the first six flagged listings, with four unusable rows; and the right answers."""
    truth = true_categories(workspace)
    flagged = read_published(workspace.warehouse, "flagged_items").toPandas().sort_values("listing_id")
    asked = flagged[flagged.reasons.map(lambda reasons: "low_confidence" in reasons)].listing_id[:6]
    answers = {str(listing): str(truth[listing]) for listing in asked}
    said = pd.DataFrame({"listing_id": list(answers), "decision": "set_category", "category": list(answers.values())})
    broken = pd.DataFrame(
        {
            "listing_id": ["nowhere", *list(answers)[:3]],
            "decision": ["set_category", "think", "set_category", "set_category"],
            "category": ["bags", None, "no such category", answers[list(answers)[2]]],
        }
    )
    rows = pd.concat([said, broken], ignore_index=True).assign(reviewer="ada", decided_at=_WHEN)
    rows.loc[len(rows) - 1, "decided_at"] = "2026-11-09T12:00:00Z"
    path = folder / "decisions.csv"
    rows.to_csv(path, index=False)
    return path, answers


def test_decisions_are_loaded_once_and_win_and_audit_answers_give_audited_metrics(
    workspace: Workspace, tmp_path: Path
) -> None:
    path, answers = decisions_file(workspace, tmp_path)
    before = read_published(workspace.warehouse, "clean_listings").select("listing_id", "content_hash")
    hashes = {row.listing_id: row.content_hash for row in before.collect() if row.listing_id in answers}

    summary = workspace.run("review", "apply", str(path))
    account = {name: summary[f"rows_{name}"] for name in ("in", "current", "superseded", "unchanged", "quarantined")}
    assert account == {"in": 10, "current": 6, "superseded": 0, "unchanged": 0, "quarantined": 4}
    assert [(row["decision"], row["rows"]) for row in summary["decisions"]] == [("set_category", 6)]
    stored = workspace.warehouse.read(REVIEW_DECISIONS).toPandas().set_index("listing_id")
    assert dict(stored.category) == answers
    assert dict(stored.content_hash) == hashes
    assert {run_id[:18] for run_id in stored.run_id} == {"nightly-2026-11-10"}
    assert stored.run_id.nunique() == 1
    quarantined = workspace.warehouse.read(QUARANTINE).where(F.col("run_id") == summary["run_id"])
    assert sorted(row.reasons[0] for row in quarantined.collect()) == [
        "invalid_decision",
        "not_published",
        "not_published",
        "unknown_category",
    ]

    again = workspace.run("review", "apply", str(path))
    assert (again["rows_current"], again["rows_unchanged"], again["decisions"]) == (0, 6, [])
    assert workspace.warehouse.read(REVIEW_DECISIONS).count() == 6

    # A twentieth of so few listings would be too few for figures of the audit.
    often = ("--set", "review.max_audit_share=0.2")
    workspace.run("nightly", "--run-date", "2026-11-11", *often)
    audit = Audit.answered(workspace, tmp_path)
    assert audit.summary["rows_current"] == len(audit.audited) + len(audit.asked)
    [loaded] = audit.summary["decisions"]
    assert loaded["rows"] == audit.summary["rows_current"], "a later file is counted by decision, too"
    night = workspace.run("nightly", "--run-date", "2026-11-12", "--accept-changes", *often)
    assert night["rows_current"] == 0
    audit.check(night)
    clean = read_published(workspace.warehouse, "clean_listings").toPandas().set_index("listing_id").loc[list(answers)]
    assert dict(clean.effective_category) == answers
    assert set(clean.category_source) == {"reviewer"}
    assert set(clean.category_confidence) == {1.0}
    flagged = work_list(workspace)
    open_items = flagged[flagged.status == "open"].reasons
    about = {"low_confidence", "wrong_category", "missing_category", "unknown_category", "audit_sample"}
    assert [listing for listing in answers if about & set(open_items.get(listing, ()))] == []


def test_an_exported_workbook_is_filled_in_and_loaded_once(workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "work-list.xlsx"
    exported = workspace.run("review", "export", str(file))
    flagged = work_list(workspace)
    assert exported["listings"] == int((flagged.status == "open").sum())
    book = openpyxl.load_workbook(file)
    header, *rows = book.worksheets[0].iter_rows()
    place = {str(cell.value): number for number, cell in enumerate(header)}
    assert len(rows) == exported["questions"] >= exported["listings"]
    asked = [row for row in rows if row[place["suggested_category"]].value]
    answered = {str(row[place["listing_id"]].value): str(row[place["suggested_category"]].value) for row in asked[:3]}
    for row in asked[:3]:
        row[place["decision"]].value = "accept"
    book.save(file)
    words = ("review", "apply", str(file), "--reviewer", "ada", "--decided-at", _WHEN)
    first, again = workspace.run(*words), workspace.run(*words)
    assert (first["rows_in"], first["rows_current"], first["rows_quarantined"]) == (3, 3, 0)
    assert first["rows_not_answered"] == len(rows) - 3
    assert (again["rows_current"], again["rows_unchanged"]) == (0, 3)
    stored = workspace.warehouse.read(REVIEW_DECISIONS).toPandas().set_index("listing_id")
    assert dict(stored.category) == answered
    assert set(stored.reviewer) == {"ada"}
    assert set(stored.purpose) == {"work"}


@dataclass(frozen=True)
class Audit:
    """Right answers to the whole audit sample, and to the rest of the category queue.

    Attributes:
        audited, asked: the listings of the audit sample, and the others.
        wrong: whether the seller's category is wrong, by listing_id.
        summary: of loading the answers.
    """

    audited: pd.Index[str]
    asked: pd.Index[str]
    wrong: pd.Series[bool]
    summary: dict[str, Any]

    @classmethod
    def answered(cls, workspace: Workspace, folder: Path) -> Audit:
        """Load the answers."""
        truth, flagged = true_categories(workspace), work_list(workspace)
        seen = read_published(workspace.warehouse, "clean_listings").toPandas().set_index("listing_id")
        in_audit = flagged.reasons.map(lambda reasons: "audit_sample" in reasons)
        in_queue = flagged.reasons.map(lambda reasons: "low_confidence" in reasons)
        audited, asked = flagged.index[in_audit], flagged.index[in_queue & ~in_audit]
        rows = pd.DataFrame({"listing_id": [*audited, *asked], "decision": "set_category"})
        rows["category"] = truth[rows.listing_id].to_numpy()
        path = folder / "answers.csv"
        rows.assign(reviewer="ada", decided_at=_AUDITED_WHEN).to_csv(path, index=False)
        summary = workspace.run("review", "apply", str(path))
        return cls(audited, asked, seen.category != truth[seen.index], summary)

    def check(self, night: dict[str, Any]) -> None:
        """Compare the audited errors of the next night with the truth."""
        before, left = night["category_error_rate_before"], night["category_error_rate_left"]
        assert before["lower"] < self.wrong.mean() < before["upper"]
        # A day later, some draws have ended; a few listings were decided before they could be drawn.
        assert before["value"] == pytest.approx(self.wrong[self.audited].mean(), abs=0.06)
        assert 0 <= left["lower"] <= left["value"] < before["value"]
        assert left["upper"] < before["upper"]
        by_model = night["category_error_rate_left_by_model"]
        assert left["lower"] <= by_model <= left["upper"]
        assert night["audited"] == len(self.audited)
        assert 60 < len(self.audited) < 110


def work_list(workspace: Workspace) -> pd.DataFrame:
    """The published flagged_items by listing_id, with the reasons as a plain list."""
    flagged = read_published(workspace.warehouse, "flagged_items").toPandas().set_index("listing_id").sort_index()
    return flagged.assign(reasons=flagged.reasons.map(list))


@dataclass(frozen=True)
class Answers:
    """The listings that `test_every_decision_holds_until_the_content_changes` decides, by what is decided of them."""

    accept: str
    reject: str
    set_category: str
    skip: str
    resolve: str
    resolve_other: str
    resolve_one_of_two: str

    @classmethod
    def chosen(cls, workspace: Workspace) -> Answers:
        """Listings of the first night's work list; those of the category queue have a seller's category.

        The answers move listings between small categories, which moves the prices that are usual in them. Listings
        of a middling price do not become price outliers by that.
        """
        flagged = work_list(workspace)
        clean = read_published(workspace.warehouse, "clean_listings").toPandas().set_index("listing_id")
        rank = clean.groupby("effective_category").price.rank(pct=True)
        flagged = flagged[rank.reindex(flagged.index).between(0.15, 0.85)]
        labelled = set(clean.index[clean.category.notna()])
        asked = [i for i in flagged.index[flagged.reasons.map(lambda r: r == ["low_confidence"])] if i in labelled]
        differing = [i for i in asked if clean.best_category[i] != clean.category[i]]
        first = [*differing, *(i for i in asked if i not in differing)]
        other = flagged.index[flagged.reasons.map(lambda r: r in (["missing_image"], ["uninformative_title"]))][0]
        two = flagged.index[
            flagged.reasons.map(lambda r: len(r) == 2 and {"low_confidence", "audit_sample"} != set(r))
        ][0]
        accept, reject, set_category, skip, resolve = first[:5]
        return cls(accept, reject, set_category, skip, resolve, other, two)


def test_every_decision_holds_until_the_content_changes(workspace: Workspace, tmp_path: Path) -> None:
    chosen, before = Answers.chosen(workspace), work_list(workspace)
    seen = read_published(workspace.warehouse, "clean_listings").toPandas().set_index("listing_id")
    of_other, of_two = before.reasons[chosen.resolve_other][0], before.reasons[chosen.resolve_one_of_two]
    other_category = next(
        c for c in seen.category.dropna().unique() if c != seen.effective_category[chosen.set_category]
    )
    rows = [
        (chosen.accept, "accept", None, None),
        (chosen.reject, "reject", None, None),
        (chosen.set_category, "set_category", other_category, None),
        (chosen.skip, "skip", None, None),
        (chosen.resolve, "resolve", None, "low_confidence"),
        (chosen.resolve_other, "resolve", None, of_other),
        (chosen.resolve_one_of_two, "resolve", None, of_two[0]),
    ]
    path = tmp_path / "decisions.csv"
    said = pd.DataFrame(rows, columns=["listing_id", "decision", "category", "reason"])
    said.assign(reviewer="ada", decided_at=_WHEN).to_csv(path, index=False)
    assert workspace.run("review", "apply", str(path))["rows_current"] == len(rows)

    night = workspace.run("nightly", "--run-date", "2026-11-11", "--accept-changes")
    flagged = work_list(workspace)
    assert night["flagged"] == (flagged.status == "open").sum()
    decided = flagged.loc[[row[0] for row in rows]]
    assert list(zip(decided.status, decided.reasons, strict=True)) == [
        ("accepted", ["low_confidence"]),
        ("rejected", ["low_confidence"]),
        ("resolved", ["low_confidence"]),
        ("open", ["low_confidence"]),
        ("resolved", ["low_confidence"]),
        ("resolved", [of_other]),
        ("open", of_two[1:]),
    ]
    clean = read_published(workspace.warehouse, "clean_listings").toPandas().set_index("listing_id")
    by_person = [chosen.accept, chosen.reject, chosen.set_category]
    assert list(clean.effective_category[by_person]) == [
        seen.best_category[chosen.accept],
        seen.category[chosen.reject],
        other_category,
    ]
    assert set(clean.category_source[by_person]) == {"reviewer"}
    assert "reviewer" not in set(clean.category_source[[chosen.skip, chosen.resolve, chosen.resolve_other]])

    edited = [chosen.accept, chosen.resolve]

    def edit(listings: pd.DataFrame) -> pd.DataFrame:
        mine = listings[listings.listing_id.isin(edited)]
        changed = mine.description.fillna("") + " (as new)"
        return mine.assign(description=changed, updated_at=pd.Timestamp("2026-01-01T10:00:00Z"))

    workspace.ingest(workspace.delivery(tmp_path, edit))
    workspace.run("nightly", "--run-date", "2026-11-12", "--accept-changes")
    later, clean = work_list(workspace), read_published(workspace.warehouse, "clean_listings").toPandas()
    assert "reviewer" not in set(clean.set_index("listing_id").category_source[edited])
    assert set(later.status.reindex(edited).dropna()) <= {"open"}
    unchanged = [row[0] for row in rows if row[0] not in edited and row[1] != "skip"]
    assert list(later.status[unchanged]) == list(flagged.status[unchanged])


def test_a_file_without_required_columns_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "decisions.csv"
    path.write_text("listing_id,verdict\na,yes\n")
    refusal = workspace.run("review", "apply", str(path), fails_with=2)
    assert "lacks decision, reviewer, decided_at; its columns are listing_id, verdict" in " ".join(
        refusal["error"].split()
    )
