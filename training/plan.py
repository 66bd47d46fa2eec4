"""The training plan: settings that are not given are chosen from the data."""

from __future__ import annotations

from dataclasses import dataclass

from conf.settings import Settings
from schemas.errors import FailedError, UsageError
from training.canaries import canary_share

MIN_ROWS = 20
"""Training needs at least this many labelled listings."""
FIRST_PASS, SECOND_PASS = "text model, first pass", "text model, second pass"
FIRST_PASS_FITS = 3
"""Upper limit of the L2 penalties that the first pass tries."""
_MIN_PICTURES = 200
_MIN_PICTURE_SHARE = 0.02


@dataclass(frozen=True)
class Plan:
    """The hyperparameters of a training run.

    Attributes:
        text_members: K; member k never trains on fold k = bucket mod K.
        image_members: number of members of the picture branch, a divisor of K; 0 if there are too few pictures.
        text_epochs, image_epochs: maximum number of epochs; early stopping may end a branch before.
        text_batch, image_batch: rows per step, over all ranks.
        patience: epochs without a better out-of-sample loss before a branch stops.
        label_smoothing: share of a target's mass that is spread over all categories.
        max_features, min_listings: of the text vocabulary; see `conf.settings.TextSettings`.
        image_backbone, image_weights: as `training.backbones.make_backbone` takes them.
        mixed_precision: whether the picture network trains in mixed precision (float16); None: if every rank has a GPU.
        canary_share: share of the listings whose label is made wrong; see `training.canaries`.
        sample: maximum number of rows on which the noise model is fitted.
        seed: of all random numbers.
    """

    text_members: int
    image_members: int
    text_epochs: int
    image_epochs: int
    text_batch: int
    image_batch: int
    patience: int
    label_smoothing: float
    max_features: int
    min_listings: int
    image_backbone: str
    image_weights: str | None
    mixed_precision: bool | None
    canary_share: float
    sample: int
    seed: int

    @property
    def stages(self) -> dict[str, int]:
        """The training stages in order, as named in progress reports -> maximum number of epochs."""
        pictures = {self.picture_stage(member): self.image_epochs for member in range(self.image_members)}
        return {FIRST_PASS: FIRST_PASS_FITS * self.text_epochs, SECOND_PASS: self.text_epochs, **pictures}

    def picture_stage(self, member: int) -> str:
        """The name of the stage that trains a member of the picture branch; members count from 0."""
        return f"picture model, member {member + 1} of {self.image_members}"


def make_plan(settings: Settings, rows: int, pictures: int) -> Plan:
    """Choose the hyperparameters that the settings do not give.

    Small catalogues get more members, so that each trains on a larger share of the rows, and more epochs. Large
    catalogues get fewer picture epochs, because the number of steps counts, not the number of epochs.

    Args:
        settings: all settings.
        rows: number of labelled listings.
        pictures: how many of them have a usable picture.

    Raises:
        FailedError: there are too few rows.
        UsageError: image_members does not divide text_members, or weights are given for the residual network.
    """
    train = settings.train
    if train.image_weights and train.image_backbone == "residual":
        raise UsageError(
            f"train.image_weights={train.image_weights} is not for the residual network, which starts at random: "
            "choose train.image_backbone=efficientnetv2-b0 or mobilenetv3-small, or leave train.image_weights out."
        )
    if rows < MIN_ROWS:
        raise FailedError(
            f"{rows} listings with a category of the taxonomy are too few for training, which needs {MIN_ROWS}. "
            "Check that listings and taxonomy spell the categories in the same way."
        )
    image_members = train.image_members
    if image_members is None:
        image_members = 5 if rows < 2_000 else 3 if rows < 10_000 else 2
    text_members = train.text_members
    if text_members is None:
        text_members = next(k for k in (10, 9, 8, 6) if k % image_members == 0) if rows < 2_000 else 6
    if pictures < _MIN_PICTURES or pictures < _MIN_PICTURE_SHARE * rows:
        image_members = 0
    elif text_members % image_members:
        raise UsageError(
            f"train.image_members={image_members} does not divide train.text_members={text_members}, so the picture "
            "folds would not be unions of text folds: choose a divisor."
        )
    passes = max(pictures, 1) * max(image_members - 1, 1)
    return Plan(
        text_members=text_members,
        image_members=image_members,
        text_epochs=train.text_epochs or int(min(max(200_000 // rows, 8), 30)),
        image_epochs=train.image_epochs or int(min(max(320_000 // passes, 4), 30)),
        text_batch=min(train.text_batch, max(rows // 16, 16)),
        image_batch=min(train.image_batch, max(pictures // 16, 16)),
        patience=train.patience,
        label_smoothing=train.label_smoothing,
        max_features=settings.text.max_features,
        min_listings=settings.text.min_listings,
        image_backbone=train.image_backbone,
        image_weights=train.image_weights,
        mixed_precision=train.mixed_precision,
        canary_share=canary_share(rows),
        sample=train.noise_sample,
        seed=train.seed,
    )
