"""The small warehouse that all benchmarks share: the first listings of the large catalogue, and a trained model."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from benchmarks.catalogue import MIN_LISTINGS, catalogue_spec, prefix_file, write_prefixes
from benchmarks.processes import command_line, start_program
from benchmarks.work_folder import WorkFolder
from catalogue_generator.catalogue import TAXONOMY_FILE
from schemas.bundle import FORMAT

_LISTINGS = 6_000
_SHORTENED = ("train.image_epochs=2",)
"""Speed does not depend on the weights, so that a short training is enough."""


@dataclass(frozen=True)
class Workspace:
    """A prepared warehouse with ingested listings and a champion, before its first night.

    Attributes:
        warehouse: its folder.
        taxonomy: the taxonomy file.
        listings: the number of delivered listings.
    """

    warehouse: Path
    taxonomy: Path
    listings: int


def prepare_workspace(work: WorkFolder, scale: float) -> Workspace:
    """Prepare the workspace unless it exists: a catalogue, `ingest`, and `train` with few epochs."""
    listings = max(round(_LISTINGS * scale), MIN_LISTINGS)
    spec = catalogue_spec(scale)

    def make_ingested(folder: Path) -> None:
        write_prefixes(folder, spec, [listings], lambda done: work.say(f"generated {done:,} listings"))
        ingest(work, folder / "warehouse", prefix_file(folder, listings), folder / TAXONOMY_FILE)

    def make_trained(folder: Path) -> None:
        shutil.copytree(ingested / "warehouse", folder / "warehouse")
        settings = [word for setting in _SHORTENED for word in ("--set", setting)]
        words = command_line("train", "--warehouse", folder / "warehouse", "--json", *settings)
        with start_program(work, words) as program:
            program.finish()

    made_from: dict[str, object] = {"listings": listings, "catalogue": spec.listings, "seed": spec.seed}
    ingested = work.prepare(f"ingested-{listings}", made_from, make_ingested)
    made_from |= {"settings": list(_SHORTENED), "format": FORMAT}
    trained = work.prepare(f"trained-{listings}", made_from, make_trained)
    return Workspace(trained / "warehouse", ingested / TAXONOMY_FILE, listings)


def ingest(work: WorkFolder, warehouse: Path, delivery: Path, taxonomy: Path) -> None:
    """Ingest a delivery, in its own process."""
    work.say(f"ingesting {delivery.name}")
    words = command_line("ingest", delivery, "--taxonomy", taxonomy, "--warehouse", warehouse, "--json")
    with start_program(work, words) as program:
        program.finish()
