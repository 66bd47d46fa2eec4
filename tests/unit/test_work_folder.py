"""Where a training keeps its dataset: a place that all nodes can access, never the driver's own disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from conf.settings import TrainSettings
from jobs.train import work_folder
from schemas.errors import UsageError

DEFAULT = TrainSettings()


def test_a_training_works_inside_a_local_warehouse_or_in_the_folder_that_the_setting_names(tmp_path: Path) -> None:
    assert work_folder(tmp_path / "w", "w", DEFAULT) == tmp_path / "w" / "_work"
    named = TrainSettings(work_folder=str(tmp_path))
    assert work_folder(None, "s3a://b/w", named) == tmp_path
    assert work_folder(tmp_path / "w", "w", named) == tmp_path


def test_a_warehouse_that_is_no_local_folder_needs_the_setting(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"s3a://b/w: it is no local folder, .* name it with --set train.work_folder"):
        work_folder(None, "s3a://b/w", DEFAULT)
    for name in ("relative", str(tmp_path / "missing")):
        with pytest.raises(UsageError, match=rf"train.work_folder = {name}: it must be the absolute path"):
            work_folder(None, "s3a://b/w", TrainSettings(work_folder=name))
