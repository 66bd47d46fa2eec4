"""MLflow, and nothing else: runs, the registered bundles, and the alias of the one in force."""

from __future__ import annotations

import logging
import os
import re
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
from training.models import Model, ModelSummary
from training.package_files import copy_package
from training.private_folder import private_folder
from udfs.bundle import load_noise, load_spec
from udfs.pyfunc import INPUTS

CHAMPION = "champion"
_BUNDLE_TAG = "bundle"
"""The bundle's path below the registry's folder: what MLflow keeps is absolute, and wrong in a copied warehouse."""
_MISSING = re.compile(r"alias \S+ not found|'version' must be an integer")
_PREVIOUS_TAG = "previous_champion"
_CODE = ("schemas", "udfs")
_REQUIREMENTS = ("tensorflow-cpu", "numpy", "scipy", "scikit-learn", "pillow", "pyarrow", "pandas", "pyspark")


class RegistryError(UsageError):
    """Raised when a model is asked for that does not exist."""


class RegistryUnavailableError(FailedError):
    """Raised when the registry does not answer, or answers with an error of its own."""


class Registry:
    """Models of one warehouse, or of a tracking server."""

    def __init__(self, uri: str, folder: Path | None, settings: RegistrySettings) -> None:
        """Connect; `open_registry` decides where.

        Args:
            uri: of tracking and registry.
            folder: of the local store; None for a server.
            settings: the names of model and experiment.
        """
        self._uri, self._folder, self._settings = uri, folder, settings
        self._client = mlflow.MlflowClient(uri, uri)

    def champion_version(self) -> str:
        """The version in force, resolved once; a run pins it.

        Raises:
            RegistryError: there is none.
        """
        version = self.find_champion()
        if version is None:
            raise RegistryError(f"no model of {self._uri} is in force: run `catalog-cleaner train` first.")
        return version

    def find_champion(self) -> str | None:
        """The champion's version; None if there is none.

        Raises:
            RegistryUnavailableError: the registry does not answer; that does not mean that there is no champion.
        """
        with self._translate_errors():
            try:
                return str(self._client.get_model_version_by_alias(self._settings.model_name, CHAMPION).version)
            except MlflowException as error:
                if not _is_missing(error):
                    raise
                return None

    def model(self, version: str) -> Model:
        """A version's bundle, fetched to this machine where it is not here.

        Raises:
            RegistryError: there is no such version, or its files are gone.
        """
        bundle = self._bundle(self._version(version))
        return Model(version, bundle, load_spec(bundle), load_noise(bundle))

    def models(self) -> list[ModelSummary]:
        """All versions, the newest first."""
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
            )
            for version, run in sorted(runs, key=lambda pair: -int(pair[0].version))
        ]

    def promote(self, version: str) -> None:
        """Put a version in force; the one before it stays known for `rollback`.

        Raises:
            RegistryError: there is no such version.
        """
        self._version(version)
        before = self.find_champion()
        if before == version:
            return
        if before is not None:
            self._client.set_model_version_tag(self._settings.model_name, version, _PREVIOUS_TAG, before)
        self._client.set_registered_model_alias(self._settings.model_name, CHAMPION, version)

    def rollback(self) -> str:
        """Put the version before the champion in force again.

        Returns:
            That version.

        Raises:
            RegistryError: there is no champion, or none before it.
        """
        version = self.champion_version()
        before = (self._version(version).tags or {}).get(_PREVIOUS_TAG)
        if before is None:
            raise RegistryError(f"version {version} was the first in force: there is none to go back to.")
        self._version(before)
        self._client.set_registered_model_alias(self._settings.model_name, CHAMPION, before)
        return str(before)

    def register(
        self,
        bundle: str,
        *,
        params: Mapping[str, Any],
        figures: Mapping[str, float],
        curves: Mapping[str, list[float]],
        by_category: Mapping[str, Mapping[str, float]],
        tags: Mapping[str, str],
    ) -> str:
        """Record a training run and its bundle as a new version; promotes nothing.

        Args:
            bundle: the bundle's folder; copied.
            params: how it was trained.
            figures: what was measured.
            curves: branch -> loss after each epoch.
            by_category: category -> figure -> value.
            tags: data version, settings digest and the like.

        Returns:
            The version.
        """
        _silence_mlflow()
        mlflow.set_tracking_uri(self._uri)
        mlflow.set_registry_uri(self._uri)
        with mlflow.start_run(experiment_id=self._experiment(), tags=dict(tags)) as run:
            metrics = [Metric(name, float(value), run.info.start_time, 0) for name, value in figures.items()]
            metrics += [
                Metric(f"loss {branch}", loss, run.info.start_time, epoch)
                for branch, losses in curves.items()
                for epoch, loss in enumerate(losses, 1)
            ]
            self._client.log_batch(run.info.run_id, metrics, [Param(k, str(v)) for k, v in params.items()])
            mlflow.log_dict({k: dict(v) for k, v in by_category.items()}, "by_category.json")
            with tempfile.TemporaryDirectory() as code, warnings.catch_warnings():
                warnings.filterwarnings("ignore", ".*An input example was not provided")
                logged = mlflow.pyfunc.log_model(
                    name="bundle",
                    loader_module="udfs.pyfunc",
                    data_path=bundle,
                    code_paths=[copy_package(package, Path(code)) for package in _CODE],
                    signature=ModelSignature(
                        Schema([ColSpec(kind, name, required=False) for name, kind in INPUTS.items()])
                    ),
                    pip_requirements=[f"{name}=={metadata.version(name)}" for name in _REQUIREMENTS],
                )
        version = self._new_version(logged, run.info.run_id)
        kept = {**tags, _BUNDLE_TAG: self._relative(f"{logged.artifact_path}/data/{Path(bundle).name}")}
        for name, value in kept.items():
            self._client.set_model_version_tag(self._settings.model_name, version, name, value)
        return version

    def _new_version(self, logged: ModelInfo, run_id: str) -> str:
        name = self._settings.model_name
        if not self._client.search_registered_models(f"name = '{name}'"):
            self._client.create_registered_model(name)
        return str(self._client.create_model_version(name, logged.model_uri, run_id, model_id=logged.model_id).version)

    def _version(self, version: str) -> ModelVersion:
        with self._translate_errors():
            try:
                return self._client.get_model_version(self._settings.model_name, version)
            except MlflowException as error:
                if not _is_missing(error):
                    raise
                raise RegistryError(
                    f"there is no version {version!r} of model {self._settings.model_name!r} in {self._uri}: "
                    "`catalog-cleaner models list` lists the versions."
                ) from error

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Turn the registry's own errors into a sentence.

        Raises:
            RegistryUnavailableError: it does not answer, or cannot do what it is asked for.
        """
        try:
            yield
        except (MlflowException, SQLAlchemyError) as error:
            cause = str(error).strip().splitlines()[0]
            raise RegistryUnavailableError(
                f"the model registry {self._uri} does not answer: {cause}. Nothing was changed; try again when it does."
            ) from error

    def _bundle(self, version: ModelVersion) -> str:
        where = (version.tags or {}).get(_BUNDLE_TAG, "")
        if self._folder is not None:
            path = self._folder / where
            if not where or not path.is_dir():
                raise RegistryError(
                    f"the files of model version {version.version} are not in {path}: copy the warehouse whole, "
                    "or train a new model."
                )
            return str(path)
        folder = private_folder(version.name, str(version.run_id))
        mlflow.set_tracking_uri(self._uri)
        mlflow.set_registry_uri(self._uri)
        with self._translate_errors():
            uri = f"models:/{version.name}/{version.version}"
            fetched = mlflow.artifacts.download_artifacts(uri, dst_path=str(folder))
        return str(Path(fetched) / "data" / Path(where).name)

    def _relative(self, uri: str) -> str:
        if self._folder is None:
            return uri
        path = unquote(urlsplit(uri).path) if uri.startswith("file:") else uri
        return str(Path(path).relative_to(self._folder))

    def _experiment(self) -> str:
        """The experiment's id; a copied warehouse gets one of its own, since the first would write to the original."""
        name, place = self._settings.experiment, None
        if self._folder is not None:
            place = (self._folder / "artifacts").as_uri()
            known = self._client.get_experiment_by_name(name)
            if known is not None and known.artifact_location != place:
                name = f"{name} in {self._folder}"
        known = self._client.get_experiment_by_name(name)
        return str(known.experiment_id if known is not None else self._client.create_experiment(name, place))


def open_registry(folder: Path | None, location: str, settings: RegistrySettings) -> Registry:
    """The registry that the settings name; by default a SQLite store in the warehouse's folder `mlflow`.

    Args:
        folder: the warehouse's folder on this machine; None where the warehouse is elsewhere.
        location: the warehouse's address, for messages.
        settings: the tracking server, if there is one, and the names of model and experiment.

    Raises:
        RegistryError: the warehouse is no local folder, and no tracking URI is given.
    """
    _silence_mlflow()
    if settings.tracking_uri is not None:
        return Registry(settings.tracking_uri, None, settings)
    if folder is None:
        raise RegistryError(
            f"warehouse {location} is not a folder of this machine, so it cannot keep models: set "
            "registry.tracking_uri to an MLflow server."
        )
    models = folder / "mlflow"
    models.mkdir(parents=True, exist_ok=True)
    return Registry(f"sqlite:///{models}/mlflow.db", models, settings)


def _is_missing(error: MlflowException) -> bool:
    """Whether the registry says that a model, version or alias does not exist."""
    # For an alias MLflow has no code of its own, and a version that is no number is none.
    return error.error_code == "RESOURCE_DOES_NOT_EXIST" or (
        error.error_code == "INVALID_PARAMETER_VALUE" and bool(_MISSING.search(str(error)))
    )


def _silence_mlflow() -> None:
    """Neither progress bars nor migration logs in our output, and no word to MLflow's makers."""
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
