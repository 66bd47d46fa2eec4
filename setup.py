"""Packages what runs: the folders below. DAGs, tests and benchmarks stay in the repository."""

from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
REVIEWING = ["static/*", "templates/*.j2", "words/*.yaml"]
FOLDERS = ("schemas", "conf", "udfs", "training", "jobs", "catalogue_generator")


def requirements(name: str) -> list[str]:
    """The requirements of a file in requirements/, without comments."""
    lines = (ROOT / "requirements" / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


setup(
    name="catalog-cleaner",
    version="0.1.0",
    description="Finds and corrects wrong product categories in a marketplace's catalogue, night by night.",
    license="Apache-2.0",
    python_requires=">=3.11,<3.12",
    packages=find_packages(include=[pattern for folder in FOLDERS for pattern in (folder, f"{folder}.*")]),
    package_data={"conf": ["*.yaml", "*.properties"], "jobs.reporting": ["*.css", "*.j2"], "jobs.reviewing": REVIEWING},
    # Horovod is an extra because it must be built after TensorFlow, without build isolation (docs/stack.md);
    # cleaning does without it, training does not.
    install_requires=requirements("runtime.in"),
    extras_require={"training": requirements("horovod.in")},
    entry_points={"console_scripts": ["catalog-cleaner=jobs.cli:main"]},
    zip_safe=False,
)
