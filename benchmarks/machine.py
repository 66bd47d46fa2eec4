"""The machine and the package versions that the benchmarks run on."""

from __future__ import annotations

import os
import platform
import re
from importlib import metadata
from pathlib import Path

_PACKAGES = (
    "pyspark", "delta-spark", "tensorflow-cpu", "mlflow", "horovod", "petastorm", "pyarrow", "pandas", "numpy",
)  # fmt: skip


def cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0))


def machine() -> dict[str, object]:
    """Cores, processor and memory."""
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": cores(),
        "processor": found.group(1) if found else platform.machine(),
        "memory_gib": round(memory / 2**30, 1),
    }


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that are measured."""
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in _PACKAGES}}
