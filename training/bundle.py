"""Write a bundle: a folder with everything that inference needs."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np

from schemas.attributes import NO_ATTRIBUTES, AttributeModel
from schemas.bundle import (
    NOISE_FILE,
    PICTURE_ENCODER_FOLDER,
    SHARE_PREFIX,
    SPEC_FILE,
    TEXT_ENCODER_FOLDER,
    BundleSpec,
    NoiseModel,
)
from udfs.attributes import save_attributes


def write_bundle(
    folder: str,
    members: str,
    spec: BundleSpec,
    noise: NoiseModel,
    *,
    picture_encoder: str,
    text_encoder: str | None = None,
    attributes: AttributeModel = NO_ATTRIBUTES,
) -> None:
    """Write the specification, noise model, networks and encoders into a new folder.

    Args:
        folder: replaced if it exists.
        members: the folder with the SavedModels of the ranks (`text`, `picture`); they are moved, not copied.
        picture_encoder: its folder, which is copied.
        text_encoder: its folder, which is copied; None if there is none.
        attributes: what was learnt of attributes.
    """
    path = Path(folder)
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    for member in sorted(Path(members).iterdir()):
        shutil.move(str(member), path / member.name)
    shutil.copytree(picture_encoder, path / PICTURE_ENCODER_FOLDER)
    if text_encoder:
        shutil.copytree(text_encoder, path / TEXT_ENCODER_FOLDER)
    (path / SPEC_FILE).write_text(json.dumps(dataclasses.asdict(spec), indent=1), encoding="utf-8")
    save_attributes(attributes, path)
    np.savez_compressed(
        path / NOISE_FILE,
        categories=np.array(noise.categories, dtype=np.str_),
        transitions=noise.transitions,
        error_rate=noise.error_rate,
        rate_factor=noise.rate_factor,
        sellers=np.array(list(noise.sellers), dtype=np.str_),
        seller_rates=np.array(list(noise.sellers.values()), dtype=np.float64),
        mismatch_weight=noise.mismatch_weight,
        image_marginal=noise.image_marginal,
        mismatch_rate=noise.mismatch_rate,
        claim_slope=noise.claim_slope,
        key_check=noise.key_check,
        **({} if noise.share is None else {SHARE_PREFIX + k: v for k, v in dataclasses.asdict(noise.share).items()}),
    )
