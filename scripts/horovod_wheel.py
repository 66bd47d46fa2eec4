"""Builds Horovod's wheel from its hashed source against the installed TensorFlow, and caches it."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path

from scripts.console import LOG, ROOT, SetupError, run, say, step
from scripts.packages import pip, uv

LOCK = ROOT / "requirements" / "horovod.txt"

_VARIABLES = {
    "HOROVOD_WITH_TENSORFLOW": "1",
    "HOROVOD_WITHOUT_PYTORCH": "1",
    "HOROVOD_WITHOUT_MXNET": "1",
    "HOROVOD_WITHOUT_MPI": "1",
    "HOROVOD_WITH_GLOO": "1",
    "HOROVOD_CPU_OPERATIONS": "GLOO",
    # Horovod's bundled Gloo declares a CMake older than CMake 4 accepts.
    "CMAKE_POLICY_VERSION_MINIMUM": "3.5",
}
# Horovod uses these instruction sets if the machine has them.
_CPU_FLAGS = ("avx", "f16c", "fma")


def install(environment: Path, tensorflow: str, cache: Path) -> None:
    """Install Horovod from a cached wheel if one matches; a wheel that cannot be imported is built again.

    Args:
        environment: a virtual environment with TensorFlow and the other packages.
        tensorflow: version of TensorFlow.
        cache: folder of the wheels, by a hash of what they were built against.

    Raises:
        SetupError: the build fails, or the wheel has no TensorFlow or Gloo support.
    """
    cache.mkdir(parents=True, exist_ok=True)
    for leftover in cache.glob("building-*"):  # left by a killed build
        shutil.rmtree(leftover, ignore_errors=True)
    built_for = _built_for(tensorflow)
    kept = cache / hashlib.sha256(built_for.encode()).hexdigest()[:16]
    wheel = _intact(kept)
    if wheel:
        with step("Horovod's cached wheel, installed and tested"):
            works = _install(environment, wheel)
        if works:
            return
        say("  it does not work here; building it again")
    with step(f"Horovod, compiled against TensorFlow {tensorflow} (3 to 5 minutes)"):
        wheel = _build(environment, kept, built_for)
    with step("Horovod's wheel, installed and checked"):
        if not _install(environment, wheel) or not _complete(environment):
            shutil.rmtree(kept)
            raise SetupError(f"`.venv/bin/horovodrun --check-build` does not show TensorFlow and Gloo; see {LOG}")


def _built_for(tensorflow: str) -> str:
    compiler = os.environ.get("CXX") or "c++"
    described = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=False).stdout
    cpu = Path("/proc/cpuinfo")
    flags = set(cpu.read_text(encoding="utf-8").split()) if cpu.exists() else set()
    parts = {
        "source": hashlib.sha256(LOCK.read_bytes()).hexdigest(),
        "options": " ".join(f"{name}={value}" for name, value in _VARIABLES.items()),
        "tensorflow": tensorflow,
        "python": f"{platform.python_version()} {sysconfig.get_config_var('SOABI')}",
        "system": f"{platform.system()} {platform.machine()} {' '.join(platform.libc_ver())}",
        "compiler": described.partition("\n")[0],
        "processor": " ".join(flag for flag in _CPU_FLAGS if flag in flags),
    }
    return "".join(f"{name}: {value}\n" for name, value in parts.items())


def _intact(kept: Path) -> Path | None:
    """The cached wheel; None if it is missing or damaged."""
    for wheel in kept.glob("*.whl"):
        recorded = wheel.with_suffix(".sha256")
        if recorded.is_file() and recorded.read_text(encoding="ascii") == _sha256(wheel):
            return wheel
    return None


def _build(environment: Path, kept: Path, built_for: str) -> Path:
    with tempfile.TemporaryDirectory(prefix="building-", dir=kept.parent) as name:
        folder = Path(name)
        # Build isolation would hide the installed TensorFlow, and pip's cache could return a wheel that was built
        # against another TensorFlow. MAKEFLAGS is set because the flags of an outer make would disable `-j`.
        pip(
            environment,
            "wheel",
            "--no-build-isolation",
            "--no-cache-dir",
            "--no-deps",
            "--require-hashes",
            "--requirement",
            LOCK,
            "--wheel-dir",
            folder,
            env=_VARIABLES | {"MAKEFLAGS": f"-j{os.cpu_count() or 1}", "TMPDIR": str(folder), **_on_path(environment)},
        )
        (wheel,) = folder.glob("*.whl")
        finished = folder / "finished"
        finished.mkdir()
        shutil.move(wheel, finished / wheel.name)
        (finished / wheel.name).with_suffix(".sha256").write_text(_sha256(finished / wheel.name), encoding="ascii")
        (finished / "built-for.txt").write_text(built_for, encoding="utf-8")
        shutil.rmtree(kept, ignore_errors=True)
        finished.rename(kept)
    return kept / wheel.name


def _install(environment: Path, wheel: Path) -> bool:
    """Install a wheel; returns whether it can be imported, which needs the TensorFlow it was built against."""
    uv(environment, "install", "--quiet", "--no-deps", "--no-index", "--reinstall", wheel)
    try:
        run([environment / "bin" / "python", "-c", "import horovod.tensorflow.keras"])
    except SetupError:
        return False
    return True


def _complete(environment: Path) -> bool:
    """Whether it was built with TensorFlow and Gloo; takes half a minute, since it imports each framework."""
    horovodrun = environment / "bin" / "horovodrun"
    built = subprocess.run([horovodrun, "--check-build"], capture_output=True, text=True, check=False).stdout
    return "[X] TensorFlow" in built and "[X] Gloo" in built


def _on_path(environment: Path) -> dict[str, str]:
    return {"PATH": f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}", "VIRTUAL_ENV": str(environment)}


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
