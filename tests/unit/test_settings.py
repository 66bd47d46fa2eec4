from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from conf.load import SettingsError, load_settings
from conf.settings import Settings
from jobs.cleaning.scoring import checked_regions
from schemas.errors import UsageError


def test_a_profile_overrides_defaults_and_options_override_the_profile(tmp_path: Path) -> None:
    profile = tmp_path / "mine.yaml"
    profile.write_text("train: {ranks: 3}\ningest:\n  columns: {title: product_name}\n")
    got = load_settings(
        str(profile), ["train.seed=5", "ingest.files.delimiter=tab", "ingest.image_prefixes=[s3://pictures/]"]
    )
    assert (got.train.ranks, got.train.seed, got.ingest.files.delimiter) == (3, 5, "\t")
    assert got.ingest.columns == {"title": "product_name"}
    assert got.ingest.image_prefixes == ("s3://pictures/",)
    assert got.decide == Settings().decide


@pytest.mark.parametrize("profile", ["local", "test", "cluster"])
def test_shipped_profiles_are_valid(profile: str) -> None:
    assert isinstance(load_settings(profile), Settings)


def test_regions_of_phone_numbers_are_codes_of_countries() -> None:
    assert load_settings("test", ["privacy.phone_regions=[FR,BE]"]).privacy.phone_regions == ("FR", "BE")
    with pytest.raises(
        SettingsError, match=r"phone_regions.0 = 'fr': it must be two capital letters, .* such as FR or GB"
    ):
        load_settings("test", ["privacy.phone_regions=[fr]"])
    assert checked_regions(["FR", "GB"]) == ["FR", "GB"]
    with pytest.raises(UsageError, match=r"privacy.phone_regions names UK, .* such as FR, GB \(not UK\) or US"):
        checked_regions(["FR", "UK"])


def test_models_are_kept_by_a_server_or_in_the_warehouse() -> None:
    """MLflow would put the files of a database's models into the folder in which the command runs."""
    for server in ("http://127.0.0.1:5000", "https://mlflow.example.com/path", "databricks"):
        assert load_settings("test", [f"registry.tracking_uri={server}"]).registry.tracking_uri == server
    for other in ("sqlite:///models.db", "file:///models", "./mlruns"):
        with pytest.raises(SettingsError, match=r"tracking_uri = .*: it must be the address of an MLflow server"):
            load_settings("test", [f"registry.tracking_uri={other}"])


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


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        (
            "train: 5",
            "train is a section, so it must contain settings, such as train: {ranks: ...}; add some",
        ),
        ("train:", "train = None: train is a section, so it must contain settings"),
        ("trian: {ranks: 2}", "trian: no such section; write train instead, or leave it out"),
        ("other: {ranks: 2}", "other: no such section; leave it out; the sections are spark, ingest, "),
        ("train: {rank: 2}", "train.rank: no such setting; write ranks instead, or leave it out"),
        ("picture: {5: 2}", "picture.5: no such setting; leave it out; picture has "),
        (
            "train: {ranks: two}",
            "'two': it must be a whole number; change it or leave it out (default: 2)",
        ),
        ("train: {ranks: 2.5}", "train.ranks = 2.5: it must be a whole number"),
        ("train: {text_members: 11}", "train.text_members = 11: it must be at most 10; change it or leave it out"),
        ("decide: {refer_below: high}", "it must be a number; change it or leave it out (default: 0.9)"),
        ("decide: {seller_prior: 0}", "decide.seller_prior = 0: it must be more than 0;"),
        ("ingest: {columns: {titel: a}}", "ingest.columns.titel = 'titel': it must be 'listing_id', 'title', "),
        ("ingest: {columns: a}", "ingest.columns = 'a': it must be a mapping, such as {name: value};"),
        ("ingest: {image_prefixes: /a}", "ingest.image_prefixes = '/a': it must be a list, such as [value];"),
        (
            "ingest: {image_prefixes: [a]}",
            "ingest.image_prefixes.0 = 'a': it must start with one of /, file:///, s3://,",
        ),
        ("ingest: {files: {delimiter: abc}}", "ingest.files.delimiter = 'abc': it must have at most 1 character(s);"),
        ("text: {char_ngrams: [3]}", "text.char_ngrams = [3]: it must have more values;"),
        ("decide: {corrections: maybe}", "decide.corrections = 'maybe': it must be true or false; change it"),
        ("decide: {corrections: []}", "decide.corrections = []: it must be true or false; change it"),
        ("review: {priority: {price: .inf}}", "review.priority.price = inf: it must be a finite number; change it"),
        ("limits: {flip_nights: 1000000}", "limits.flip_nights = 1000000: it must be at most 36500; change it"),
        ("spark: {extra: {a: 1}}", "spark.extra.a = 1: it must be text, a number in quotes;"),
    ],
)
def test_a_fault_is_told_in_one_sentence_with_value_rule_and_way_out(tmp_path: Path, profile: str, said: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(profile)
    with pytest.raises(SettingsError) as caught:
        load_settings(str(path))
    _, fault, _ = str(caught.value).splitlines()
    assert said in fault
    assert "leave it out" in fault
    assert not re.search("input|valid|dictionary|instance", fault)


def test_a_profile_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes("text: {encoder: café}".encode("latin-1"))
    with pytest.raises(SettingsError, match=r"not text in UTF-8 \(byte 20 is 0xe9\): save it as UTF-8"):
        load_settings(str(path))


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


@pytest.mark.parametrize("sign", [",", ";", "|", "\t", "-", "&", "#"])
def test_a_lone_sign_is_itself_because_a_shell_removes_its_quotes(sign: str) -> None:
    settings = load_settings("local", [f"ingest.files.delimiter={sign}", "ingest.decimal_sign=,", "ingest.preset=~"])
    assert (settings.ingest.files.delimiter, settings.ingest.decimal_sign) == (sign, ",")
    assert settings.ingest.preset is None
    quoted = load_settings("local", ["ingest.files.delimiter=';'", "train.ranks=1"])
    assert (quoted.ingest.files.delimiter, quoted.train.ranks) == (";", 1)
