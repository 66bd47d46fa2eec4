"""What a result was measured from: a digest of the catalogue and of the code. Other results are measured again."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from benchmarks.work_folder import ROOT

_STEPS = "jobs/cleaning/steps"
_CODE = ("benchmarks/quality/*.py", "training/*.py", "udfs/**/*.py", f"{_STEPS}/calibrate.py", f"{_STEPS}/trust.py")
_PRESENTATION = ("document.py", "charts.py", "tracking.py", "regrets.py", "world_lists.py", "__main__.py")
"""Changes of these files do not invalidate results."""
_MAKING = ("catalogue", "noise", "world_arrays", "world_classifier", "worlds")
WORLD_CODE = (*(f"benchmarks/quality/{name}.py" for name in _MAKING), "catalogue_generator/*.py")
"""The code that makes worlds without pictures and their classifiers."""


@cache
def origin_of(folder: Path, code: tuple[str, ...] = _CODE) -> str:
    """A digest of a catalogue's files and of the code.

    Args:
        folder: listings.parquet, taxonomy.csv, truth.parquet.
        code: patterns of files below the root of the repository.
    """
    digest = hashlib.sha256()
    for name in ("listings.parquet", "taxonomy.csv", "truth.parquet"):
        digest.update((folder / name).read_bytes())
    for files in code:
        for file in sorted(each for each in ROOT.glob(files) if each.name not in _PRESENTATION):
            digest.update(file.read_bytes())
    return digest.hexdigest()
