from __future__ import annotations

from jobs.warehouse import session


def test_the_logging_configuration_that_spark_is_given_exists() -> None:
    """Spark ignores a missing file and logs everything to standard error."""
    assert session._LOGGING.is_file()
