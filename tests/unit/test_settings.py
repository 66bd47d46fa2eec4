from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from conf.load import SettingsError, load_settings
from conf.settings import Settings


def test_a_profile_overrides_defaults_and_options_override_the_profile(tmp_path: Path) -> None:
    profile = tmp_path / "mine.yaml"
    profile.write_text("train: {ranks: 3}\ningest:\n  columns: {title: product_name}\n")
    got = load_settings(
        str(profile), ["train.seed=5", "ingest.csv_delimiter=;", "ingest.image_prefixes=[s3://pictures/]"]
    )
    assert (got.train.ranks, got.train.seed, got.ingest.csv_delimiter) == (3, 5, ";")
    assert got.ingest.columns == {"title": "product_name"}
    assert got.ingest.image_prefixes == ("s3://pictures/",)
    assert got.decide == Settings().decide


@pytest.mark.parametrize("profile", ["local", "test", "cluster"])
def test_shipped_profiles_are_valid(profile: str) -> None:
    assert isinstance(load_settings(profile), Settings)


def test_all_problems_are_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(
            "local", ["train.ranks=0", "decide.refer_below=1.5", "train.rank=2", "nonsense", "text.max_chars=x"]
        )
    message = str(caught.value)
    for part in (
        "train.ranks = 0",
        "decide.refer_below = 1.5",
        "train.rank: no such setting",
        "'nonsense'",
        "text.max_chars",
    ):
        assert part in message


def test_an_unknown_profile_names_the_shipped_ones() -> None:
    with pytest.raises(SettingsError, match="use one of cluster, local, test"):
        load_settings("productoin")


def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path) -> None:
    profile = tmp_path / "list.yaml"
    profile.write_text("- a\n- b\n")
    with pytest.raises(SettingsError, match="must be a mapping"):
        load_settings(str(profile))


def test_settings_cannot_be_changed_and_have_a_digest() -> None:
    settings = load_settings("local")
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.train = None  # type: ignore[assignment,misc]
    assert settings.digest == load_settings("local").digest
    assert settings.digest != load_settings("local", ["train.seed=99"]).digest
