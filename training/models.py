"""A model of the registry: ready to be used, or as a line of the list of models."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.bundle import BundleSpec, NoiseModel


@dataclass(frozen=True)
class Model:
    """A registered model, ready to be used.

    Attributes:
        version: its version in the registry.
        bundle: its bundle's folder on this machine.
        spec, noise: what the bundle holds.
    """

    version: str
    bundle: str
    spec: BundleSpec
    noise: NoiseModel


@dataclass(frozen=True)
class ModelSummary:
    """A line of the list of models.

    Attributes:
        version: its version.
        champion: whether it is in force.
        created: UTC milliseconds since 1970.
        figures: what training measured.
        tags: data version, settings and the like.
    """

    version: str
    champion: bool
    created: int
    figures: dict[str, float]
    tags: dict[str, str]
