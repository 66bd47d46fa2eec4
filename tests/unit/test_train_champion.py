"""The model that a new one is compared with."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from jobs.features.updating import find_champion
from schemas.errors import BundleFormatError, FailedError
from training.models import Model
from training.registry import Registry

OLD = "bundle.json has format 2, but this version reads format 3: train a new model."


class FakeRegistry:
    """A registry with one champion, or none."""

    def __init__(self, version: str | None, readable: bool = True) -> None:
        self.version, self.readable = version, readable

    def find_champion(self) -> str | None:
        return self.version

    def model(self, version: str) -> SimpleNamespace:
        if not self.readable:
            raise BundleFormatError(OLD)
        return SimpleNamespace(version=version)


def champion(registry: FakeRegistry) -> tuple[Model | None, list[str]]:
    said: list[str] = []
    return find_champion(cast("Registry", registry), said.append), said


def test_a_new_model_is_compared_with_the_champion() -> None:
    rival, said = champion(FakeRegistry("4"))
    assert rival is not None
    assert (rival.version, said) == ("4", [])
    assert champion(FakeRegistry(None)) == (None, [])


def test_a_champion_of_an_older_format_is_replaced_with_a_message() -> None:
    rival, said = champion(FakeRegistry("4", readable=False))
    assert rival is None
    assert said == [f"champion 4 is ignored, and a new model replaces it without a comparison: {OLD}"]


def test_a_champion_that_cannot_be_loaded_fails_the_training() -> None:
    class Broken(FakeRegistry):
        def model(self, version: str) -> SimpleNamespace:
            raise FailedError(f"version {version} cannot be fetched")

    with pytest.raises(FailedError, match="cannot be fetched"):
        champion(Broken("4"))
