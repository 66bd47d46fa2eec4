"""The errors that end a command, with their exit codes. The user reads the message."""

from __future__ import annotations


class CleanerError(Exception):
    """Base class of all errors that a command reports as a message instead of a traceback."""

    exit_code = 1


class FailedError(CleanerError):
    """Raised when a run cannot continue; nothing was published. Exit code 1."""


class HeldError(FailedError):
    """Raised when another job holds the warehouse, or the store of the review page. Exit code 1."""


class BundleFormatError(FailedError):
    """Raised when a model has a format that this version cannot read. Exit code 1."""


class UsageError(CleanerError):
    """Raised when a command is used incorrectly, or when something it requires does not exist. Exit code 2."""

    exit_code = 2


class RefusedError(CleanerError):
    """Raised when a gate or limit refuses to publish. Exit code 3."""

    exit_code = 3
