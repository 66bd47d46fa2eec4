"""The champion: which one a new model is compared with, and when another model replaces it."""

from __future__ import annotations

import datetime as dt
from contextlib import nullcontext
from functools import partial
from types import SimpleNamespace
from typing import cast

import pytest

from jobs import models
from jobs.console.job import Job
from jobs.features.updating import find_champion
from jobs.train import promote_instead
from jobs.warehouse.signing import Fence, Fences
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

    def promote(self, version: str) -> None:
        self.version = version

    def rollback(self) -> str:
        self.version = "3"
        return "3"


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


@pytest.mark.parametrize(
    ("compared_with", "now", "promoted"), [("4", "4", True), ("4", "5", False), (None, "5", False)]
)
def test_a_model_only_replaces_the_champion_that_it_was_compared_with(
    compared_with: str | None, now: str, promoted: bool
) -> None:
    registry = FakeRegistry(now)
    assert promote_instead(cast("Registry", registry), "6", compared_with) is promoted
    assert registry.version == ("6" if promoted else now)


def test_a_job_that_has_lost_the_lease_changes_no_champion(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost() -> None:
        raise FailedError("this job has lost the lease")

    registry, fences = FakeRegistry("4"), Fences()
    fences.held = Fence(1, lost)
    job = SimpleNamespace(
        warehouse=SimpleNamespace(fences=fences), started_at=dt.datetime.now(dt.UTC), require_listings=lambda: None
    )
    monkeypatch.setattr(models, "run_context", lambda *_: nullcontext(SimpleNamespace()))
    monkeypatch.setattr(models, "_registry", lambda _: registry)
    for change in (partial(models.promote, cast("Job", job), "6"), partial(models.rollback, cast("Job", job))):
        with pytest.raises(FailedError, match="lost the lease"):
            change()
    assert registry.version == "4"
