from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from conf.load import load_settings
from jobs.ingestion.files import Files
from jobs.ingestion.profiles import changed_settings, profile_text
from jobs.ingestion.samples import FileColumn, Sample
from jobs.ingestion.steps.proposals import Proposal

FILES = Files("a.csv", "csv", ("a.csv",))
LOCAL = ("spark.master=local[*]", "train.ranks=1")


def _sample(columns: dict[str, tuple[str, ...]], proposal: Proposal, *missing: str) -> Sample:
    found = tuple(FileColumn(name, uses, "value") for name, uses in columns.items())
    sources = {use: (name,) for name, uses in columns.items() for use in uses}
    return Sample(FILES, found, sources, missing, proposal, None, None, is_sample=False)


COLUMNS = {"Artikel: Nr": (), "title": ("title",), "Farbe #1": (), "nom": (), "it's": ("price",)}
PROPOSAL = Proposal({"listing_id": "Artikel: Nr", "description": "nom"}, {"listing_id": ("sku",)}, None, file_time=True)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "my.yaml"


def test_a_profile_keeps_what_is_set_and_has_what_is_proposed(file: Path) -> None:
    overrides = ["ingest.columns={price: it's, category: null}", "ingest.attributes={size: Größe}"]
    overrides += ["ingest.files.delimiter=tab", "ingest.max_listing_id_length=99", "lock.wait_seconds=1"]
    before = load_settings("cluster", overrides)
    text = profile_text(_sample(COLUMNS, PROPOSAL, "listing_id", "updated_at", "seller_id"), before, "a.csv", "my.yaml")
    file.write_text(text)
    loaded = load_settings(str(file))
    assert loaded.ingest.columns == {
        "listing_id": "Artikel: Nr",
        "description": "nom",
        "price": "it's",
        "category": None,
    }
    assert (loaded.ingest.updated_at, loaded.ingest.attributes) == ("file", {"size": "Größe"})
    assert (loaded.ingest.files.delimiter, loaded.ingest.max_listing_id_length) == ("\t", 99)
    assert (loaded.lock.wait_seconds, loaded.spark.shuffle_partitions) == (1, 200)
    for line in (
        "    listing_id: 'Artikel: Nr'  # proposed: check it; or sku",
        "    # title: title  # found without a mapping",
        "    # seller_id: NAME_IN_FILE",
        "    # 'Farbe #1': 'Farbe #1'",
        "  # image_prefixes: [/folder/of/pictures]",
    ):
        assert line in text.splitlines()


def test_every_comment_is_a_setting_when_its_mark_is_removed() -> None:
    text = profile_text(_sample(COLUMNS, PROPOSAL), load_settings("local"), "a.csv", "my.yaml")
    setting = re.compile(r"( *)(# )?( *)([a-z_]+|'.*'|[^ :#]+):( .*)?")
    unmarked = [
        f"{each[1]}{each[3]}{each[4]}:{each[5] or ''}" for each in map(setting.fullmatch, text.splitlines()) if each
    ]
    values = yaml.safe_load("\n".join(unmarked))
    assert {name: type(value) for name, value in values["ingest"].items()} == {
        "preset": type(None),
        "columns": dict,
        "attributes": dict,
        "updated_at": str,
        "image_prefixes": list,
        "nulls": list,
        "decimal_sign": str,
        "files": dict,
    }
    assert values["ingest"]["columns"]["listing_id"] == "Artikel: Nr"
    assert values["ingest"]["columns"]["currency"] == "NAME_IN_FILE"
    assert values["ingest"]["attributes"] == {"Farbe #1": "Farbe #1"}


@pytest.mark.parametrize(
    ("proposal", "preset"), [(Proposal(), None), (Proposal(preset="shopify"), "shopify")], ids=["none", "preset"]
)
def test_a_profile_without_a_mapping_loads_too(file: Path, proposal: Proposal, preset: str | None) -> None:
    file.write_text(profile_text(_sample({"x": ()}, proposal, "listing_id"), load_settings("local"), "a\nb", "my.yaml"))
    loaded = load_settings(str(file))
    assert loaded.ingest == load_settings("local", [f"ingest.preset={preset}"] if preset else []).ingest
    assert loaded.train.ranks == 1


def test_a_profile_says_which_columns_a_preset_takes_and_why_it_has_other_settings() -> None:
    columns: dict[str, tuple[str, ...]] = {"Type": ("category",), "Handle": ("listing_id",)}
    sample = _sample(columns, Proposal(preset="shopify"))
    sample = replace(sample, sources={"category": ("Product Category", "Type"), "listing_id": ("Handle",)})
    lines = profile_text(sample, load_settings("local"), "a.csv", "my.yaml").splitlines()
    assert "  #   listing_id: Handle  # found" in lines
    assert "  #   category: Product Category  # found; where it is empty: Type" in lines
    assert not [line for line in lines if "# required" in line]
    place = lines.index("train:")
    assert lines[place - 2].startswith("# Settings that were in force when this file was written and differ")


def test_only_what_differs_from_the_defaults_is_kept() -> None:
    assert changed_settings(load_settings("local")) == {"train": {"ranks": 1}}
    assert changed_settings(load_settings("local", ["ingest.nulls=[]"]))["ingest"] == {"nulls": []}
