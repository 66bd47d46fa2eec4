"""Whether the files of a model are those that were registered."""

from __future__ import annotations

from pathlib import Path

from schemas.errors import FailedError
from udfs.encoders.files import files_digest

BUNDLE_TAG = "bundle"
"""Tag with the bundle's path relative to the registry's folder. MLflow stores absolute paths, which are wrong in a
copied warehouse."""
DIGEST_TAG = "bundle_sha256"


class ChangedBundleError(FailedError):
    """Raised when the files of a model are not those that were registered."""


def check_bundle(bundle: str, version: str, registered: str | None) -> None:
    """Compare the files of a bundle with those that were registered, without loading any.

    Args:
        bundle: the bundle's folder.
        version: the model's version, for the message.
        registered: `udfs.encoders.files.files_digest` of the registered files; several, divided by spaces, while they
            are changed; None for a model of an earlier version of this program, which is not checked.

    Raises:
        ChangedBundleError: they differ.
    """
    found = files_digest(Path(bundle))
    if registered is not None and found not in registered.split():
        raise ChangedBundleError(
            f"the files of model version {version} in {bundle} have been changed: their SHA-256 is {found}, and "
            f"{registered} was registered. Restore them, or choose another version with `catalog-cleaner models "
            "promote`."
        )
