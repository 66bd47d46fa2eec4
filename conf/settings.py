"""Every setting, its default and its meaning. Values come from a YAML profile and `--set key=value`.

Settings are read once, by a command's main (`conf.load`), and passed on as values.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0.0)]
ListingColumn = Literal[
    "listing_id", "title", "description", "category", "price", "seller_id", "updated_at", "image", "image_uri"
]
ImagePrefix = Annotated[str, Field(pattern=r"^(/|file:///|(s3|gs|gcs|hdfs|viewfs)://)")]

_FROZEN = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=_FROZEN)
class SparkSettings:
    """How a session is made where none exists. Under `spark-submit` the submitted configuration wins."""

    master: str = "local[*]"
    driver_memory: str = "3g"
    shuffle_partitions: Count = 4
    executor_python: str | None = None
    """Python of the executors; default: the one that runs the driver."""
    extra: dict[str, str] = dataclasses.field(default_factory=dict)
    """Any further Spark property."""


@dataclass(frozen=True, config=_FROZEN)
class IngestSettings:
    """How a delivery is read."""

    columns: dict[ListingColumn, str] = dataclasses.field(default_factory=dict)
    """Our column -> the delivery's column, for those that differ: {title: product_name}."""
    image_prefixes: tuple[ImagePrefix, ...] = ()
    """Pictures given as a path or URI are read only under these folders; none: no such picture is read."""
    max_image_bytes: Count = 20_000_000
    """A larger picture behind a path or URI is not read."""
    max_listing_id_length: Count = 256
    csv_delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    max_withdrawn_share: Share = 0.5
    """A full delivery that would withdraw more of the listings in force is refused."""


@dataclass(frozen=True, config=_FROZEN)
class TextSettings:
    """How title and description become features."""

    hash_size: Count = 1 << 20
    """Hashed feature space; the network keeps the features that the training set holds."""
    max_features: Count = 100_000
    """The network's vocabulary: the features in most listings, at most so many."""
    min_listings: Count = 2
    """A feature in fewer training listings is left out."""
    word_ngrams: Count = 2
    char_ngrams: tuple[Count, Count] = (3, 5)
    """Lengths of the character n-grams inside words."""
    max_chars: Count = 4000
    """Of title and description together; what follows is cut off."""
    encoder: str | None = None
    """Folder of a pretrained text encoder on every machine that trains: a TensorFlow SavedModel, strings in, a vector
    each out, as TensorFlow Hub's are. Its vectors stand beside the hashed features; it becomes part of the model."""


@dataclass(frozen=True, config=_FROZEN)
class PictureSettings:
    """How a picture becomes a tensor."""

    height: Count = 64
    width: Count = 48
    max_pixels: Count = 64_000_000
    """A picture of more pixels (width x height, before decoding) is not decoded: status too_large."""
    blank_deviation: float = 4.0
    """A picture whose channels all deviate less (standard deviation of 0-255 values) is blank."""


@dataclass(frozen=True, config=_FROZEN)
class TrainSettings:
    """How the bundle learns. None stands for: chosen from the data (rows, categories, pictures)."""

    ranks: Count = 2
    """Horovod processes."""
    text_members: Annotated[int, Field(ge=2, le=10)] | None = None
    image_members: Annotated[int, Field(ge=2, le=10)] | None = None
    """Divides text_members, so that picture folds are unions of text folds."""
    text_epochs: Count | None = None
    image_epochs: Count | None = None
    text_batch: Count = 256
    image_batch: Count = 64
    patience: Count = 3
    """Epochs without a better out-of-sample loss before a branch stops."""
    label_smoothing: Share = 0.1
    row_groups_per_rank: Annotated[int, Field(ge=4)] = 4
    noise_sample: Count = 50_000
    """Listings, chosen by hash, on which noise model and calibration are fitted."""
    seed: int = 20
    start_timeout_seconds: Count = 300
    """How long Horovod's ranks may take to come up."""
    image_backbone: Literal["residual", "efficientnetv2-b0", "mobilenetv3-small"] = "residual"
    """The picture branch: our small residual network, or for GPUs one of Keras's applications."""
    image_weights: str | None = None
    """A file of the application's weights without its top, on every machine that trains; None: at random."""
    mixed_precision: bool | None = None
    """The picture network reckons in 16 bits while it learns, in 32 ever after; None: where every rank has a GPU."""


@dataclass(frozen=True, config=_FROZEN)
class ClassifySettings:
    """How listings are scored."""

    batch_rows: Count = 256
    """Rows an Arrow batch; bounds a worker's memory."""
    top: Count = 20
    """Probabilities kept of each branch; the rest of the mass is spread over the other categories."""
    decode_threads: Count | None = None
    """Default: spark.task.cpus."""


@dataclass(frozen=True, config=_FROZEN)
class DecideSettings:
    """How a posterior becomes an action."""

    correction_precision: Share = 0.95
    """Corrections are made down to the lowest threshold at which their mean posterior reaches this."""
    correction_min_listings: Annotated[int, Field(ge=0)] = 10
    """Nothing is corrected into a category of fewer labelled listings: a model that has seen so few of it is surer than
    it is right. Such listings are referred."""
    refer_below: Share = 0.9
    """A category that stands with a lower posterior is referred to a person."""
    mismatch_probability: Share = 0.5
    """A picture that shows something else with at least this probability is flagged."""
    seller_prior: Positive = 4.0
    """A seller's error rate is shrunk to the overall one as if by so many listings more."""
    seller_hysteresis: Positive = 1.0
    """A seller's rate moves only when the new estimate leaves the old by so many standard errors."""
    suggestions: Count = 5
    """Categories suggested to a reviewer."""


@dataclass(frozen=True, config=_FROZEN)
class ReviewSettings:
    """What people are asked."""

    queue_share: Share = 0.1
    """Of the catalogue: the category queue is filled up to it with the least certain listings."""
    audit_listings: Annotated[int, Field(ge=0)] = 400
    """Listings a month that are drawn at random, whatever the model thinks of them ..."""
    max_audit_share: Share = 0.05
    """... but no more than this share of the catalogue."""


@dataclass(frozen=True, config=_FROZEN)
class GateSettings:
    """When a run refuses to publish (exit 3)."""

    max_quarantined_share: Share = 0.05
    """Of the rows of listings in force, those that cannot be used."""
    max_empty_share: Share = 0.5
    """Listings with neither text nor picture: probably a delivery has lost its columns."""
    max_corrected_share: Share = 0.8
    max_unpredicted_share: Share = 0.5
    """Listings that the model could not judge."""


@dataclass(frozen=True, config=_FROZEN)
class RegistrySettings:
    """Where models are kept."""

    tracking_uri: str | None = None
    """Default: a SQLite store and local artefacts inside the warehouse."""
    model_name: str = "catalog-cleaner"
    experiment: str = "catalog-cleaner"


@dataclass(frozen=True, config=_FROZEN)
class LockSettings:
    """Who may write to a local warehouse."""

    wait_seconds: Annotated[float, Field(ge=0.0)] = 0.0
    """How long a job waits for another one that holds the warehouse; 0: it refuses at once."""


@dataclass(frozen=True, config=_FROZEN)
class Settings:
    """All settings of a command."""

    spark: SparkSettings = dataclasses.field(default_factory=SparkSettings)
    ingest: IngestSettings = dataclasses.field(default_factory=IngestSettings)
    text: TextSettings = dataclasses.field(default_factory=TextSettings)
    picture: PictureSettings = dataclasses.field(default_factory=PictureSettings)
    train: TrainSettings = dataclasses.field(default_factory=TrainSettings)
    classify: ClassifySettings = dataclasses.field(default_factory=ClassifySettings)
    decide: DecideSettings = dataclasses.field(default_factory=DecideSettings)
    review: ReviewSettings = dataclasses.field(default_factory=ReviewSettings)
    gates: GateSettings = dataclasses.field(default_factory=GateSettings)
    registry: RegistrySettings = dataclasses.field(default_factory=RegistrySettings)
    lock: LockSettings = dataclasses.field(default_factory=LockSettings)

    @property
    def digest(self) -> str:
        """SHA-256 of all values, its first 16 digits: equal settings, equal digest."""
        text = json.dumps(dataclasses.asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
