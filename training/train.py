"""From labelled listings to a bundle: the training set, the ranks, the noise model, the fusion weights."""

from __future__ import annotations

import json
import shutil
import threading
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import resources
from importlib.abc import Traversable
from pathlib import Path
from typing import Any

import numpy as np
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from conf.settings import Settings
from schemas.bundle import BundleSpec, FusionWeights, NoiseModel
from training import worker
from training.bundle import write_bundle
from training.calibration import fit_weights
from training.dataset import Dataset, write_dataset
from training.examples import example_rows
from training.noise import NoiseFit, category_levels, fit_mismatch, fit_noise
from training.plan import Plan, make_plan
from training.ranks import run_on_ranks
from udfs.fusion import weighted

PACKAGES = ("schemas", "conf", "udfs", "training")


@dataclass(frozen=True)
class Category:
    """A category of the taxonomy."""

    category: str
    parent: str | None = None
    department: str | None = None


@dataclass(frozen=True)
class Progress:
    """How far training is: what is learning, its epoch, and the out-of-sample loss after it."""

    what: str
    epoch: int
    epochs: int
    loss: float
    seconds: float


@dataclass(frozen=True)
class TrainedBundle:
    """What a training run gives.

    Attributes:
        folder: the bundle.
        spec, noise: what is in it.
        plan: how it was trained.
        curves: branch -> out-of-sample loss after each epoch.
        figures: name -> value, e.g. `rows`, `estimated_error`.
        by_category: category -> figure -> value.
    """

    folder: str
    spec: BundleSpec
    noise: NoiseModel
    plan: Plan
    curves: dict[str, list[float]]
    figures: dict[str, float]
    by_category: dict[str, dict[str, float]] = field(default_factory=dict)


def train_bundle(
    spark: SparkSession,
    examples: DataFrame,
    taxonomy: Sequence[Category],
    settings: Settings,
    work_dir: str,
    progress: Callable[[Progress], None],
) -> TrainedBundle:
    """Train every member on the labelled listings and write the bundle to `<work_dir>/bundle`.

    Args:
        spark: with as many task slots as `settings.train.ranks`.
        examples: listing_id, title, description, category, seller_id, bucket, image (and image_uri); a row a
            listing. Rows whose category is null or not in the taxonomy are left out.
        taxonomy: all categories that may be predicted.
        settings: sections text, picture and train.
        work_dir: a folder that all nodes see; its content is replaced.
        progress: is told of every epoch while it runs.

    Raises:
        ValueError: there is too little to learn from.
        CoverageError: the ranks did not read exactly the rows that were written.
    """
    folder = Path(work_dir).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    ordered = sorted(taxonomy, key=lambda c: c.category)
    categories = tuple(c.category for c in ordered)
    text, picture = feature_arguments(settings)
    parts = settings.train.ranks * settings.train.row_groups_per_rank
    rows = example_rows(examples, categories, text=text, picture=picture, partitions=parts)
    dataset = write_dataset(rows, str(folder / "dataset"), ranks=settings.train.ranks)
    written = spark.read.parquet(f"file://{dataset.folder}").select("key", "seller_id", "present")
    plan = make_plan(settings, dataset.rows, written.where("present").count())
    curves = _run_ranks(dataset, plan, len(categories), settings, folder, progress)
    sample = _read_sample(folder, written, settings.train.ranks)
    levels = category_levels([c.parent for c in ordered], [c.department for c in ordered])
    spec, noise, figures = _fit(sample, levels, categories, plan, text, picture)
    write_bundle(str(folder / "bundle"), str(folder / worker.MEMBERS_FOLDER), spec, noise)
    figures |= {"rows": float(dataset.rows), "categories": float(len(categories))}
    return TrainedBundle(str(folder / "bundle"), spec, noise, plan, curves, figures)


def feature_arguments(settings: Settings) -> tuple[dict[str, Any], dict[str, Any]]:
    """The keyword arguments of `udfs.text.featurize` and `udfs.pictures.decode`, as a bundle keeps them."""
    text = {
        "hash_size": settings.text.hash_size,
        "word_ngrams": settings.text.word_ngrams,
        "char_ngrams": list(settings.text.char_ngrams),
        "max_chars": settings.text.max_chars,
    }
    picture = {
        "height": settings.picture.height,
        "width": settings.picture.width,
        "max_pixels": settings.picture.max_pixels,
        "blank_deviation": settings.picture.blank_deviation,
    }
    return text, picture


def _run_ranks(
    dataset: Dataset, plan: Plan, categories: int, settings: Settings, folder: Path, progress: Callable[[Progress], None]
) -> dict[str, list[float]]:
    task = worker.Task(
        dataset,
        plan,
        categories,
        settings.text.hash_size,
        settings.picture.height,
        settings.picture.width,
        str(folder),
    )
    code = _zip_project(folder / "code.zip")
    stop = threading.Event()
    watcher = threading.Thread(target=_watch, args=(folder / worker.PROGRESS_FILE, progress, stop), daemon=True)
    watcher.start()
    try:
        results = run_on_ranks(
            worker.train_rank,
            (task,),
            ranks=settings.train.ranks,
            code=code,
            timeout_seconds=settings.train.start_timeout_seconds,
        )
    finally:
        stop.set()
        watcher.join()
    curves: dict[str, list[float]] = results[0]["curves"]
    return curves


def _watch(path: Path, progress: Callable[[Progress], None], stop: threading.Event) -> None:
    """Pass on the lines that rank 0 appends, until told to stop."""
    told = 0
    while True:
        last = stop.wait(0.5)
        lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.is_file() else []
        for line in lines[told:]:
            progress(Progress(**json.loads(line)))
        told = len(lines)
        if last:
            return


def _zip_project(path: Path) -> str:
    """Our own packages as a zip, so that a rank's process can import them wherever it runs."""

    def add(archive: zipfile.ZipFile, item: Traversable, name: str) -> None:
        if item.is_dir():
            for child in item.iterdir():
                if child.name != "__pycache__":
                    add(archive, child, f"{name}/{child.name}")
        else:
            archive.writestr(name, item.read_bytes())

    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for package in PACKAGES:
            add(archive, resources.files(package), package)
    return str(path)


@dataclass(frozen=True)
class Sample:
    """Out-of-sample judgements of the sampled rows, sorted by key.

    Attributes:
        labels: int64, shape (n,).
        sellers: int64, shape (n,), index into `seller_ids`; -1 where there is none.
        seller_ids: their ids.
        text, image, head: float32 log-probabilities, shape (n, C); NaN rows where a branch says nothing.
    """

    labels: Any
    sellers: Any
    seller_ids: list[str]
    text: Any
    image: Any
    head: Any


def _read_sample(folder: Path, written: DataFrame, ranks: int) -> Sample:
    parts = []
    for rank in range(ranks):
        with np.load(folder / f"sample-{rank}.npz") as stored:
            parts.append({name: stored[name] for name in stored.files})
    keys = np.concatenate([part["key"] for part in parts])
    order = np.argsort(keys, kind="stable")
    joined = {name: np.concatenate([part[name] for part in parts])[order] for name in ("label", "text", "image", "head")}
    wanted = written.sparkSession.createDataFrame([(int(k),) for k in keys], "key BIGINT")
    sellers = written.join(F.broadcast(wanted), "key").select("key", "seller_id").toPandas().drop_duplicates("key")
    ids = sellers.set_index("key")["seller_id"].reindex(keys[order])
    known = sorted(str(s) for s in ids.dropna().unique())
    index = {seller: i for i, seller in enumerate(known)}
    codes = np.array([index.get(s, -1) for s in ids], np.int64)
    return Sample(joined["label"].astype(np.int64), codes, known, joined["text"], joined["image"], joined["head"])


def _fit(
    sample: Sample, levels: Any, categories: tuple[str, ...], plan: Plan, text: dict[str, Any], picture: dict[str, Any]
) -> tuple[BundleSpec, NoiseModel, dict[str, float]]:
    """Noise model and fusion weights in turn: each is fitted given the other."""
    has_text, has_image = ~np.isnan(sample.text[:, 0]), ~np.isnan(sample.image[:, 0])
    both: FusionWeights = {"text": 1.0, "image": 0.3, "head": 0.3} if plan.image_members else _only("text", 1.0)
    text_only, image_only = _only("text", 1.0), _only("image", 1.0)
    fit: NoiseFit | None = None
    usable = has_text | has_image
    labels, sellers = sample.labels[usable], sample.sellers[usable]
    for _ in range(4):
        log_q = _fused(sample, both, text_only, image_only)[usable].astype(np.float64)
        fit = fit_noise(log_q, labels, sellers, levels, start=fit)
        rates = fit.rates(sample.sellers)

        def weigh(names: tuple[str, ...], rows: Any, start: FusionWeights, fit: NoiseFit = fit, rates: Any = rates) -> Any:
            if not rows.any() or not names:
                return start
            branches = [getattr(sample, name)[rows].astype(np.float64) for name in names]
            found = fit_weights(branches, sample.labels[rows], rates[rows], fit.transitions, [start[n] for n in names])
            return {"text": 0.0, "image": 0.0, "head": 0.0, **dict(zip(names, found, strict=True))}

        both = weigh(("text", "image", "head"), has_text & has_image, both)
        text_only = weigh(("text",), has_text, text_only)
        image_only = weigh(("image",), has_image, image_only)
    assert fit is not None
    log_q = _fused(sample, both, text_only, image_only)[usable].astype(np.float64)
    fit = fit_noise(log_q, labels, sellers, levels, start=fit)
    rates = fit.rates(sample.sellers)
    marginal, mismatch = np.full(len(categories), 1.0 / len(categories)), 0.0
    seen = has_text & has_image
    if seen.any():
        none = np.full_like(sample.text, np.nan)
        by_text = weighted(sample.text[seen], none[seen], none[seen], text_only).astype(np.float64)
        from udfs.posterior import posterior

        belief, _ = posterior(by_text, sample.labels[seen], rates[seen], fit.transitions)
        by_image = weighted(none[seen], sample.image[seen], none[seen], image_only).astype(np.float64)
        marginal, mismatch = fit_mismatch(belief, by_image)
    prior = (fit.posterior.sum(axis=0) + 0.5) / (len(fit.posterior) + 0.5 * len(categories))
    spec = BundleSpec(
        categories=categories,
        text_members=plan.text_members,
        image_members=plan.image_members,
        text=text,
        picture=picture,
        both=both,
        text_only=text_only,
        image_only=image_only,
        prior=tuple(float(p) for p in prior),
    )
    noise = NoiseModel(
        categories=categories,
        transitions=fit.transitions,
        error_rate=fit.error_rate,
        sellers=dict(zip(sample.seller_ids, map(float, fit.seller_rates), strict=False)),
        image_marginal=marginal,
        mismatch_rate=mismatch,
    )
    figures = {
        "estimated_error_before": float(1.0 - fit.posterior[np.arange(len(labels)), labels].mean()),
        "estimated_error": float(1.0 - fit.posterior.max(axis=1).mean()),
        "label_log_likelihood": float(fit.evidence.mean()),
    }
    return spec, noise, figures


def _only(branch: str, weight: float) -> FusionWeights:
    return {"text": 0.0, "image": 0.0, "head": 0.0, branch: weight}  # type: ignore[misc]


def _fused(sample: Sample, both: FusionWeights, text_only: FusionWeights, image_only: FusionWeights) -> Any:
    from udfs.fusion import fuse

    class _Weights:
        pass

    weights: Any = _Weights()
    weights.both, weights.text_only, weights.image_only = both, text_only, image_only
    return fuse(sample.text, sample.image, sample.head, weights)
