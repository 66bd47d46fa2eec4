"""Changes the files of a registered bundle."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from training.digest import BUNDLE_TAG, DIGEST_TAG
from training.registry import Registry
from udfs.encoders.files import files_digest


@contextmanager
def changing_bundle(registry: Registry, folder: Path, bundle: Path, digest: str) -> Iterator[None]:
    """Change files of a registered bundle in the block, so that it can be loaded at any moment.

    Until the block ends, also if it is killed, both the files before and those afterwards count as registered. A bundle
    that is not as it was registered stays refused.

    Args:
        registry: the models.
        folder: the registry's folder.
        bundle: the bundle's folder; only the files change if the registry does not know it.
        digest: `udfs.encoders.files.files_digest` of its files after the block.

    Raises:
        RegistryUnavailableError: the registry does not answer.
    """
    found = files_digest(bundle)
    own = [model for model in registry.models() if folder / model.tags.get(BUNDLE_TAG, "") == bundle]
    registered = {model.version: model.tags.get(DIGEST_TAG, "").split() for model in own}
    intact = {version: digests for version, digests in registered.items() if found in digests}
    for version, digests in intact.items():
        registry.set_tag(version, DIGEST_TAG, " ".join([*digests, digest]))
    yield
    for version in intact:
        registry.set_tag(version, DIGEST_TAG, digest)
