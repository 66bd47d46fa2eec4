"""What a model has learned of each category, in the categories of today's taxonomy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from jobs.cleaning.evidence import follow_labels
from schemas.bundle import NoiseModel
from tests.unit.test_predictor import SPEC
from training.models import Model


def test_listings_of_former_categories_count_for_those_that_have_taken_their_places() -> None:
    noise = NoiseModel(SPEC.categories, np.eye(3), 0.2, 1.0, {}, 1.0, np.full(3, 1 / 3), 0.0)
    model = Model("3", "bundle", replace(SPEC, labelled={"hats": 4, "shoes": 7, "tops": 9}), noise)
    followed = follow_labels(model, {"hats": "headwear", "tops": "shoes"})
    assert followed.spec.labelled == {"headwear": 4, "shoes": 16}
    assert followed == replace(model, spec=replace(model.spec, labelled=followed.spec.labelled))
    assert follow_labels(model, {}) == model
