"""One sentence about an unexpected error."""

from __future__ import annotations

import pytest
from pyspark.errors import PythonException

from jobs.console.root_cause import root_cause
from schemas.errors import FailedError

WORKER = """
  An exception was thrown from the Python worker. Please see the stack trace below.
Traceback (most recent call last):
  File "/somewhere/udfs/classify.py", line 12, in judge
    raise ValueError("the model has 3 categories: where 4 were wanted")
ValueError: the model has 3 categories: where 4 were wanted

	at org.apache.spark.api.python.BasePythonRunner.handlePythonException(PythonRunner.scala:581)
"""


def test_the_message_of_a_project_error_is_kept() -> None:
    assert root_cause(FailedError("listings: nothing to do.\nTry again.")) == "listings: nothing to do.\nTry again."


def test_the_innermost_cause_counts() -> None:
    error = RuntimeError("the write failed")
    error.__cause__ = OSError(28, "No space left on device")
    assert root_cause(error) == "OSError: [Errno 28] No space left on device"


def test_a_workers_traceback_is_reduced_to_its_last_error() -> None:
    error = PythonException(WORKER)
    assert root_cause(error) == "ValueError: the model has 3 categories: where 4 were wanted"


@pytest.mark.parametrize(("error", "words"), [(KeyError(), "KeyError"), (ValueError("x" * 900), "…")])
def test_the_message_is_short_and_never_empty(error: Exception, words: str) -> None:
    said = root_cause(error)
    assert words in said
    assert len(said) <= 500
