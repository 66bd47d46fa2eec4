"""The small warehouse that all benchmarks share: some thousand listings of the large catalogue, and a model of them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from benchmarks.catalogue import LEAST, beginning, catalogue_spec, write_beginnings
from benchmarks.place import Place
from benchmarks.processes import command_line, started
from catalogue_generator.catalogue import TAXONOMY_FILE
from schemas.bundle import FORMAT

_LISTINGS = 6_000
_SHORTENED = ("train.text_epochs=6", "train.image_epochs=2")
"""Nothing is slower with better weights, so the model is not trained to its end."""


@dataclass(frozen=True)
class Workspace:
    """A prepared warehouse: listings ingested, a model in force, no night yet.

    Attributes:
        warehouse: its folder.
        taxonomy: the file of its categories.
        listings: how many were delivered.
    """

    warehouse: Path
    taxonomy: Path
    listings: int


def prepare_workspace(place: Place, scale: float) -> Workspace:
    """Make it, or find it: a catalogue, `ingest` and `train` under the local profile, with few epochs."""
    listings = max(round(_LISTINGS * scale), LEAST)
    spec = catalogue_spec(scale)

    def take_in(folder: Path) -> None:
        write_beginnings(folder, spec, [listings], lambda done: place.say(f"drawn {done:,} listings"))
        ingest(place, folder / "warehouse", beginning(folder, listings), folder / TAXONOMY_FILE)

    def learn(folder: Path) -> None:
        shutil.copytree(ingested / "warehouse", folder / "warehouse")
        settings = [word for setting in _SHORTENED for word in ("--set", setting)]
        with started(place, command_line("train", "--warehouse", folder / "warehouse", "--json", *settings)) as program:
            program.finish()

    made_from = {"listings": listings, "catalogue": spec.listings, "seed": spec.seed}
    ingested = place.prepare(f"ingested-{listings}", made_from, take_in)
    trained = place.prepare(f"trained-{listings}", made_from | {"settings": list(_SHORTENED), "format": FORMAT}, learn)
    return Workspace(trained / "warehouse", ingested / TAXONOMY_FILE, listings)


def ingest(place: Place, warehouse: Path, delivery: Path, taxonomy: Path) -> None:
    """Take a delivery in, in a process of its own."""
    place.say(f"ingesting {delivery.name}")
    words = command_line("ingest", delivery, "--taxonomy", taxonomy, "--warehouse", warehouse, "--json")
    with started(place, words) as program:
        program.finish()
