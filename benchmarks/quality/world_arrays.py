"""What the rules for trusting the classifier need of a world: labels, groups and out-of-sample probabilities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quality.catalogue import Catalogue
from benchmarks.quality.our_method import OurMethod
from benchmarks.quality.world_classifier import disagreement_of_parts, out_of_sample, text_groups, vectorize
from benchmarks.quality.worlds import World
from schemas.arrays import Ints
from schemas.branches import BRANCHES, IMAGE, TEXT
from training.sample import seller_codes
from udfs.ancestors import same_if_related

Arrays = dict[str, Any]
_FOLDS, _PARTS = 3, 4
_JUDGED = "judged-"
"""Before the names of the branches by which a world with pictures is judged."""


def prepare(world: World, folder: Path, vectors: Path | None, work: Path, digest: str) -> Arrays:
    """The arrays of a world, kept or made.

    Args:
        world: the world.
        folder, vectors: as in `World.make`.
        work: folder that keeps the arrays.
        digest: of the catalogue and of the code; arrays of another digest are made again.

    Returns:
        labels, truth (the label, where it is an ancestor of the true category), sellers (codes, -1 if unknown), titles
        (the group of listings with the same title), texts (the same with descriptions), distances, ancestors; log_p,
        the text's log-probabilities, shape (n, C); fewer and ratio, the fields of `FewerListings`. In a world with
        pictures also `judged-NAME`, the log-probabilities of each branch in the second pass. Only listings with a text
        or a picture.
    """
    file, origin = work / f"{world.name}.npz", world.origin(digest)
    if file.is_file():
        with np.load(file) as kept:
            if "origin" in kept.files and str(kept["origin"]) == origin:
                return {name: kept[name] for name in kept.files}
    catalogue, labels = world.make(folder, vectors)
    judge = _by_our_branches if world.pictures else _by_regression
    arrays = {
        "labels": labels,
        "truth": same_if_related(catalogue.truth, labels, catalogue.ancestors),
        "sellers": seller_codes(catalogue.sellers.tolist())[0],
        "titles": text_groups(catalogue.titles),
        "texts": text_groups(catalogue.titles, catalogue.descriptions),
        **judge(catalogue, labels),
    }
    known = ~np.isnan(arrays["log_p"][:, 0])
    if IMAGE.name in judged_branches(arrays):
        known |= ~np.isnan(arrays[_JUDGED + IMAGE.name][:, 0])
    arrays = {name: values[known] if np.ndim(values) else values for name, values in arrays.items()}
    arrays |= {"distances": catalogue.distances, "ancestors": catalogue.ancestors, "origin": np.array(origin)}
    np.savez_compressed(file, **arrays)
    return arrays


def judged_branches(arrays: Arrays) -> dict[str, Any]:
    """The log-probabilities by which the world is judged: those of the second pass, or else the text's."""
    found = {each.name: arrays[_JUDGED + each.name] for each in BRANCHES if _JUDGED + each.name in arrays}
    return {name: values.astype(np.float32) for name, values in (found or {TEXT.name: arrays["log_p"]}).items()}


def _by_regression(catalogue: Catalogue, labels: Ints) -> Arrays:
    """A logistic regression on the texts: seconds instead of minutes for hundreds of worlds."""
    features, titles, count = vectorize(catalogue), text_groups(catalogue.titles), len(catalogue.categories)
    random = np.random.default_rng(5)
    folds = random.permutation(titles.max() + 1)[titles] % _FOLDS
    parts = random.permutation(titles.max() + 1)[titles] % _PARTS
    log_p = out_of_sample(features, labels, folds, count).astype(np.float16)
    log_p[np.diff(features.indptr) == 0] = np.nan
    return {
        "log_p": log_p,
        "fewer": disagreement_of_parts(features, labels, parts, catalogue.ancestors),
        "ratio": (1.0 - 1.0 / _FOLDS) * _PARTS,
    }


def _by_our_branches(catalogue: Catalogue, labels: Ints) -> Arrays:
    """The product's text members, and its picture members in the second pass."""
    method = OurMethod(catalogue, labels)
    _, soft = method.learn(sellers_known=True)
    judged = {f"{_JUDGED}{name}": each.astype(np.float16) for name, each in method.predict(soft).items()}
    return {
        "log_p": method.first.astype(np.float16),
        "fewer": method.fewer.disagree,
        "ratio": method.fewer.ratio,
        **judged,
    }
