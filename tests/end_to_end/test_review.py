"""What people decide comes back, once, and stands above all from the next night on."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import functions as F

from jobs.store import read_published
from schemas.tables import QUARANTINE, REVIEW_DECISIONS
from tests.end_to_end.conftest import CATEGORIES, Workspace

pytestmark = pytest.mark.end_to_end

_WHEN = "2026-11-10T12:00:00Z"


def decisions_file(workspace: Workspace, folder: Path) -> tuple[Path, dict[str, str]]:
    """A reviewer's file on the first six flagged listings, with four rows that cannot be used; the right answers."""
    truth = pd.read_parquet(workspace.source / "truth.parquet").set_index("listing_id").true_category
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


def test_decisions_win_and_are_taken_in_once(workspace: Workspace, tmp_path: Path) -> None:
    path, answers = decisions_file(workspace, tmp_path)
    before = read_published(workspace.warehouse, "clean_listings").select("listing_id", "content_hash")
    hashes = {row.listing_id: row.content_hash for row in before.collect() if row.listing_id in answers}

    summary = workspace.run("review", "apply", str(path))
    account = {name: summary[f"rows_{name}"] for name in ("in", "current", "superseded", "unchanged", "quarantined")}
    assert account == {"in": 10, "current": 6, "superseded": 0, "unchanged": 0, "quarantined": 4}
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
    assert (again["rows_current"], again["rows_unchanged"]) == (0, 6)
    assert workspace.warehouse.read(REVIEW_DECISIONS).count() == 6

    night = workspace.run("nightly", "--run-date", "2026-11-11")
    assert night["rows_current"] == 0
    clean = read_published(workspace.warehouse, "clean_listings").toPandas().set_index("listing_id").loc[list(answers)]
    assert dict(clean.effective_category) == answers
    assert set(clean.category_source) == {"reviewer"}
    assert set(clean.category_confidence) == {1.0}
    flagged = read_published(workspace.warehouse, "flagged_items").toPandas().set_index("listing_id").reasons
    about = {"low_confidence", "wrong_category", "missing_category", "unknown_category", "audit_sample"}
    assert [listing for listing in answers if about & set(flagged.get(listing, ()))] == []


def test_the_next_training_learns_what_people_have_decided(workspace: Workspace, tmp_path: Path) -> None:
    path, answers = decisions_file(workspace, tmp_path)
    workspace.run("review", "apply", str(path))
    trained = workspace.run("train")
    assert trained["rows_decided"] == len(answers)
    assert trained["categories"] == CATEGORIES


def test_a_file_without_what_is_needed_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "decisions.csv"
    path.write_text("listing_id,verdict\na,yes\n")
    refusal = workspace.run("review", "apply", str(path), fails_with=2)
    assert "lacks decision, reviewer, decided_at; its columns are listing_id, verdict" in " ".join(
        refusal["error"].split()
    )
