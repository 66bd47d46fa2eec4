"""Read a bundle's specification and noise model."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from schemas.bundle import FIRST_WITH_PSEUDONYMS, FORMAT, NOISE_FILE, SHARE_PREFIX, SPEC_FILE, BundleSpec, NoiseModel
from schemas.errors import BundleFormatError
from schemas.estimates import ShareEstimate


def load_spec(folder: str) -> BundleSpec:
    """Read the bundle's specification.

    Raises:
        FileNotFoundError: the folder is not a bundle.
        BundleFormatError: the bundle has another format version.
    """
    path = Path(folder) / SPEC_FILE
    if not path.is_file():
        raise FileNotFoundError(
            f"{folder} contains no {SPEC_FILE}, so it is not a bundle: train a model, or give the folder of a bundle."
        )
    values = json.loads(path.read_text(encoding="utf-8"))
    found = values.get("format")
    if found != FORMAT:
        ids = isinstance(found, int) and found < FIRST_WITH_PSEUDONYMS
        retired = " It holds the ids of sellers in clear, so it is retired." if ids else ""
        raise BundleFormatError(
            f"{path} has format {found}, but this version reads format {FORMAT}.{retired} Train a new model with "
            "`catalog-cleaner train`."
        )
    values["categories"], values["prior"] = tuple(values["categories"]), tuple(values["prior"])
    return BundleSpec(**values)


def load_noise(folder: str) -> NoiseModel:
    """Read the bundle's noise model."""
    with np.load(Path(folder) / NOISE_FILE, allow_pickle=False) as stored:
        return NoiseModel(
            categories=tuple(str(c) for c in stored["categories"]),
            transitions=stored["transitions"],
            error_rate=float(stored["error_rate"]),
            rate_factor=float(stored["rate_factor"]),
            sellers=dict(zip(map(str, stored["sellers"]), map(float, stored["seller_rates"]), strict=True)),
            mismatch_weight=float(stored["mismatch_weight"]),
            image_marginal=stored["image_marginal"],
            mismatch_rate=float(stored["mismatch_rate"]),
            share=_share(stored),
            claim_slope=float(stored.get("claim_slope", 1.0)),
            key_check=str(stored["key_check"]),
        )


def _share(stored: Mapping[str, Any]) -> ShareEstimate | None:
    """The estimated share of wrong labels; None in bundles that were written without it."""
    names = [field.name for field in dataclasses.fields(ShareEstimate)]
    if any(SHARE_PREFIX + name not in stored for name in names):
        return None
    return ShareEstimate(**{name: stored[SHARE_PREFIX + name].item() for name in names})
