"""A category is renamed and two become one after the model was trained."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from jobs.store import read_published
from tests.end_to_end.conftest import LISTINGS, Workspace

pytestmark = pytest.mark.end_to_end


def shown(workspace: Workspace) -> pd.DataFrame:
    clean = read_published(workspace.warehouse, "clean_listings").toPandas()
    return clean.set_index("listing_id").sort_index()


def test_listings_follow_their_categories_and_no_limit_is_exceeded(workspace: Workspace, tmp_path: Path) -> None:
    taxonomy, before = pd.read_csv(workspace.source / "taxonomy.csv"), shown(workspace)
    alike = taxonomy[~taxonomy.sensitive].groupby("department").category.agg(list)
    renamed, *merged = next(names for names in alike if len(names) >= 3)[:3]
    successors = {renamed: "a new name", merged[0]: merged[1]}
    kept = taxonomy[taxonomy.category != merged[0]].replace({"category": {renamed: "a new name"}})
    former = pd.DataFrame({"category": list(successors), "replaced_by": list(successors.values())})
    path = tmp_path / "taxonomy.csv"
    pd.concat([kept, former]).to_csv(path, index=False)
    unchanged = workspace.delivery(tmp_path, lambda listings: listings.head(1))
    assert workspace.run("ingest", str(unchanged), "--taxonomy", str(path))["categories_replaced"] == 2

    night = workspace.run("nightly", "--run-date", "2026-11-11")
    assert (night["limits"], night["rows_current"], night["listings"]) == ("held", 0, LISTINGS)
    after = shown(workspace)
    expected = before.effective_category.replace(successors)
    # What is likeliest may change where one of the merged categories was a rival of the other.
    assert (after.effective_category.fillna("") == expected.fillna("")).mean() > 0.98
    assert set(after.effective_category.dropna()) == set(expected.dropna())
    assert night["changed"] < 0.02 * LISTINGS
    assert set(after.best_category.dropna()) <= set(kept.category)
    explained = read_published(workspace.warehouse, "explanations").toPandas()
    about_new = explained[explained.suggested_category == "a new name"]
    assert len(about_new)
    assert (about_new.suggested_words.map(len) > 0).any()
    assert about_new.text_suggested.notna().any()
