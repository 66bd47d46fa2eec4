"""Whom a new model is held against."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from jobs.train import _champion
from training.registry import Registry

OLD = "bundle.json is of format 2, this version reads 3: train a new model."


class Shelf:
    """A registry with one model in force, or none."""

    def __init__(self, version: str | None, readable: bool = True) -> None:
        self.version, self.readable = version, readable

    def find_champion(self) -> str | None:
        return self.version

    def model(self, version: str) -> SimpleNamespace:
        if not self.readable:
            raise ValueError(OLD)
        return SimpleNamespace(bundle=f"/models/{version}")


def champion(shelf: Shelf) -> tuple[tuple[str, str] | None, list[str]]:
    said: list[str] = []
    return _champion(cast("Registry", shelf), said.append), said


def test_the_model_in_force_is_the_rival() -> None:
    assert champion(Shelf("4")) == (("4", "/models/4"), [])
    assert champion(Shelf(None)) == (None, [])


def test_a_champion_of_an_older_format_is_no_rival_and_that_is_said() -> None:
    rival, said = champion(Shelf("4", readable=False))
    assert rival is None
    assert said == [f"no contest, since the champion cannot be read: {OLD}"]
