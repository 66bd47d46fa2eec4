"""What a night says of a taxonomy that has changed since its model was trained."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from jobs.cleaning.judging import changed_categories

MODEL = cast("Any", SimpleNamespace(version="7", spec=SimpleNamespace(categories=("boots", "caps", "hats"))))


def test_nothing_is_said_of_a_taxonomy_that_the_model_knows() -> None:
    assert changed_categories(MODEL, ["hats", "caps", "boots"], {}) == []
    assert changed_categories(MODEL, ["hats", "caps", "boots"], {"berets": "hats"}) == []


def test_what_has_changed_is_named() -> None:
    said = changed_categories(MODEL, ["headwear", "scarves"], {"caps": "headwear", "hats": "headwear"})
    assert said == [
        "categories that model 7 takes for former ones (replaced_by): headwear",
        "categories that model 7 cannot suggest before the next training: scarves",
        "categories that model 7 may no longer suggest: boots",
    ]


def test_of_many_categories_the_first_are_named() -> None:
    many = [f"new-{i}" for i in range(1007)]
    [said] = changed_categories(MODEL, ["boots", "caps", "hats", *many], {})
    assert said.endswith(": new-0, new-1, new-10, new-100, new-1000 and 1,002 more")
