"""The model registry: a missing champion, a registry that does not answer, and private folders."""

from __future__ import annotations

import socket
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities.model_registry import ModelVersion, ModelVersionTag

from conf.settings import RegistrySettings
from schemas.errors import FailedError
from training.bundle_changes import changing_bundle
from training.digest import ChangedBundleError
from training.models import ModelSummary
from training.private_folder import private_folder
from training.registry import Registry, RegistryError, RegistryUnavailableError, open_registry
from udfs.encoders.files import files_digest


def test_a_new_registry_has_no_champion(tmp_path: Path) -> None:
    registry = open_registry(tmp_path, str(tmp_path), RegistrySettings())
    assert registry.find_champion() is None
    with pytest.raises(RegistryError, match="catalog-cleaner train"):
        registry.champion_version()


@pytest.mark.parametrize("version", ["7", "seven"])
def test_a_version_that_does_not_exist_is_named(version: str, tmp_path: Path) -> None:
    registry = open_registry(tmp_path, str(tmp_path), RegistrySettings())
    with pytest.raises(RegistryError, match=f"no version '{version}'"):
        registry.model(version)


def test_a_version_names_its_card_also_after_the_warehouse_has_moved(tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "spec.json").write_text("{}")
    before, after = tmp_path / "before", tmp_path / "after"
    registry = open_registry(before, str(before), RegistrySettings())
    nothing: dict[str, Any] = {"params": {}, "figures": {}, "curves": {}, "by_category": {}, "tags": {}}
    registry.register(str(tmp_path / "bundle"), **nothing, card="# Card\n")
    registry.register(str(tmp_path / "bundle"), **nothing)
    before.rename(after)
    models = {model.version: model for model in open_registry(after, str(after), RegistrySettings()).models()}
    assert models["2"].card is None
    card = Path(str(models["1"].card))
    assert card.is_relative_to(after)
    assert card.read_text() == "# Card\n"


def test_a_registry_that_does_not_answer_is_an_error_and_not_a_missing_champion(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    registry = open_registry(None, "ignored", RegistrySettings(tracking_uri="http://127.0.0.1:9"))
    with pytest.raises(RegistryUnavailableError, match="does not answer"):
        registry.find_champion()
    with pytest.raises(RegistryUnavailableError, match="does not answer"):
        registry.model("1")
    with pytest.raises(RegistryUnavailableError, match="does not answer"):
        registry.register("bundle", params={}, figures={}, curves={}, by_category={}, tags={})


def test_a_registry_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "120")  # so that what opening sets is taken back
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_TIMEOUT")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        registry = open_registry(None, "ignored", RegistrySettings(tracking_uri=uri, timeout_seconds=20))
        began = time.monotonic()
        with pytest.raises(RegistryUnavailableError, match="does not answer"):
            registry.find_champion()
    assert time.monotonic() - began < 5, "one of four attempts, without the pauses between them"


class _LoadedError(Exception):
    """Raised in place of reading a bundle."""


@pytest.fixture
def registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A registry whose version 3 is in the folder `bundle`."""
    bundle = tmp_path / "bundle"
    (bundle / "text").mkdir(parents=True)
    (bundle / "spec.json").write_text("{}")
    (bundle / "text" / "saved_model.pb").write_bytes(b"graph")
    tag: Callable[[str, str], ModelVersionTag] = ModelVersionTag
    tags = {"bundle": "bundle", "bundle_sha256": files_digest(bundle)}
    version = ModelVersion("catalog-cleaner", "3", 0, tags=[tag(*each) for each in tags.items()])

    def load(_: str) -> None:
        raise _LoadedError

    monkeypatch.setattr("training.registry.load_spec", load)
    monkeypatch.setattr("mlflow.MlflowClient", lambda *_: None)  # its store takes seconds to create
    registry = Registry("no store", tmp_path, RegistrySettings())
    monkeypatch.setattr(registry, "_version", lambda _: version)
    return registry


def test_a_bundle_that_is_as_it_was_registered_is_loaded(registered: Registry) -> None:
    with pytest.raises(_LoadedError):
        registered.model("3")


@pytest.mark.parametrize("tampered", [False, True])
def test_files_are_changed_so_that_the_bundle_can_be_loaded_at_any_moment(
    registered: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tampered: bool
) -> None:
    bundle, tags = tmp_path / "bundle", registered._version("3").tags
    monkeypatch.setattr(registered, "models", lambda: [ModelSummary("3", True, 0, {}, dict(tags))])
    monkeypatch.setattr(registered, "set_tag", lambda _, tag, value: tags.update({tag: value}))
    if tampered:
        (bundle / "more.py").touch()
    (tmp_path / "new").write_text("{} ")
    after = files_digest(bundle, {bundle / "spec.json": tmp_path / "new"})
    refusal = ChangedBundleError if tampered else _LoadedError
    with changing_bundle(registered, tmp_path, bundle, after):
        with pytest.raises(refusal):
            registered.model("3")
        (tmp_path / "new").replace(bundle / "spec.json")
        with pytest.raises(refusal):
            registered.model("3")
    with pytest.raises(refusal):
        registered.model("3")
    assert (tags["bundle_sha256"] == after) is not tampered


@pytest.mark.parametrize("damage", ["change", "add", "remove", "rename"])
def test_a_bundle_that_has_been_changed_is_not_loaded(damage: str, registered: Registry, tmp_path: Path) -> None:
    graph = tmp_path / "bundle" / "text" / "saved_model.pb"
    if damage == "change":
        graph.write_bytes(b"Graph")
    elif damage == "add":
        (tmp_path / "bundle" / "more.py").touch()
    elif damage == "remove":
        graph.unlink()
    else:
        graph.rename(tmp_path / "bundle" / "saved_model.pb")
    with pytest.raises(ChangedBundleError, match=r"version 3 in .*bundle have been changed: .*models promote"):
        registered.model("3")


def test_cached_files_are_private_in_every_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = private_folder("catalog-cleaner", "a-run")
    parts = [folder, *folder.relative_to(tmp_path).parents]
    assert folder.is_dir()
    modes = {stat.S_IMODE((tmp_path / part).stat().st_mode) for part in parts if str(part) != "."}
    assert modes == {0o700}


def test_a_private_folder_that_is_a_link_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    own = private_folder()
    own.rmdir()
    own.symlink_to(tmp_path)
    with pytest.raises(FailedError, match="belongs to another user or is a link"):
        private_folder("catalog-cleaner")
