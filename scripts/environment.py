"""Creates and repairs the virtual environments: `python -m scripts.environment [airflow]`; `make setup` calls it.

A stamp, written last, records what an environment was made from. If that has changed, or a package, one of its files,
a jar or the weights of the picture encoder are missing, the environment is updated; if an update is not enough, it is
created again. If nothing is wrong, this takes about a second.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts import class_archive, delta_jars, horovod_wheel, htmx, packages, picture_encoder
from scripts.console import LOG, ROOT, SetupError, UnavailableError, say, step, stop_on_termination
from udfs.cache_folder import cache_folder
from udfs.encoders.files import weights_path

REQUIREMENTS = ROOT / "requirements"
CACHE = cache_folder()


def main() -> int:
    """Create or repair the environment named on the command line; returns the exit code."""
    stop_on_termination()
    if sys.version_info[:2] != (3, 11):
        say(f"the environment is for Python 3.11, this is {platform.python_version()}: start it with `make setup`")
        return 1
    try:
        if sys.argv[1:] == ["airflow"]:
            _ensure(ROOT / ".venv-airflow", _airflow_problems, _make_airflow)
        else:
            _ensure(ROOT / ".venv", _project_problems, _make_project)
    except SetupError as error:
        say(f"set-up failed: {error}")
        return 1
    return 0


def _ensure(environment: Path, problems: Callable[[Path], list[str]], make: Callable[[Path], None]) -> None:
    stamp = environment / "made-from"
    wanted = _inputs()
    if stamp.is_file() and stamp.read_text(encoding="ascii") == wanted and not problems(environment):
        say(f"{environment.name} is up to date")
        return
    started = time.monotonic()
    with _lock():
        LOG.unlink(missing_ok=True)
        for recreate in (False, True):
            if not recreate and not packages.usable(environment):
                continue
            say(f"{environment.name}: {'creating it' if recreate else 'updating it'}")
            stamp.unlink(missing_ok=True)
            if recreate:
                with step(f"an environment with Python {platform.python_version()}, and uv"):
                    packages.create(environment)
            try:
                make(environment)
                found = problems(environment)
            except SetupError as error:
                if recreate or isinstance(error, UnavailableError):
                    raise
                found = [str(error)]
            if not found:
                stamp.write_text(wanted, encoding="ascii")
                say(f"{environment.name} is up to date after {time.monotonic() - started:.0f} s")
                return
            say("  " + "\n  ".join(found[:5]))
    raise SetupError(f"{environment.name} still has problems; the complete output: {LOG}")


def _make_project(environment: Path) -> None:
    packages.install_uv(environment)
    lock = REQUIREMENTS / "dev.txt"
    versions = packages.locked(lock)
    with step(f"{len(versions)} packages"):
        packages.sync(environment, lock)
    horovod_wheel.install(environment, versions["tensorflow-cpu"], CACHE / "wheels")
    if _jars_missing():
        delta_jars.fetch(environment, CACHE / "jars", versions["delta-spark"])
    if picture_encoder.missing(weights_path()):
        picture_encoder.fetch(environment, weights_path())
    if htmx.missing(CACHE / "htmx"):
        htmx.fetch(CACHE / "htmx")
    with step("the project itself"):
        packages.uv(
            environment, "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--editable", ROOT
        )
    try:
        class_archive.make(environment)
    except SetupError as error:
        say(f"  Spark will start some seconds later than it could: {error}")


def _project_problems(environment: Path) -> list[str]:
    wanted = packages.locked(REQUIREMENTS / "dev.txt") | packages.locked(horovod_wheel.LOCK)
    found = packages.problems(environment, wanted)
    if not (environment / "bin" / "catalog-cleaner").is_file():
        found.append("the command catalog-cleaner is missing")
    if _jars_missing():
        found.append("Delta's jars are missing or damaged")
    if picture_encoder.missing(weights_path()):
        found.append("the picture encoder's weights are missing or damaged")
    if htmx.missing(CACHE / "htmx"):
        found.append("htmx is missing or damaged")
    return found


def _make_airflow(environment: Path) -> None:
    packages.install_uv(environment)
    with step("Airflow's packages"):
        packages.sync(environment, REQUIREMENTS / "airflow.txt")


def _airflow_problems(environment: Path) -> list[str]:
    return packages.problems(environment, packages.locked(REQUIREMENTS / "airflow.txt"))


def _jars_missing() -> bool:
    if "CATALOG_CLEANER_JARS" in os.environ:  # a folder that the user names is not checked
        return False
    delta = packages.locked(REQUIREMENTS / "dev.txt")["delta-spark"]
    return delta_jars.missing(delta_jars.folder(CACHE / "jars", delta))


def _inputs() -> str:
    """The hash of everything that an environment is made from."""
    files = [*REQUIREMENTS.glob("*.txt"), *(ROOT / "scripts").glob("*.py"), ROOT / "setup.py", ROOT / "pyproject.toml"]
    digest = hashlib.sha256(f"{ROOT} {sys.executable} {sys.version}".encode())
    for file in sorted(files):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()


@contextmanager
def _lock() -> Iterator[None]:
    """Wait until no other set-up of this user runs, nor a program left by a killed one."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "setup.lock").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another set-up is running; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main())
