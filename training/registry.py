"""The only module that uses MLflow: it records training runs, registers bundles and moves the champion alias."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import mlflow
from mlflow.entities import Metric, Param
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models.model import ModelInfo
from mlflow.models.signature import ModelSignature
from mlflow.types.schema import ColSpec, Schema
from sqlalchemy.exc import SQLAlchemyError

from conf.settings import RegistrySettings
from schemas.errors import FailedError, UsageError
from training.digest import BUNDLE_TAG, DIGEST_TAG, check_bundle
from training.mlflow_process import limit_waiting, silence_mlflow
from training.model_card import CARD_FILE, CARD_TAG
from training.models import Model, ModelSummary
from training.package_files import copy_package
from training.private_folder import private_folder
from udfs.attributes import load_attributes
from udfs.bundle import load_noise, load_spec
from udfs.encoders.files import files_digest
from udfs.pyfunc import INPUTS

CHAMPION = "champion"
_PREVIOUS_TAG = "previous_champion"
_CODE_PACKAGES = ("schemas", "udfs")
_REQUIREMENTS = ("tensorflow-cpu", "numpy", "scipy", "scikit-learn", "pillow", "pyarrow", "pandas", "pyspark")


class RegistryError(UsageError):
    """Raised when a requested model does not exist."""


class RegistryUnavailableError(FailedError):
    """Raised when the registry does not answer or fails."""


class Registry:
    """The models of one warehouse, or of an MLflow server."""

    def __init__(self, uri: str, folder: Path | None, settings: RegistrySettings) -> None:
        """Connect to a registry; use `open_registry` to choose it from the settings.

        Args:
            uri: the MLflow tracking and registry URI.
            folder: the folder of a local store; None for a server.
            settings: the names of model and experiment.
        """
        self._uri, self._folder, self._settings = uri, folder, settings
        self._client = mlflow.MlflowClient(uri, uri)

    def champion_version(self) -> str:
        """The version of the champion.

        Raises:
            RegistryError: there is no champion.
        """
        version = self.find_champion()
        if version is None:
            raise RegistryError(f"{self._uri} has no champion: run `catalog-cleaner train` first.")
        return version

    def find_champion(self) -> str | None:
        """The version of the champion; None if there is no champion.

        Raises:
            RegistryUnavailableError: the registry does not answer; that does not mean that there is no champion.
        """
        with self._translate_errors():
            try:
                # Look the alias up in the model: MLflow has no error code for a missing alias.
                aliases = self._client.get_registered_model(self._settings.model_name).aliases
            except MlflowException as error:
                if not _is_missing(error):
                    raise
                return None
        return str(aliases[CHAMPION]) if CHAMPION in aliases else None

    def model(self, version: str) -> Model:
        """Load a version's bundle; it is downloaded if the registry is remote.

        Raises:
            RegistryError: the version does not exist, or its files are missing.
            ChangedBundleError: the files are not those that were registered. Nothing of them has been loaded.
        """
        registered = self._version(version)
        bundle = self._bundle(registered)
        check_bundle(bundle, version, (registered.tags or {}).get(DIGEST_TAG))
        return Model(version, bundle, load_spec(bundle), load_noise(bundle), load_attributes(Path(bundle)))

    def models(self) -> list[ModelSummary]:
        """All versions, newest first."""
        champion = self.find_champion()
        with self._translate_errors():
            found = self._client.search_model_versions(f"name = '{self._settings.model_name}'")
            runs = [(version, self._client.get_run(str(version.run_id))) for version in found]
        return [
            ModelSummary(
                version=str(version.version),
                champion=str(version.version) == champion,
                created=version.creation_timestamp,
                figures=dict(run.data.metrics),
                tags=dict(version.tags or {}),
                card=self._place((version.tags or {}).get(CARD_TAG)),
            )
            for version, run in sorted(runs, key=lambda pair: -int(pair[0].version))
        ]

    def promote(self, version: str) -> None:
        """Make a version the champion; the previous champion is remembered for `rollback`.

        Raises:
            RegistryError: there is no such version.
        """
        self._version(version)
        before = self.find_champion()
        if before == version:
            return
        with self._translate_errors():
            if before is not None:
                self._client.set_model_version_tag(self._settings.model_name, version, _PREVIOUS_TAG, before)
            self._client.set_registered_model_alias(self._settings.model_name, CHAMPION, version)

    def rollback(self) -> str:
        """Make the previous champion the champion again.

        Returns:
            Its version.

        Raises:
            RegistryError: there is no champion, or no previous champion.
        """
        version = self.champion_version()
        before = (self._version(version).tags or {}).get(_PREVIOUS_TAG)
        if before is None:
            raise RegistryError(f"version {version} was the first champion, so there is no earlier one to go back to.")
        self._version(before)
        with self._translate_errors():
            self._client.set_registered_model_alias(self._settings.model_name, CHAMPION, before)
        return str(before)

    def set_tag(self, version: str, tag: str, value: str) -> None:
        """Set a tag of a version."""
        with self._translate_errors():
            self._client.set_model_version_tag(self._settings.model_name, version, tag, value)

    def register(
        self,
        bundle: str,
        *,
        params: Mapping[str, Any],
        figures: Mapping[str, float],
        curves: Mapping[str, list[float]],
        by_category: Mapping[str, Mapping[str, float]],
        tags: Mapping[str, str],
        card: str | None = None,
    ) -> str:
        """Record a training run and register its bundle as a new version, without promoting it.

        Args:
            bundle: the bundle's folder; its files are copied.
            params: hyperparameters.
            figures: metric -> value.
            curves: branch -> loss after each epoch, or once for the text branch.
            by_category: category -> metric -> value.
            tags: data version, settings digest and similar.
            card: the model card (`training.model_card`); None: there is none.

        Returns:
            The new version.

        Raises:
            RegistryUnavailableError: the registry does not answer.
        """
        silence_mlflow()
        mlflow.set_tracking_uri(self._uri)
        mlflow.set_registry_uri(self._uri)
        with self._translate_errors():
            with mlflow.start_run(experiment_id=self._experiment(), tags=dict(tags)) as run:
                metrics = [Metric(name, float(value), run.info.start_time, 0) for name, value in figures.items()]
                metrics += [
                    Metric(f"loss {branch}", loss, run.info.start_time, epoch)
                    for branch, losses in curves.items()
                    for epoch, loss in enumerate(losses, 1)
                ]
                self._client.log_batch(run.info.run_id, metrics, [Param(k, str(v)) for k, v in params.items()])
                mlflow.log_dict({k: dict(v) for k, v in by_category.items()}, "by_category.json")
                if card is not None:
                    mlflow.log_text(card, CARD_FILE)
                with tempfile.TemporaryDirectory() as code, warnings.catch_warnings():
                    warnings.filterwarnings("ignore", ".*An input example was not provided")
                    logged = mlflow.pyfunc.log_model(
                        name="bundle",
                        loader_module="udfs.pyfunc",
                        data_path=bundle,
                        code_paths=[copy_package(package, Path(code)) for package in _CODE_PACKAGES],
                        signature=ModelSignature(
                            Schema([ColSpec(kind, name, required=False) for name, kind in INPUTS.items()])
                        ),
                        pip_requirements=[f"{name}=={metadata.version(name)}" for name in _REQUIREMENTS],
                    )
            path = self._relative(f"{logged.artifact_path}/data/{Path(bundle).name}")
            version_tags = {**tags, BUNDLE_TAG: path, DIGEST_TAG: files_digest(Path(bundle))}
            if card is not None:
                version_tags[CARD_TAG] = self._relative(f"{run.info.artifact_uri}/{CARD_FILE}")
            return self._new_version(logged, run.info.run_id, version_tags)

    def _new_version(self, logged: ModelInfo, run_id: str, tags: dict[str, str]) -> str:
        name = self._settings.model_name
        if not self._client.search_registered_models(f"name = '{name}'"):
            self._client.create_registered_model(name)
        # With its tags in one step, so that a killed training leaves no version whose files cannot be found.
        version = self._client.create_model_version(name, logged.model_uri, run_id, tags, model_id=logged.model_id)
        return str(version.version)

    def _version(self, version: str) -> ModelVersion:
        with self._translate_errors():
            try:
                if version.isdecimal():
                    return self._client.get_model_version(self._settings.model_name, version)
            except MlflowException as error:
                if not _is_missing(error):
                    raise
            raise RegistryError(
                f"there is no version {version!r} of model {self._settings.model_name!r} in {self._uri}: "
                "`catalog-cleaner models list` lists the versions."
            )

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Translate MLflow's errors into a message for the user.

        Raises:
            RegistryUnavailableError: the registry does not answer, or its answer is an error.
        """
        try:
            yield
        except (MlflowException, SQLAlchemyError) as error:
            cause = str(error).strip().splitlines()[0]
            raise RegistryUnavailableError(
                f"the model registry {self._uri} does not answer: {cause}. Try again later."
            ) from error

    def _bundle(self, version: ModelVersion) -> str:
        bundle_path = (version.tags or {}).get(BUNDLE_TAG, "")
        if self._folder is not None:
            path = self._folder / bundle_path
            if not bundle_path or not path.is_dir():
                raise RegistryError(
                    f"the files of model version {version.version} are not in {path}: copy the whole warehouse, "
                    "or train a new model."
                )
            return str(path)
        folder = private_folder(version.name, str(version.run_id))
        mlflow.set_tracking_uri(self._uri)
        mlflow.set_registry_uri(self._uri)
        with self._translate_errors():
            uri = f"models:/{version.name}/{version.version}"
            downloaded = mlflow.artifacts.download_artifacts(uri, dst_path=str(folder))
        return str(Path(downloaded) / "data" / Path(bundle_path).name)

    def _place(self, path: str | None) -> str | None:
        """Where a file is whose path `_relative` has made."""
        return path if path is None or self._folder is None else str(self._folder / path)

    def _relative(self, uri: str) -> str:
        if self._folder is None:
            return uri
        path = unquote(urlsplit(uri).path) if uri.startswith("file:") else uri
        return str(Path(path).relative_to(self._folder))

    def _experiment(self) -> str:
        """The experiment's id. A copied warehouse gets a new experiment, because the old one writes to the original."""
        name, location = self._settings.experiment, None
        if self._folder is not None:
            location = (self._folder / "artifacts").as_uri()
            known = self._client.get_experiment_by_name(name)
            if known is not None and known.artifact_location != location:
                name = f"{name} in {self._folder}"
        known = self._client.get_experiment_by_name(name)
        return str(known.experiment_id if known is not None else self._client.create_experiment(name, location))


def open_registry(folder: Path | None, location: str, settings: RegistrySettings) -> Registry:
    """Open the registry that the settings name; by default a SQLite store in the folder `mlflow` of the warehouse.

    Args:
        folder: the warehouse's folder on this machine; None if the warehouse is not local.
        location: the warehouse's address, for messages.
        settings: the URI of the MLflow server, if any, and the names of model and experiment.

    Raises:
        RegistryError: the warehouse is not a local folder, and no tracking URI is given.
    """
    silence_mlflow()
    if settings.tracking_uri is not None:
        limit_waiting(settings.timeout_seconds)
        return Registry(settings.tracking_uri, None, settings)
    if folder is None:
        raise RegistryError(
            f"warehouse {location} is not a folder of this machine, so it cannot store models: set "
            "registry.tracking_uri to the URI of an MLflow server."
        )
    models = folder / "mlflow"
    models.mkdir(parents=True, exist_ok=True)
    return Registry(f"sqlite:///{models}/mlflow.db", models, settings)


def _is_missing(error: MlflowException) -> bool:
    """Whether the registry says that a model or version does not exist."""
    return bool(error.error_code == "RESOURCE_DOES_NOT_EXIST")
