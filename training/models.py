"""A model of the registry: loaded, or as an entry of the list of models."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.attributes import NO_ATTRIBUTES, AttributeModel
from schemas.bundle import BundleSpec, NoiseModel


@dataclass(frozen=True)
class Model:
    """A registered model with its bundle on this machine.

    Attributes:
        version: its version in the registry.
        bundle: the folder of the bundle.
        spec, noise, attributes: the contents of the bundle.
    """

    version: str
    bundle: str
    spec: BundleSpec
    noise: NoiseModel
    attributes: AttributeModel = NO_ATTRIBUTES


@dataclass(frozen=True)
class ModelSummary:
    """An entry of the list of models.

    Attributes:
        version: its version.
        champion: whether it is the champion.
        created: UTC milliseconds since 1970.
        figures: metrics of the training run.
        tags: data version, settings and similar.
        card: path or URI of the model card; None for models of earlier versions.
    """

    version: str
    champion: bool
    created: int
    figures: dict[str, float]
    tags: dict[str, str]
    card: str | None = None
