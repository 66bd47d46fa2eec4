"""Pseudonyms are keyed, and their key is kept and missed in words."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from pyspark.sql import SparkSession

from conf.settings import PrivacySettings
from jobs.lifecycle.pseudonym_key import create_key, key_of_model, read_key
from jobs.warehouse.address import Address
from jobs.warehouse.tables import Warehouse
from schemas.bundle import BundleSpec, NoiseModel
from schemas.errors import BundleFormatError, FailedError, UsageError
from training.models import Model
from training.train import with_pseudonyms
from udfs.bundle import load_spec
from udfs.pseudonyms import PseudonymKey, Purpose
from udfs.suppression import forms

KEY = PseudonymKey(bytes(range(32)))
DEFAULTS = PrivacySettings()


def warehouse(address: Address) -> Warehouse:
    return Warehouse(cast("SparkSession", None), address)


def test_a_pseudonym_is_the_hmac_of_purpose_and_id() -> None:
    # printf 'suppressed listing\0A-1' | openssl dgst -sha256 -mac HMAC -macopt hexkey:000102...1f
    assert KEY.pseudonym(Purpose.SUPPRESSED_LISTING, "A-1") == "c57c73fd2c7896b0720137ae5c46db13"


def test_ids_purposes_and_keys_have_different_pseudonyms() -> None:
    other = PseudonymKey(bytes(32))
    keys, purposes = (KEY, other), (Purpose.SELLER, Purpose.SUPPRESSED_LISTING, Purpose.SUPPRESSED_SELLER)
    found = {key.pseudonym(purpose, value) for key in keys for purpose in purposes for value in ("a", "b", "é")}
    assert len(found) == 18
    assert KEY.check != other.check
    assert "\\x" not in repr(KEY)


def test_the_noise_model_of_a_bundle_names_no_seller() -> None:
    noise = NoiseModel(("a",), np.zeros((1, 1)), 0.2, 1.0, {"ann": 0.1, "bob": 0.5}, 1.0, np.ones(1), 0.0)
    hashed = with_pseudonyms(noise, KEY)
    assert hashed.sellers == {KEY.pseudonym(Purpose.SELLER, seller): rate for seller, rate in noise.sellers.items()}
    assert list(hashed.sellers) == sorted(hashed.sellers)
    assert replace(hashed, sellers=noise.sellers, key_check="") == noise
    assert hashed.key_check == KEY.check


@pytest.mark.parametrize(("found", "retired"), [(6, True), (8, False)])
def test_a_bundle_with_ids_of_sellers_is_retired_in_words(tmp_path: Path, found: int, retired: bool) -> None:
    (tmp_path / "bundle.json").write_text(json.dumps({"format": found}))
    with pytest.raises(BundleFormatError, match=r"Train a new model") as error:
        load_spec(str(tmp_path))
    assert ("ids of sellers in clear, so it is retired" in str(error.value)) == retired


def test_the_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    here = warehouse(Address(str(tmp_path), folder=tmp_path))
    with pytest.raises(UsageError, match=r"_keys/pseudonyms.key cannot be read .No such file.* train a new model"):
        read_key(here, DEFAULTS)
    made = create_key(here, DEFAULTS)
    assert create_key(here, DEFAULTS) == read_key(here, DEFAULTS) == made
    [file] = (tmp_path / "_keys").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    other = tmp_path / "other"
    other.mkdir()
    assert create_key(warehouse(Address("other", folder=other)), DEFAULTS) != made


def test_a_model_needs_the_key_with_which_it_was_trained(tmp_path: Path) -> None:
    here = warehouse(Address(str(tmp_path), folder=tmp_path))
    noise = NoiseModel(("a",), np.zeros((1, 1)), 0.2, 1.0, {"ann": 0.1}, 1.0, np.ones(1), 0.0)
    model = Model("7", "", cast("BundleSpec", None), with_pseudonyms(noise, KEY))
    with pytest.raises(UsageError, match=r"cannot be read .*: models hold sellers by pseudonyms"):
        key_of_model(here, DEFAULTS, model)
    create_key(here, DEFAULTS)
    with pytest.raises(FailedError, match=r"model 7 .* made with another key.* Name the key .* or train a new model"):
        key_of_model(here, DEFAULTS, model)
    file = tmp_path / "key"
    file.write_text(KEY.secret.hex())
    assert key_of_model(here, PrivacySettings(str(file)), model) == KEY


def test_elsewhere_the_settings_name_the_key(tmp_path: Path) -> None:
    there = warehouse(Address("s3a://bucket/w", uri="s3a://bucket/w"))
    with pytest.raises(UsageError, match=r"openssl rand -hex 32 > pseudonyms.key.*privacy.key_file=FILE"):
        create_key(there, DEFAULTS)
    file = tmp_path / "pseudonyms.key"
    file.write_text("0a" * 31)
    with pytest.raises(UsageError, match=r"pseudonyms.key must hold at least 64 hexadecimal digits"):
        create_key(there, PrivacySettings(str(file)))
    file.write_text("0a" * 32 + "\n")
    assert read_key(there, PrivacySettings(str(file))) == PseudonymKey(b"\x0a" * 32)


@pytest.mark.parametrize(
    ("listing_id", "same"),
    [
        ("123", {"123", "123.0"}),
        ("123.0", {"123", "123.0"}),
        ("123.00", {"123", "123.0", "123.00"}),
        ("-4", {"-4", "-4.0"}),
        ("007", {"007"}),
        ("1.5", {"1.5"}),
        ("a.0", {"a.0"}),
    ],
)
def test_an_erased_number_is_recognised_in_both_forms(listing_id: str, same: set[str]) -> None:
    assert set(forms(listing_id)) == same
