"""Finds the root cause of an error that was passed on by Java, Spark or Python workers."""

from __future__ import annotations

import re
from typing import Any

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException

from schemas.errors import CleanerError

_MAX_LENGTH = 500
_TRACEBACK = "Traceback (most recent call last):"
_PYTHON_ERROR = re.compile(r"^(?:[A-Za-z_][\w.]*\.)?([A-Z]\w*(?:: .*)?)$")
_JAVA_PREFIX = re.compile(r"^(?:[a-z_]\w*\.)+([A-Z][\w$]*): ")


def root_cause(error: BaseException) -> str:
    """Describe the root cause of an error: its type and message, at most 500 characters.

    The root cause is the innermost exception of a chain of Java or Python exceptions. If Spark's message contains the
    traceback of a Python worker, it is the error at the end of the traceback. The message of a `CleanerError` is
    returned as it is.
    """
    if isinstance(error, CleanerError):
        return str(error)
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, Py4JJavaError):
        text = _innermost(error.java_exception)
    elif isinstance(error, PySparkException):
        text = f"{type(error).__name__}: {error}"
    else:
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return _shorten(_python_cause(text) or text)


def _innermost(java: Any) -> str:  # noqa: ANN401 - a Java exception behind Py4J
    while java.getCause() is not None:
        java = java.getCause()
    message = str(java.getMessage() or "")
    return f"{java.getClass().getSimpleName()}: {message}" if message else str(java.getClass().getSimpleName())


def _python_cause(text: str) -> str | None:
    """The error at the end of a Python worker's traceback in a message; None if there is no traceback."""
    if _TRACEBACK not in text:
        return None
    ends = [match[1] for line in text.splitlines() if (match := _PYTHON_ERROR.match(line.strip()))]
    return ends[-1] if ends else None


def _shorten(text: str) -> str:
    """The first line, without the package of a Java exception."""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    first = _JAVA_PREFIX.sub(r"\1: ", first)
    return first if len(first) <= _MAX_LENGTH else f"{first[: _MAX_LENGTH - 1]}…"
