from __future__ import annotations

import sys
from pathlib import Path

import pytest

from jobs.warehouse import session
from udfs.cache_folder import class_archive


def test_the_logging_configuration_that_spark_is_given_exists() -> None:
    """Spark ignores a missing file and logs everything to standard error."""
    assert session._LOGGING.is_file()


def test_java_is_given_the_archive_that_set_up_makes_only_if_there_is_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert session._archive_options() == ""
    class_archive(tmp_path).touch()
    assert f'"-XX:SharedArchiveFile={tmp_path}/spark-classes.jsa"' in session._archive_options()
