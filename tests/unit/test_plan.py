from __future__ import annotations

import pytest

from conf.load import load_settings
from schemas.errors import FailedError, UsageError
from training.plan import make_plan


def test_explicit_settings_are_used() -> None:
    overrides = ["text_members=8", "image_members=4", "text_epochs=3", "image_epochs=2"]
    plan = make_plan(load_settings("local", [f"train.{o}" for o in overrides]), 5000, 4000)
    assert (plan.text_members, plan.image_members, plan.text_epochs, plan.image_epochs) == (8, 4, 3, 2)


def test_the_stages_of_a_training_are_known_from_its_plan() -> None:
    overrides = ["text_members=8", "image_members=2", "text_epochs=3", "image_epochs=5"]
    plan = make_plan(load_settings("local", [f"train.{o}" for o in overrides]), 5000, 4000)
    assert list(plan.stages.items()) == [
        ("text model, first pass", 9),
        ("text model, second pass", 3),
        ("picture model, member 1 of 2", 5),
        ("picture model, member 2 of 2", 5),
    ]


@pytest.mark.parametrize("rows", [20, 500, 1999, 2000, 9999, 10_000, 26_719, 1_000_000])
def test_default_values_are_consistent(rows: int) -> None:
    plan = make_plan(load_settings("local"), rows, rows)
    assert plan.image_members == 0 or plan.text_members % plan.image_members == 0
    assert 2 <= plan.text_members <= 10
    assert plan.text_epochs >= 1
    assert plan.image_epochs >= 1
    assert plan.text_batch <= max(rows, 16)


def test_small_catalogues_get_more_members_and_epochs() -> None:
    small, large = (make_plan(load_settings("local"), rows, rows) for rows in (800, 100_000))
    assert small.text_members > large.text_members
    assert small.image_members > large.image_members
    assert small.image_epochs > large.image_epochs


@pytest.mark.parametrize(("rows", "pictures"), [(1000, 0), (1000, 50), (100_000, 900)])
def test_too_few_pictures_leave_out_the_picture_branch(rows: int, pictures: int) -> None:
    assert make_plan(load_settings("local"), rows, pictures).image_members == 0


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(FailedError, match="19 listings"):
        make_plan(load_settings("local"), 19, 19)


def test_picture_members_must_divide_text_members() -> None:
    with pytest.raises(UsageError, match="choose a divisor"):
        make_plan(load_settings("local", ["train.text_members=5", "train.image_members=2"]), 5000, 5000)
    without = make_plan(load_settings("local", ["train.text_members=5", "train.image_members=2"]), 5000, 0)
    assert without.image_members == 0


def test_weights_need_a_network_that_takes_them() -> None:
    with pytest.raises(UsageError, match=r"train\.image_weights=/w\.h5 .* choose train\.image_backbone"):
        make_plan(load_settings("local", ["train.image_weights=/w.h5"]), 5000, 5000)
    theirs = ["train.image_weights=/w.h5", "train.image_backbone=mobilenetv3-small"]
    assert make_plan(load_settings("local", theirs), 5000, 5000).image_weights == "/w.h5"
