"""The worlds that are measured."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.quality.worlds import World

_RATES = (0.01, 0.02, 0.10, 0.22, 0.50)


def _real() -> list[World]:
    worlds = []
    for rows in (500, 1050, 3000, 6000):
        worlds += [World("real", rows, rate, "sellers", twins=i % 2 == 1) for i, rate in enumerate(_RATES)]
        worlds += [World("real", rows, 0.10, "half", twins=False), World("real", rows, 0.22, "half")]
        worlds += [World("real", rows, 0.02, "all", twins=False), World("real", rows, 0.22, "all")]
        worlds += [World("real", rows, 0.15, "renamed"), World("real", rows, 0.22, "given")]
    worlds += [World("seven", 1050, rate, "sellers") for rate in (0.01, 0.22)]
    return [*worlds, World("seven", 1050, 0.22, "half")]


def _made() -> list[World]:
    sizes = (
        [(3000, 24, rate, "mixed", seed) for rate, seed in zip((*_RATES, 0.22), (11, 12, 13, 7, 15, 14), strict=True)]
        + [(3000, 24, 0.22, "careless", 21), (3000, 24, 0.10, "ambiguous", 22), (3000, 24, 0.20, "ambiguous", 22)]
        + [(3000, 24, 0.15, "systematic", 23), (3000, 5, 0.02, "mixed", 27), (3000, 5, 0.22, "mixed", 28)]
        + [(3000, 80, rate, "mixed", seed) for rate, seed in ((0.02, 24), (0.22, 25), (0.10, 26))]
        + [(1000, 24, 0.22, "mixed", 29), (1000, 24, 0.02, "mixed", 30)]
        + [(6000, 80, 0.22, "mixed", 31), (6000, 80, 0.02, "mixed", 32)]
    )
    return [
        World("generated", rows, rate, errors, categories=categories, seed=seed)
        for rows, categories, rate, errors, seed in sizes
    ]


def _redrawn(world: World, seed: int) -> World:
    """Another draw of a world; with titles that occur once where they did not, and the other way round."""
    return replace(world, seed=world.seed + seed, twins=not world.twins)


def _with_pictures() -> list[World]:
    """Worlds in which most listings have a text and a picture."""
    kinds = [("sellers", rate) for rate in _RATES]
    kinds += [("half", 0.10), ("half", 0.22), ("all", 0.22), ("renamed", 0.15), ("given", 0.22)]
    kinds += [("sellers", 0.10)]
    sizes = [3000] * (len(kinds) - 1) + [1050]
    return [
        *(
            World("real", size, rate, errors, twins=i % 2 == 1, pictures=True)
            for i, ((errors, rate), size) in enumerate(zip(kinds, sizes, strict=True))
        ),
        *(World("real", 3000, rate, "sellers", pictures=True, without="texts") for rate in (0.02, 0.22)),
        World("seven", 1050, 0.22, "half", pictures=True),
    ]


SELECTION = (*_real(), *_made())
"""The worlds on which the rule for trusting the classifier was chosen."""
VALIDATION = tuple(_redrawn(world, 100) for world in SELECTION if 500 < world.listings < 6000)
"""Other draws, which checked the rule."""
PICTURES = tuple(_with_pictures())
MIXED_DEPTHS = tuple(
    World("generated", rows, rate, "mixed", categories=categories, seed=seed, ancestors=share)
    for rows, categories, rate, seed, share in (
        (3000, 24, 0.02, 41, 0.30),
        (3000, 24, 0.22, 42, 0.10),
        (3000, 24, 0.22, 43, 0.30),
        (3000, 80, 0.10, 44, 0.30),
        (3000, 80, 0.22, 45, 0.60),
        (1000, 24, 0.22, 46, 0.30),
    )
)
"""Worlds in which some labels are the parent or the department of the category that the seller means."""
SCENARIOS: dict[str, World] = {
    "labels as given": World("real", 6000, 0.22, "given"),
    "the same with pictures": World("real", 6000, 0.22, "given", pictures=True),
    "no sellers": World("real", 6000, 0.22, "given", without="sellers"),
    "half without a text": World("real", 6000, 0.22, "given", without="texts"),
    "half without a text, with pictures": World("real", 6000, 0.22, "given", pictures=True, without="texts"),
    "sellers err, 22 %": World("real", 6000, 0.22, "sellers"),
    "sellers err, 10 %": World("real", 6000, 0.10, "sellers", twins=False),
    "sellers err, 2 %": World("real", 6000, 0.02, "sellers"),
    "sellers err, 1 %": World("real", 6000, 0.01, "sellers", twins=False),
    "60 % wrong, evenly": World("real", 6000, 0.60, "evenly"),
    "one seller makes all errors": World("real", 6000, 0.03, "seller"),
    "half of the errors on ambiguous listings": World("real", 6000, 0.22, "half"),
    "all errors on ambiguous listings": World("real", 6000, 0.22, "all"),
    "three categories called another's name by all": World("real", 6000, 0.30, "renamed-by-all"),
    "the same by 40 % of the sellers": World("real", 6000, 0.15, "renamed"),
    "5 categories": World("five", 6000, 0.22, "given"),
    "5 categories, 2 % wrong": World("five", 6000, 0.02, "sellers"),
    "1,050 listings of 7 categories": World("seven", 1050, 0.22, "sellers"),
    "the same, 1 % wrong": World("seven", 1050, 0.01, "sellers"),
    "the same, half on ambiguous ones": World("seven", 1050, 0.22, "half"),
    "one category with 90 %": World("largest", 6000, 0.22, "given"),
    "80 categories, from the generator": World("generated", 6000, 0.22, "mixed", categories=80, seed=31),
    "1,000 categories, from the generator": World("generated", 6000, 0.22, "mixed", categories=1000, seed=7),
    "80 categories, three in ten labels more general": World(
        "generated", 6000, 0.22, "mixed", categories=80, seed=31, ancestors=0.30
    ),
    "20,000 listings": World("real", 20_000, 0.22, "sellers"),
    "500 listings": World("real", 500, 0.22, "given"),
    "500 listings, 2 % wrong": World("real", 500, 0.02, "sellers"),
}
"""Title -> world that the report shows in detail."""
WORLDS = tuple(dict.fromkeys((*SELECTION, *VALIDATION, *PICTURES, *MIXED_DEPTHS, *SCENARIOS.values())))
"""All worlds."""
