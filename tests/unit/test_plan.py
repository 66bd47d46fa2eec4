from __future__ import annotations

import pytest

from conf.load import load_settings
from schemas.errors import FailedError
from training.plan import make_plan


def test_explicit_settings_are_used() -> None:
    overrides = ["text_members=8", "image_epochs=2"]
    plan = make_plan(load_settings("local", [f"train.{o}" for o in overrides]), 5000, 4000)
    assert (plan.text_members, plan.pictures, plan.image_epochs) == (8, True, 2)


def test_the_stages_of_a_training_are_known_from_its_plan() -> None:
    overrides = ["text_members=8", "image_epochs=5"]
    plan = make_plan(load_settings("local", [f"train.{o}" for o in overrides]), 5000, 4000)
    assert list(plan.stages.items()) == [
        ("text model, first pass", 24),
        ("text model, second pass", 8),
        ("picture model", 5),
    ]
    without = make_plan(load_settings("local"), 5000, 0)
    assert list(without.stages) == ["text model, first pass", "text model, second pass"]


@pytest.mark.parametrize("rows", [20, 500, 1999, 2000, 9999, 10_000, 26_719, 1_000_000])
def test_default_values_are_consistent(rows: int) -> None:
    plan = make_plan(load_settings("local"), rows, rows)
    assert 2 <= plan.text_members <= 10
    assert plan.image_epochs >= 1


def test_small_catalogues_get_more_members_and_epochs() -> None:
    small, large = (make_plan(load_settings("local"), rows, rows) for rows in (800, 100_000))
    assert small.text_members > large.text_members
    assert small.image_epochs > large.image_epochs


@pytest.mark.parametrize(("rows", "pictures"), [(1000, 0), (1000, 50), (100_000, 900)])
def test_too_few_pictures_leave_out_the_picture_branch(rows: int, pictures: int) -> None:
    assert not make_plan(load_settings("local"), rows, pictures).pictures


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(FailedError, match="19 listings"):
        make_plan(load_settings("local"), 19, 19)
