"""Models are kept by a real MLflow server, for warehouses that are no folder."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conf.settings import RegistrySettings
from tests.programs import guarded
from training.digest import ChangedBundleError
from training.registry import open_registry

pytestmark = pytest.mark.thorough


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The address of a server that keeps models in the folder `kept`."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    store = f"sqlite:///{tmp_path}/models.db"
    words = ("server", "--port", str(port), "--workers", "1", "--backend-store-uri", store)
    with guarded() as mark, (tmp_path / "server.log").open("wb") as log:
        subprocess.Popen(
            [sys.executable, "-m", "mlflow", *words, "--artifacts-destination", str(tmp_path / "kept")],
            env=os.environ | mark, stdout=log, stderr=log,
        )  # fmt: skip
        address = f"http://127.0.0.1:{port}"
        _wait_for(f"{address}/health")
        yield address


def _wait_for(address: str) -> None:
    end = time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310 - our own server
        except OSError:
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.5)
        else:
            return


class _LoadedError(Exception):
    """Raised in place of reading a bundle."""


def test_a_model_is_registered_promoted_and_loaded_unless_its_files_have_changed(
    server: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(folder: str) -> None:
        raise _LoadedError((Path(folder) / "spec.json").read_text())

    monkeypatch.setattr("training.registry.load_spec", load)
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "spec.json").write_text("{}")
    registry = open_registry(None, "s3a://shop/w", RegistrySettings(tracking_uri=server))
    nothing: dict[str, Any] = {"params": {}, "figures": {"loss": 0.5}, "curves": {}, "by_category": {}, "tags": {}}
    assert registry.register(str(tmp_path / "bundle"), **nothing, card="# Card\n") == "1"
    registry.promote("1")
    assert registry.champion_version() == "1"
    with pytest.raises(_LoadedError, match=r"^\{\}$"):
        registry.model("1")
    assert capfd.readouterr().out == "", "a summary as JSON is alone on standard output"
    [kept] = (tmp_path / "kept").rglob("spec.json")
    kept.write_text("[]")
    with pytest.raises(ChangedBundleError):
        registry.model("1")
