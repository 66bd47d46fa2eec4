"""Makes the zip for spark-submit from the wheel: `python -m scripts.spark_zip WHEEL ZIP`; `make package` calls it."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

LEFT_OUT = "catalogue_generator"
"""Only `catalog-cleaner demo` uses it, and the demo runs where the wheel is installed."""


def write_zip(wheel: Path, target: Path) -> None:
    """Write the wheel's packages to `target`, without the catalogue generator and the wheel's own metadata."""
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in source.namelist():
            folder = name.partition("/")[0]
            if folder != LEFT_OUT and not folder.endswith(".dist-info"):
                archive.writestr(name, source.read(name))


if __name__ == "__main__":
    _, wheel, target = sys.argv
    write_zip(Path(wheel), Path(target))
    print(target)
