"""Which model a new one is compared with."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from jobs.train import _champion
from schemas.errors import BundleFormatError, FailedError
from training.registry import Registry

OLD = "bundle.json has format 2, but this version reads format 3: train a new model."


class Shelf:
    """A registry with one model in force, or none."""

    def __init__(self, version: str | None, readable: bool = True) -> None:
        self.version, self.readable = version, readable

    def find_champion(self) -> str | None:
        return self.version

    def model(self, version: str) -> SimpleNamespace:
        if not self.readable:
            raise BundleFormatError(OLD)
        return SimpleNamespace(bundle=f"/models/{version}")


def champion(shelf: Shelf) -> tuple[tuple[str, str] | None, list[str]]:
    said: list[str] = []
    return _champion(cast("Registry", shelf), said.append), said


def test_the_model_in_force_is_the_rival() -> None:
    assert champion(Shelf("4")) == (("4", "/models/4"), [])
    assert champion(Shelf(None)) == (None, [])


def test_a_champion_of_an_older_format_is_replaced_and_that_is_said() -> None:
    rival, said = champion(Shelf("4", readable=False))
    assert rival is None
    assert said == [f"the new model replaces champion 4 without a comparison: {OLD}"]


def test_a_champion_that_cannot_be_fetched_ends_the_training() -> None:
    class Broken(Shelf):
        def model(self, version: str) -> SimpleNamespace:
            raise FailedError(f"version {version} cannot be fetched")

    with pytest.raises(FailedError, match="cannot be fetched"):
        champion(Broken("4"))
