"""All settings with their defaults and meanings.

Those of deliveries are in `conf.ingest_settings`, those of fetching pictures in `conf.fetch_settings`, those of
attributes in `conf.attribute_settings`, those of reviewing in `conf.review_settings`, and the limits on changes in
`conf.safety_settings`.

Values come from a YAML profile and `--set key=value`. A command loads the settings once (`conf.load`) and passes them
on as values.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from conf.attribute_settings import AttributeSettings
from conf.fetch_settings import FetchSettings
from conf.ingest_settings import IngestSettings
from conf.review_settings import ReviewSettings
from conf.safety_settings import LimitSettings, RolloutSettings
from conf.setting_types import FROZEN, Count, Country, Factor, MlflowServer, Positive, Share


@dataclass(frozen=True, config=FROZEN)
class SparkSettings:
    """How to start a Spark session. Under `spark-submit`, the submitted configuration wins."""

    master: str = "local[*]"
    """URL of the Spark master."""
    driver_memory: str = "3g"
    """Heap of the driver's JVM."""
    shuffle_partitions: Count = 4
    """Number of partitions after a shuffle; also set under `spark-submit`."""
    executor_python: str | None = None
    """Python interpreter of the executors; default: the one that runs the driver."""
    extra: dict[str, str] = dataclasses.field(default_factory=dict)
    """Any other Spark properties."""


@dataclass(frozen=True, config=FROZEN)
class TextSettings:
    """How to turn title and description into features."""

    hash_size: Count = 1 << 20
    """Size of the hashed feature space; the network keeps only features that occur in the training set."""
    max_features: Count = 100_000
    """Maximum size of the vocabulary; the features that occur in the most listings are kept."""
    min_listings: Count = 2
    """Features that occur in fewer training listings are left out."""
    word_ngrams: Count = 2
    """Maximum length of word n-grams."""
    char_ngrams: tuple[Count, Count] = (3, 5)
    """Minimum and maximum length of character n-grams inside words."""
    max_chars: Count = 4000
    """Title and description together are cut off after this many characters."""
    encoder: str | None = None
    """Folder of a pretrained text encoder on every machine that trains: a TensorFlow SavedModel that maps strings to
    vectors, like those of TensorFlow Hub. Its vectors are added to the hashed features, and it becomes part of the
    model."""


@dataclass(frozen=True, config=FROZEN)
class PictureSettings:
    """How to turn a picture into a vector."""

    max_pixels: Count = 64_000_000
    """A picture with more pixels (width x height, before decoding) is not decoded; its status is too_large. Decoding
    takes up to 20 bytes a pixel (JPEG 2000; JPEG 6, PNG 5), so up to 1.3 GB."""
    blank_deviation: float = 4.0
    """A picture is blank if the standard deviation of every channel (values 0 to 255) is below this."""
    batch_rows: Count = 256
    """Pictures per batch; limits the memory of a worker."""
    encoder: str = "efficientnet_lite0"
    """The frozen network that turns pictures into vectors: `efficientnet_lite0`, or the path of a Keras model or
    SavedModel (docs/encoders.md). What contains a slash is a path: ./mine.keras."""
    size: Annotated[int, Field(ge=32)] | None = None
    """Side of the encoder's square input, in pixels; a network from a path needs it. None: 96, 128 or 160, chosen once
    from the catalogue's pictures; 224 may be more accurate and takes twice as long as 160."""


@dataclass(frozen=True, config=FROZEN)
class FeaturesSettings:
    """How long to keep the vectors of pictures."""

    keep_days: Annotated[int, Field(ge=0)] = 90
    """A vector that is no longer needed is deleted after this many days: its listing has other content, or its encoder
    is out of use."""


@dataclass(frozen=True, config=FROZEN)
class TrainSettings:
    """How to train a model. Where None is possible, it means: chosen from the data, unless documented otherwise."""

    ranks: Count = 2
    """Number of Horovod processes."""
    text_members: Annotated[int, Field(ge=2, le=10)] | None = None
    """Number of members of each branch; each is trained without one fold of the listings."""
    image_epochs: Count | None = None
    """Maximum number of epochs of the picture branch."""
    image_batch: Count = 512
    """Maximum number of rows per step of the picture branch, over all ranks."""
    patience: Count = 3
    """The picture branch stops after this many epochs without a better out-of-sample loss."""
    label_smoothing: Share = 0.1
    """Share of a target's probability that is spread over all categories."""
    row_groups_per_rank: Annotated[int, Field(ge=4)] = 4
    """Number of Parquet row groups of the training set for each rank."""
    noise_sample: Count = 50_000
    """Number of listings, chosen by hash, on which the noise model and the calibration are fitted."""
    seed: int = 20
    """Random seed."""
    work_folder: str | None = None
    """Folder for the training set and the models while they are trained: an absolute path that the driver and all nodes
    can access, such as that of a network drive. Default: inside the warehouse; one that is no local folder needs it.
    What a killed training leaves in it must be removed by hand."""
    start_timeout_seconds: Count = 300
    """How long the Horovod ranks may take to start."""
    rank_silence_seconds: Count = 1800
    """How long the Horovod ranks may make no progress before they are stopped and the training fails. Progress is a
    few thousand rows, or one evaluation of a fit, which reads all listings once: increase this for many millions."""


@dataclass(frozen=True, config=FROZEN)
class ClassifySettings:
    """How to score listings."""

    batch_rows: Count = 1024
    """Listings per batch; limits the memory of a worker."""
    top: Count = 20
    """Number of probabilities to keep per branch; the remaining probability is spread over the other categories."""


@dataclass(frozen=True, config=FROZEN)
class DecideSettings:
    """How to turn a posterior into an action."""

    corrections: bool = True
    """Whether the model may correct categories; `catalog-cleaner corrections off` stops it for all settings. If not,
    what it would correct is on the work list, and listings show the sellers' categories (docs/safety.md)."""
    correction_precision: Share = 0.95
    """The threshold for corrections is the lowest at which their mean posterior is at least this."""
    correction_min_listings: Annotated[int, Field(ge=0)] = 10
    """No listing is corrected to a category of which the model has learned from fewer labelled listings, because it is
    overconfident then. Such listings are referred."""
    refer_below: Share = 0.9
    """A seller's category with a lower posterior is referred to a person."""
    mismatch_probability: Share = 0.5
    """A picture is flagged if the probability that it shows something else is at least this."""
    condition_precision: Share = 0.5
    """A listing is flagged if the probability that its condition is another than it states is at least this."""
    seller_prior: Positive = 4.0
    """Strength of the shrinkage of a seller's error rate to the overall rate, in listings."""
    seller_hysteresis: Positive = 1.0
    """A seller's rate changes only if the new estimate differs from the old one by this many standard errors."""
    duplicate_distance: Annotated[float, Field(ge=0.0)] = 2.0
    """Two pictures are copies of each other if what is left of them in 8 x 8 pixels differs by at most so many of 255
    levels (root mean square)."""
    price_distance: Positive = 3.0
    """A price is flagged if it is at least so many spreads from the median of its category and currency. A spread is
    that of the middle half of the prices; of a normal distribution it is one standard deviation of their logarithms.
    What other values find is in docs/flags.md."""
    suggestions: Count = 5
    """Number of categories suggested to a reviewer."""


@dataclass(frozen=True, config=FROZEN)
class GateSettings:
    """When a night refuses to publish, or an ingest to load a delivery (exit 3)."""

    confirm_first_run: bool = False
    """Whether a first night, which no limit on changes holds for, needs `--accept-changes`."""
    max_quarantined_share: Share = 0.05
    """Share of the rows of listings that cannot be used."""
    max_empty_share: Share = 0.5
    """Share of listings with neither text nor picture; a larger share suggests that columns of a delivery are
    missing."""
    max_corrected_share: Share = 0.8
    """Share of listings whose category is corrected."""
    max_unpredicted_share: Share = 0.5
    """Share of listings for which the model has no prediction."""
    max_unreadable_image_rise: Share = 0.2
    """Increase, since the last publication, in the share of listings whose picture is unreadable; 0.2 is 20 percentage
    points. A larger increase suggests that the picture store is not available."""
    min_delivery_rows: Count = 1000
    """A delivery is compared with the stored catalogue if both have so many listings."""
    max_lost_values: Share = 0.5
    """Share of the values of a column that a delivery may lack, compared with the stored listings of its categories; a
    larger share suggests that a column is missing or has another name."""
    max_rows_factor: Factor = 3.0
    """A full delivery may have so many times as many listings as are stored, or so many times fewer."""
    max_category_shift: Share = 0.5
    """Share of the listings of a full delivery that may be in other categories than the stored ones: half the sum of
    the differences of the categories' shares."""
    max_price_factor: Factor = 3.0
    """How many times as high or as low as the stored prices a delivery's may be: the median over its updated listings,
    or, if it is full, over its categories and currencies, of how prices differ."""


@dataclass(frozen=True, config=FROZEN)
class RegistrySettings:
    """Where to store models."""

    tracking_uri: MlflowServer | None = None
    """Address of an MLflow server. Default: a SQLite store and local artifacts inside the warehouse."""
    model_name: str = "catalog-cleaner"
    """Name of the registered model in MLflow."""
    experiment: str = "catalog-cleaner"
    """Name of the MLflow experiment."""
    timeout_seconds: Annotated[int, Field(ge=20)] = 120
    """How long an MLflow server may take to answer, with all retries; then the command fails."""


@dataclass(frozen=True, config=FROZEN)
class PrivacySettings:
    """Where the secret key of pseudonyms is, and what counts as personal data."""

    key_file: str | None = None
    """A file on the machine that runs the command, with at least 64 random hexadecimal digits (`openssl rand -hex 32`).
    Default: `_keys/pseudonyms.key` in the warehouse's folder, which is made when it is first needed; at a URI or in a
    catalogue it must be given."""
    phone_regions: tuple[Country, ...] = ()
    """Countries (ISO 3166-1, such as FR or GB) whose phone numbers count as personal data also without a country code.
    Default: those that go with the language and the currency of each listing, and any country where a word such as
    "call" stands directly before the number. A change lets the next night score all listings again."""


@dataclass(frozen=True, config=FROZEN)
class LockSettings:
    """How to let only one job at a time write to a warehouse (docs/warehouse.md)."""

    wait_seconds: Annotated[float, Field(ge=0.0)] = 600.0
    """How long to wait for the other job, each time that a job needs the warehouse; 0: fail immediately."""
    renew_seconds: Positive = 60.0
    """How often a job renews its lease of a warehouse that is no local folder. Others take it over when it has not been
    renewed for six times as long: five times, and once for clocks that differ. The same value for all jobs."""
    external: bool = False
    """Whether something else, such as a scheduler, makes sure that only one job writes at a time to a warehouse that is
    no local folder. Then no lease is taken."""


@dataclass(frozen=True, config=FROZEN)
class MaintainSettings:
    """What `maintain` keeps."""

    keep_days: Count = 90
    """The publications of this many days stay readable, and backfills that began in them can be continued."""


@dataclass(frozen=True, config=FROZEN)
class Settings:
    """All settings."""

    spark: SparkSettings = dataclasses.field(default_factory=SparkSettings)
    ingest: IngestSettings = dataclasses.field(default_factory=IngestSettings)
    fetch: FetchSettings = dataclasses.field(default_factory=FetchSettings)
    text: TextSettings = dataclasses.field(default_factory=TextSettings)
    picture: PictureSettings = dataclasses.field(default_factory=PictureSettings)
    features: FeaturesSettings = dataclasses.field(default_factory=FeaturesSettings)
    train: TrainSettings = dataclasses.field(default_factory=TrainSettings)
    attributes: AttributeSettings = dataclasses.field(default_factory=AttributeSettings)
    classify: ClassifySettings = dataclasses.field(default_factory=ClassifySettings)
    decide: DecideSettings = dataclasses.field(default_factory=DecideSettings)
    review: ReviewSettings = dataclasses.field(default_factory=ReviewSettings)
    gates: GateSettings = dataclasses.field(default_factory=GateSettings)
    limits: LimitSettings = dataclasses.field(default_factory=LimitSettings)
    rollout: RolloutSettings = dataclasses.field(default_factory=RolloutSettings)
    registry: RegistrySettings = dataclasses.field(default_factory=RegistrySettings)
    privacy: PrivacySettings = dataclasses.field(default_factory=PrivacySettings)
    lock: LockSettings = dataclasses.field(default_factory=LockSettings)
    maintain: MaintainSettings = dataclasses.field(default_factory=MaintainSettings)

    @property
    def digest(self) -> str:
        """The first 16 digits of the SHA-256 of all values: equal settings have equal digests."""
        text = json.dumps(dataclasses.asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
