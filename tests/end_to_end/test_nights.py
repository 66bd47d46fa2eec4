"""Nights on a generated catalogue: the effect of a second night, a rerun and small changes on each table."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

import jobs.cleaning.clean
import jobs.cleaning.explanations
import jobs.cleaning.judging
import jobs.cleaning.scoring
from conf.load import load_settings
from jobs.store import read_published
from jobs.warehouse.caches import cached
from jobs.warehouse.tables import Warehouse
from schemas.reasons import CATEGORY_REASONS
from schemas.tables import FEATURES, TABLES, TAXONOMY
from tests.end_to_end.conftest import CATEGORIES, LISTINGS, Workspace
from tests.spark.frames import nothing_cached
from training.registry import open_registry
from udfs.classify import classify

pytestmark = pytest.mark.end_to_end

STATES = ("clean_listings", "flagged_items", "sellers", "explanations")
FACTS = ("predictions", "corrections", "quality_metrics", "gate_results", "quarantine")
_RUN = {"run_id", "run_date"}


def content(workspace: Workspace, name: str, *, without: set[str] = _RUN) -> list[str]:
    """The published rows of a table as sorted text, without the columns that name the run."""
    rows = read_published(workspace.warehouse, name)
    kept = [column for column in rows.columns if column not in without]
    return sorted(str(row) for row in rows.select(*kept).collect())


def newer(listings: pd.DataFrame) -> pd.DataFrame:
    return listings.assign(updated_at=pd.Timestamp("2026-01-01T10:00:00Z"))


def test_the_first_night_decides_every_listing_once(published: Workspace) -> None:
    clean = read_published(published.warehouse, "clean_listings").toPandas()
    predictions = read_published(published.warehouse, "predictions").toPandas()
    assert sorted(clean.listing_id) == sorted(predictions.listing_id)
    assert clean.listing_id.is_unique
    assert len(clean) == LISTINGS
    asked = clean[clean.effective_category.isna()]
    sensitive = pd.read_csv(published.source / "taxonomy.csv").query("sensitive").category
    assert asked.best_category.isin(sensitive).all()
    assert set(asked.category_action) <= {"referred"}
    assert clean.category.isna().sum() > len(asked)
    assert set(clean.category_action) == {"kept", "corrected", "referred"}
    assert predictions.predicted_category.nunique() == CATEGORIES
    ours = clean[clean.effective_category != clean.category]
    begun = read_published(published.warehouse, "corrections").toPandas()
    assert sorted(begun.listing_id) == sorted(ours.listing_id)
    assert set(begun.event) == {"begun"}


def test_the_first_night_reduces_the_error(published: Workspace) -> None:
    truth = pd.read_parquet(published.source / "truth.parquet").set_index("listing_id").true_category
    clean = read_published(published.warehouse, "clean_listings").toPandas().set_index("listing_id")
    before = (clean.category != truth.reindex(clean.index)).mean()
    after = (clean.effective_category != truth.reindex(clean.index)).mean()
    assert after < 0.75 * before


def test_every_decision_about_a_category_is_explained(published: Workspace) -> None:
    tables = (read_published(published.warehouse, name) for name in ("clean_listings", "flagged_items", "explanations"))
    clean, flagged, explained = (table.toPandas().set_index("listing_id") for table in tables)
    asked = flagged[[bool({*CATEGORY_REASONS} & {*reasons}) for reasons in flagged.reasons]]
    assert set(explained.index) == {*clean.index[clean.category_action != "kept"], *asked.index}
    assert explained.sentence.str.len().min() > 40
    corrected = explained[explained.category_action == "corrected"]
    assert list(corrected.suggested_category) == list(clean.effective_category.reindex(corrected.index))
    assert (corrected.suggested_words.map(len) > 0).mean() > 0.8
    texts = (clean.title.fillna("") + " " + clean.description.fillna("")).reindex(explained.index)
    for words in (explained.suggested_words, explained.seller_words):
        assert all(each["word"] in text for some, text in zip(words, texts, strict=True) for each in some)
    assert (explained.similar.map(len) > 0).mean() > 0.5
    for listing_id, suggestion, similar in zip(
        explained.index, explained.suggested_category, explained.similar, strict=True
    ):
        assert len(similar) <= 3
        others = [each["listing_id"] for each in similar]
        assert {clean.effective_category[other] for other in others} <= {suggestion}
        assert listing_id not in others


def test_the_preview_of_the_used_precision_is_what_was_published(published: Workspace) -> None:
    found = published.run("thresholds", "preview")
    assert [row["precision"] for row in found["previews"]] == [0.8, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995]
    [used] = [row for row in found["previews"] if row["precision"] == found["correction_precision"]]
    assert (used["corrected"], used["referred"]) == (found["corrected"], found["referred"])
    assert found["corrected"] > 0
    corrected = [row["corrected"] for row in found["previews"]]
    assert corrected == sorted(corrected, reverse=True)
    assert {row["corrected"] + row["referred"] for row in found["previews"]} == {used["corrected"] + used["referred"]}
    # The summary for programs has the codes, not the names.
    codes = {row.category for row in published.warehouse.read(TAXONOMY).collect()}
    weakest = [row["category"] for row in found["weakest_categories"]]
    assert weakest
    assert set(weakest) <= codes


def test_category_and_price_of_any_listing_are_suggested(published: Workspace) -> None:
    items = read_published(published.warehouse, "flagged_items").toPandas()
    outlier = items[items["suggested_price"].notna()].iloc[0]
    assert "price_outlier" in outlier.reasons
    found = published.run("suggest", outlier.listing_id)
    assert found["suggested_category"] == found["suggestions"][0]["category"]
    assert found["suggested_price"] == pytest.approx(outlier.suggested_price["median"], rel=0.2)
    assert found["suggestions"][0]["prices"] >= outlier.suggested_price["listings"] - 1
    alike = [row for row in found["similar"] if row["category"] == found["suggested_category"]]
    assert len(alike) == 3
    assert outlier.listing_id not in {row["listing_id"] for row in alike}
    assert "has no listing 'nobody'" in published.run("suggest", "nobody", fails_with=2)["error"]


def test_a_night_publishes_what_training_found_about_wrong_labels(published: Workspace) -> None:
    [model] = open_registry(published.path, str(published.path), load_settings("test").registry).models()
    [row] = read_published(published.warehouse, "quality_metrics").where("metric = 'wrong_label_share'").collect()
    share, error = model.figures["wrong_label_share"], model.figures["wrong_label_share_error"]
    assert (row.value, row.lower) == pytest.approx((share, max(share - 2.0 * error, 0.0)))
    assert (row.source, row.basis) == ("evidence", model.tags["wrong_label_share_by"])


def test_a_second_night_gives_the_same_rows_and_so_does_a_third_after_a_failed_attempt(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All runs together show that a run releases its own caches, however it ends, and no others."""
    kept: set[str] = set()

    def noted(frame: DataFrame, until: ExitStack) -> DataFrame:
        kept.update(frame.columns)
        return cached(frame, until)

    for module in (jobs.cleaning.judging, jobs.cleaning.clean, jobs.cleaning.explanations, jobs.cleaning.scoring):
        monkeypatch.setattr(module, "cached", noted)
    workspace.spark.catalog.clearCache()
    theirs = workspace.spark.range(9).persist()
    # Every night draws some other listings for the audit.
    undrawn = ("--set", "review.audit_listings=0")
    workspace.run("nightly", "--run-date", "2026-11-11", *undrawn)
    first = {name: content(workspace, name) for name in (*STATES, "predictions")}
    decided = [{"listing_id": first["clean_listings"][0], "decision": "skip", "reviewer": "ada"}]
    path = tmp_path / "decisions.csv"
    pd.DataFrame(decided).assign(decided_at="2026-11-10T12:00:00Z").to_csv(path, index=False)
    workspace.run("review", "apply", str(path))

    summary = workspace.run("nightly", "--run-date", "2026-11-12", *undrawn)
    assert (summary["rows_current"], summary["rows_unchanged"]) == (0, LISTINGS)
    assert {name: content(workspace, name) for name in first} == first
    corrections = workspace.warehouse.read(TABLES["corrections"])
    assert corrections.where("run_date > '2026-11-10'").count() == 0
    assert corrections.where("run_date = '2026-11-10'").count() > 0

    def fail(*_: object) -> None:
        raise OSError("the disk is gone")

    third = ("nightly", "--run-date", "2026-11-13", *undrawn)
    with monkeypatch.context() as broken:
        broken.setattr(Warehouse, "overwrite", fail)
        workspace.run(*third, fails_with=1)
    assert {name: content(workspace, name) for name in first} == first
    assert workspace.run(*third)["listings"] == LISTINGS
    assert {name: content(workspace, name) for name in first} == first
    runs = workspace.run("runs")["runs"]
    assert [run["status"] for run in runs[:3]] == ["published", "failed", "published"]

    assert "effective_category" in kept
    assert not kept & {"title", "description", "image"}
    assert theirs.storageLevel.useMemory
    theirs.unpersist()
    assert nothing_cached(workspace.spark)

    refusal = workspace.run("nightly", "--run-date", "2026-11-10", fails_with=2)
    assert re.search(r"nightly-2026-11-13-[0-9a-f]{6} is already published", refusal["error"])


def test_a_rerun_of_a_date_gives_equal_rows_and_deletes_none_of_its_own(workspace: Workspace) -> None:
    first = {name: content(workspace, name) for name in (*STATES, *FACTS)}
    workspace.run("nightly", "--run-date", "2026-11-10")
    assert {name: content(workspace, name) for name in first} == first
    assert all(rows for name, rows in first.items() if name != "quarantine")


def test_only_changed_content_and_unreadable_pictures_are_scored_again(workspace: Workspace, tmp_path: Path) -> None:
    """Labels are not content: the predictions of listings with other labels stay the same."""
    before = dict.fromkeys(content(workspace, "predictions", without=_RUN | {"job"}), True)
    store = tmp_path / "pictures"
    allowed = ("--set", f"ingest.image_prefixes=[{store}]")
    with_picture: dict[str, bytes] = {}

    def change(listings: pd.DataFrame) -> pd.DataFrame:
        usable = listings[listings.title.notna() & listings.image.map(lambda image: image is not None)]
        retitled, moved = newer(usable.iloc[[5]]), newer(usable.iloc[[6]])
        with_picture[moved.listing_id.item()] = moved.image.item()
        labelled = listings[listings.category.notna() & ~listings.index.isin([*retitled.index, *moved.index])]
        flipped = newer(labelled.iloc[:40])
        return pd.concat(
            [
                retitled.assign(title="something else entirely"),
                moved.assign(image=None, image_uri="a.png"),
                flipped.assign(category=flipped.category.to_numpy()[::-1]),
            ]
        )

    delivered = workspace.ingest(workspace.delivery(tmp_path, change), *allowed)
    assert delivered["rows_current"] == 42
    # So many wrong labels are more than limits.max_error_rise allows.
    summary = workspace.run("nightly", "--run-date", "2026-11-11", "--accept-changes", *allowed)
    assert summary["limits"] == "accepted"
    assert (summary["rows_current"], summary["rows_unchanged"]) == (2, LISTINGS - 2)
    after = content(workspace, "predictions", without=_RUN | {"job"})
    assert len(after) == LISTINGS
    assert sum(row not in before for row in after) == 2

    # The picture store was not available. Once it is back, only this listing is scored.
    ((moved, picture),) = with_picture.items()
    assert status(workspace, moved) == "unreadable"
    store.mkdir()
    (store / "a.png").write_bytes(picture)
    summary = workspace.run("nightly", "--run-date", "2026-11-12", *allowed)
    assert (summary["rows_current"], summary["rows_unchanged"]) == (1, LISTINGS - 1)
    assert status(workspace, moved) == "ok"


def status(workspace: Workspace, listing_id: str) -> str:
    """The image status of a listing's published prediction."""
    [row] = read_published(workspace.warehouse, "predictions").where(f"listing_id = '{listing_id}'").collect()
    return str(row.image_status)


def test_a_dry_run_publishes_nothing_but_keeps_vectors(workspace: Workspace) -> None:
    features = workspace.warehouse.table(FEATURES)
    rows = features.toDF().count()
    (first,) = features.toDF().agg(F.min("listing_id")).collect()[0]
    features.delete(F.col("listing_id") == first)
    versions = {name: workspace.warehouse.version(table) for name, table in TABLES.items() if table is not FEATURES}
    summary = workspace.run("nightly", "--run-date", "2026-11-11", "--dry-run")
    assert summary["listings"] == LISTINGS
    assert {name: workspace.warehouse.version(TABLES[name]) for name in versions} == versions
    assert workspace.warehouse.read(FEATURES).count() == rows


def test_an_empty_catalogue_is_refused_and_nothing_published(workspace: Workspace) -> None:
    workspace.warehouse.table(TABLES["listings"]).delete()
    versions = {name: workspace.warehouse.version(TABLES[name]) for name in (*STATES, *FACTS)}
    refusal = workspace.run("nightly", "--run-date", "2026-11-11", fails_with=3)
    assert "row_count" in refusal["error"]
    assert {name: workspace.warehouse.version(TABLES[name]) for name in versions} == versions
    runs = workspace.run("runs")
    assert runs["runs"][0]["status"] == "refused"


def test_the_retry_of_a_refused_night_scores_nothing_again(
    trained: Workspace, published: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = trained.copy(tmp_path)
    scored: list[int] = []

    def counted(*arguments: Any, rows: int, **options: Any) -> DataFrame:  # noqa: ANN401 - whatever is passed on
        scored.append(rows)
        return classify(*arguments, rows=rows, **options)

    monkeypatch.setattr("jobs.cleaning.scoring.classify", counted)
    night = ("nightly", "--run-date", "2026-11-10")
    workspace.spark.catalog.clearCache()
    workspace.run(*night, "--set", "gates.max_corrected_share=0", fails_with=3)
    assert nothing_cached(workspace.spark)
    assert workspace.run(*night)["rows_current"] == LISTINGS
    assert scored == [LISTINGS, 0]
    assert content(workspace, "predictions") == content(published, "predictions")
    assert not list((workspace.path / "_staging").iterdir())
