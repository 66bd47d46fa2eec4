"""Brings the table features up to date: encodes what is missing, and retires what is no longer needed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from jobs.console.job import Job
from jobs.features.encoders import Encoder, bundled_encoder, configured_encoder
from jobs.features.encoding import encode_pictures
from jobs.features.retiring import retire_features
from jobs.features.steps.selection import Change
from jobs.lifecycle.run_context import RunContext
from schemas.errors import BundleFormatError
from training.models import Model
from training.registry import Registry


@dataclass(frozen=True)
class EncodersInUse:
    """The encoders whose vectors a warehouse needs.

    Attributes:
        configured: the encoder that the settings name; the next model uses it.
        champion: the champion; None if there is none that this version can read.
    """

    configured: Encoder
    champion: Model | None

    @property
    def all(self) -> list[Encoder]:
        """The configured encoder, and the champion's if it is another one."""
        found = [self.configured]
        if self.champion is not None and self.champion.spec.encoder != self.configured.spec.identity:
            found.append(bundled_encoder(self.champion.bundle))
        return found


def encoders_in_use(job: Job, registry: Registry, listings_version: int, folder: Path) -> EncodersInUse:
    """Find the encoders whose vectors the warehouse needs.

    Args:
        job: the command's job.
        registry: the models of the warehouse.
        listings_version: Delta version of listings.
        folder: the configured encoder's new folder; replaced if it exists.

    Raises:
        UsageError: the configured encoder does not exist, its files are damaged, or it does not fit the size.
        FailedError: the registry is not available.
    """
    champion = find_champion(registry, job.print_progress)
    return EncodersInUse(configured_encoder(job.warehouse, job.settings, listings_version, folder), champion)


def find_champion(registry: Registry, print_progress: Callable[[str], None]) -> Model | None:
    """The champion; None if there is none. One that this version cannot read is ignored, with a message."""
    version = registry.find_champion()
    if version is None:
        return None
    try:
        return registry.model(version)
    except BundleFormatError as error:
        print_progress(f"champion {version} is ignored, and a new model replaces it without a comparison: {error}")
        return None


def update_features(
    run: RunContext, encoders: Collection[Encoder], listings_version: int, *, others: bool
) -> dict[str, int]:
    """Encode the pictures that are missing, then mark and delete the vectors that are no longer needed.

    Args:
        run: the run.
        encoders: encoders in use.
        listings_version: Delta version of listings; its listings in force are encoded.
        others: whether vectors of other encoders are no longer needed (`retire_features`).

    Returns:
        Numbers of rows: encoded, copied, superseded, restored, deleted.

    Raises:
        FailedError: another job holds the lock.
    """
    done = [encode_pictures(run, encoder, listings_version) for encoder in encoders]
    counts = {"encoded": sum(each.encoded for each in done), "copied": sum(each.copied for each in done)}
    retired = retire_features(run, {each.spec.identity for each in encoders}, others=others)
    return counts | {f"{change}d": retired.get(change, 0) for change in Change}
