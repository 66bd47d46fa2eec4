"""Training with one rank, with a pretrained text encoder, and with a rank that fails."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from pyspark.sql import functions as F

from conf.settings import RegistrySettings
from jobs.store import read_published
from schemas.bundle import NOISE_FILE
from schemas.tables import LISTINGS
from tests.encoders import save_encoder
from tests.end_to_end.conftest import CATEGORIES, Workspace
from tests.end_to_end.conftest import LISTINGS as DELIVERED
from tests.end_to_end.test_review import decisions_file
from training.digest import ChangedBundleError
from training.registry import open_registry

_TOLERANCE = 0.1
"""The share of 400 listings whose top category may differ, because batches have other rows in another order."""


def test_one_rank_gives_nearly_the_same_categories_as_two_and_learns_from_decisions(
    published: Workspace, tmp_path: Path
) -> None:
    alone = published.copy(tmp_path)
    path, answers = decisions_file(alone, tmp_path)
    alone.run("review", "apply", str(path))
    learnt = alone.run("train", "--set", "train.ranks=1")
    assert learnt["rows_decided"] == len(answers)
    assert learnt["categories"] == CATEGORIES
    listed = alone.run("models", "promote", str(learnt["model_version"]))["models"]
    # Each version has its own card, in the warehouse that was copied as well.
    cards = [Path(str(model["card"])) for model in listed]
    assert len({*cards}) == 2
    assert all(card.is_relative_to(alone.path) for card in cards)
    card = cards[0].read_text(encoding="utf-8")
    assert f"| trained by | {learnt['run_id']} |" in card
    assert f"| listings in the catalogue | {DELIVERED} |" in card
    assert "| sellers | 0 |" not in card
    by_category = re.findall(r"^\| \S+ \| ([\d,]+) \| [\d,]+ \| [\d.]+% \| [\d.]+% \|$", card, re.MULTILINE)
    assert len(by_category) == CATEGORIES
    assert f"| with a category of the taxonomy | {sum(map(int, by_category))} |" in card
    registry = open_registry(alone.path, str(alone.path), RegistrySettings())
    assert sorted(registry.model(str(learnt["model_version"])).spec.labelled.values()) == sorted(map(int, by_category))
    # A new model scores all listings from the kept vectors, so it needs no picture.
    alone.warehouse.table(LISTINGS).update(set={"image": F.lit(None).cast("binary")})
    night = alone.run("nightly", "--run-date", "2026-11-11", "--accept-changes")
    assert night["model_version"] == learnt["model_version"]
    predictions = read_published(alone.warehouse, "predictions").where("image_status = 'ok'")
    assert night["rows_current"] == night["listings"]
    assert predictions.where("image_category IS NOT NULL").count() == predictions.count() > 0.8 * night["listings"]
    by_one, by_two = (
        read_published(workspace.warehouse, "clean_listings").toPandas().set_index("listing_id").sort_index()
        for workspace in (alone, published)
    )
    assert (by_one.best_category != by_two.best_category).mean() <= _TOLERANCE


@pytest.mark.thorough
def test_a_model_includes_its_text_encoder(trained: Workspace, tmp_path: Path) -> None:
    workspace = trained.copy(tmp_path)
    encoder = save_encoder(tmp_path / "encoder")
    learnt = workspace.run("train", "--set", f"text.encoder={encoder}")
    shutil.rmtree(encoder)
    workspace.run("models", "promote", str(learnt["model_version"]))
    night = workspace.run("nightly", "--run-date", "2026-11-10")
    assert night["model_version"] == learnt["model_version"]
    clean = read_published(workspace.warehouse, "clean_listings").toPandas()
    assert clean.best_category.notna().all()
    missing = workspace.run("train", "--set", f"text.encoder={encoder}", fails_with=2)["error"]
    assert "contains no saved_model.pb" in missing

    registry = open_registry(workspace.warehouse.folder, "", RegistrySettings())
    bundle = Path(registry.model(str(learnt["model_version"])).bundle)
    with (bundle / NOISE_FILE).open("ab") as file:
        file.write(b" ")
    with pytest.raises(ChangedBundleError):
        registry.model(str(learnt["model_version"]))
