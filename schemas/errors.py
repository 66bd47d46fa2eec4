"""The errors that a command ends with, each with its exit code. Their message is what the user reads."""

from __future__ import annotations


class CleanerError(Exception):
    """Base of all errors that a command reports in a sentence instead of a traceback."""

    exit_code = 1


class FailedError(CleanerError):
    """Raised when a run cannot go on; nothing was published. Exit code 1."""


class BundleFormatError(FailedError):
    """Raised when a model was written in a format that this version does not read. Exit code 1."""


class UsageError(CleanerError):
    """Raised when a command is called wrongly, or before what it needs is there. Exit code 2."""

    exit_code = 2


class RefusedError(CleanerError):
    """Raised when a gate or limit refuses to publish. Exit code 3."""

    exit_code = 3
