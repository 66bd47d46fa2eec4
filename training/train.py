"""Train a bundle: write the training set, run the ranks, fit noise model and branch weights, write the bundle."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from conf.settings import Settings
from schemas.arrays import Ints
from schemas.attributes import AttributeHead, AttributeModel
from schemas.bundle import BundleSpec, NoiseModel
from training.attribute_sample import read_attribute_sample
from training.attributes import learn_attributes
from training.bundle import write_bundle
from training.dataset import write_dataset
from training.doubts import read_doubts
from training.error_share import UNKNOWN, twin_share
from training.examples import example_rows, example_tasks
from training.fitting import fit_sample
from training.package_files import zip_project
from training.plan import Plan, make_plan
from training.ranks import Limits, run_on_ranks
from training.sample import read_sample, sampled_sellers
from training.task import RankResult, RankTask
from training.taxonomy import TaxonomyCategory
from training.transitions import category_distances
from training.twins import count_twins
from udfs.ancestors import ancestor_matrix
from udfs.encoders.folder import read_encoder_spec
from udfs.pseudonyms import PseudonymKey, Purpose
from udfs.text_encoder import check_encoder


@dataclass(frozen=True)
class Progress:
    """A completed step: a member of the text branch, or an epoch of the picture branch.

    Attributes:
        what: the stage of the plan.
        step, steps: number of the step within a fit, and maximum number of steps of the fit; a stage may have several
            fits.
        loss: the out-of-sample loss after the step.
        seconds: since the ranks began to train.
    """

    what: str
    step: int
    steps: int
    loss: float
    seconds: float


@dataclass(frozen=True)
class TrainedBundle:
    """The result of a training run.

    Attributes:
        folder: the folder of the bundle.
        spec, noise: the contents of the bundle.
        plan: the hyperparameters.
        curves: branch -> out-of-sample loss after each epoch, or once for the text branch.
        figures: name -> value, e.g. `rows`, `estimated_error_left`.
        attributes: what was learnt of attributes.
    """

    folder: str
    spec: BundleSpec
    noise: NoiseModel
    plan: Plan
    curves: dict[str, list[float]]
    figures: dict[str, float]
    attributes: tuple[AttributeHead, ...] = ()

    @property
    def share_source(self) -> str:
        """What the figure `wrong_label_share` was estimated from, in words."""
        return (self.noise.share or UNKNOWN).source


def train_bundle(
    listings: DataFrame,
    taxonomy: Sequence[TaxonomyCategory],
    encoder: Path,
    settings: Settings,
    work_dir: str,
    key: PseudonymKey,
    planned: Callable[[Plan, int], None],
    progress: Callable[[Progress], None],
) -> TrainedBundle:
    """Train every member on the labelled listings and write the bundle to `<work_dir>/bundle`.

    Args:
        listings: listing_id, title, description, category, decided_category, audited_category, answers_to_both (as in
            `training.doubts.read_doubts`), seller_id, bucket, duplicate_buckets (as in
            `jobs.cleaning.steps.duplicates.with_duplicate_buckets`), condition, attributes, and vector (what the
            picture encoder makes of the picture: float16, little-endian; null without a usable picture); one row per
            listing.
            Attributes are learnt from all listings; otherwise, those without a category of the taxonomy are left out.
            The Spark session must have at least `settings.train.ranks` task slots.
        taxonomy: all categories that may be predicted.
        encoder: the folder of the picture encoder (`udfs.encoders.folder`).
        settings: sections text, picture and train.
        work_dir: a folder that all nodes can access; its contents are replaced.
        key: the bundle holds pseudonyms of sellers that are made with it.
        planned: called with the plan and the number of rows of the training set before the training starts.
        progress: called after every step.

    Raises:
        FailedError: there are too few listings, or the ranks did not read every row exactly once.
        UsageError: settings contradict each other, or name a file that does not exist.
    """
    if settings.text.encoder:
        check_encoder(settings.text.encoder)
    folder = Path(work_dir).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    ordered = sorted(taxonomy, key=lambda c: c.category)
    categories, parents = tuple(c.category for c in ordered), [c.parent for c in ordered]
    ancestors = ancestor_matrix(categories, parents)
    text, picture = feature_arguments(settings)
    encoder_spec = read_encoder_spec(encoder)
    rows = example_rows(
        listings,
        categories,
        text=text,
        encoder=settings.text.encoder,
        partitions=example_tasks(listings.count(), settings.train.ranks, settings.train.row_groups_per_rank),
    )
    dataset = write_dataset(rows, str(folder / "dataset"), ranks=settings.train.ranks)
    written = listings.sparkSession.read.parquet(f"file://{dataset.folder}")
    plan = make_plan(settings, dataset.rows, written.where("present").count())
    planned(plan, dataset.rows)
    task = RankTask(
        dataset=dataset,
        plan=plan,
        distances=category_distances(parents, [c.department for c in ordered], ancestors),
        ancestors=ancestors,
        hash_size=settings.text.hash_size,
        vector_width=encoder_spec.width,
        folder=str(folder),
        twins=twin_share(count_twins(listings, categories, ancestors)),
        doubts=read_doubts(listings, categories),
    )
    result = _train_members(task, settings, progress)
    files = [task.sample(rank) for rank in range(settings.train.ranks)]
    sample = read_sample(files, seller_names(written, sampled_sellers(files)), ancestors)
    fitted = fit_sample(sample, task.distances, categories, result.first, task.twins)
    noise = with_pseudonyms(fitted.noise, key)
    attributes = _learn_attributes(listings, settings, text)
    counts = written.groupBy("label").agg(
        F.count(F.lit(1)).alias("rows"), F.count_if(F.col("truth") >= 0).alias("decided")
    )
    by_label = counts.collect()
    decided = sum(row.decided for row in by_label)
    spec = BundleSpec(
        categories=categories,
        text_members=plan.text_members,
        pictures=plan.pictures,
        encoder=encoder_spec.identity,
        text=text,
        picture=picture,
        fusion=fitted.fusion,
        prior=fitted.prior,
        novel_above=result.novel_above,
        canary_share=plan.canary_share,
        decided=decided,
        labelled={categories[row.label]: row.rows for row in by_label if row.label >= 0},
    )
    write_bundle(
        str(folder / "bundle"),
        str(task.members),
        spec,
        noise,
        picture_encoder=str(encoder),
        text_encoder=settings.text.encoder,
        attributes=attributes,
    )
    figures = {
        "rows": float(dataset.rows),
        "rows_decided": float(decided),
        "categories": float(len(categories)),
        "novel_above": result.novel_above,
        **fitted.figures,
    }
    return TrainedBundle(str(folder / "bundle"), spec, noise, plan, result.curves, figures, attributes.heads)


def _learn_attributes(listings: DataFrame, settings: Settings, text: dict[str, Any]) -> AttributeModel:
    """Learn the attributes that listings state, with or without a category."""
    sample = read_attribute_sample(listings, settings.attributes, text)
    heads = learn_attributes(sample, settings.text.hash_size, settings.attributes.precision)
    return AttributeModel(heads, settings.attributes.separator)


def with_pseudonyms(noise: NoiseModel, key: PseudonymKey) -> NoiseModel:
    """The noise model with pseudonyms in place of the sellers' ids."""
    sellers = {key.pseudonym(Purpose.SELLER, seller): rate for seller, rate in noise.sellers.items()}
    # In an order that says nothing about the ids.
    return replace(noise, sellers=dict(sorted(sellers.items())), key_check=key.check)


def seller_names(written: DataFrame, hashes: Ints) -> dict[int, str]:
    """Seller's hash -> seller_id for some sellers; the catalogue may have too many for the driver's memory.

    Args:
        written: seller_key and seller_id of the training set.
        hashes: shape (n,), the hashes to look up; at most one per row of the sample.
    """
    wanted = written.sparkSession.createDataFrame([(key,) for key in hashes.tolist()], "seller_key BIGINT")
    found = written.join(wanted, "seller_key", "left_semi").select("seller_key", "seller_id").distinct()
    return {row.seller_key: row.seller_id for row in found.collect()}


def feature_arguments(settings: Settings) -> tuple[dict[str, Any], dict[str, Any]]:
    """The keyword arguments of `udfs.text.featurize` and `udfs.pictures.decode` that a bundle stores."""
    text = {
        "hash_size": settings.text.hash_size,
        "word_ngrams": settings.text.word_ngrams,
        "char_ngrams": list(settings.text.char_ngrams),
        "max_chars": settings.text.max_chars,
    }
    picture = {
        "max_pixels": settings.picture.max_pixels,
        "blank_deviation": settings.picture.blank_deviation,
    }
    return text, picture


def _train_members(task: RankTask, settings: Settings, progress: Callable[[Progress], None]) -> RankResult:
    """Run the ranks, and pass on the progress that rank 0 writes."""
    stop = threading.Event()
    watcher = threading.Thread(target=_watch, args=(task.progress, progress, stop), daemon=True)
    watcher.start()
    try:
        results = run_on_ranks(
            "training.worker:train_rank",
            (task,),
            ranks=settings.train.ranks,
            code=zip_project(Path(task.folder) / "code.zip"),
            failure=task.failure,
            heartbeat=task.heartbeat,
            limits=Limits(settings.train.start_timeout_seconds, settings.train.rank_silence_seconds),
        )
    finally:
        stop.set()
        watcher.join()
    first: RankResult = results[0]
    return first


def _watch(path: Path, progress: Callable[[Progress], None], stop: threading.Event) -> None:
    reported = 0
    while True:
        last = stop.wait(0.5)
        lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.is_file() else []
        for line in lines[reported:]:
            progress(Progress(**json.loads(line)))
        reported = len(lines)
        if last:
            return
