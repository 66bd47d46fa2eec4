"""How to train on a given catalogue: what the settings leave open is chosen from the data."""

from __future__ import annotations

from dataclasses import dataclass

from conf.settings import Settings
from schemas.errors import FailedError, UsageError
from training.canaries import canary_share

MIN_ROWS = 20
"""Fewer labelled listings teach nothing."""
FIRST_PASS, SECOND_PASS = "text model, first pass", "text model, second pass"
FIRST_PASS_FITS = 3
"""Penalties that the first pass tries."""
_MIN_PICTURES = 200
_MIN_PICTURE_SHARE = 0.02


@dataclass(frozen=True)
class Plan:
    """A training run in numbers.

    Attributes:
        text_members: K; member k never trains on fold k = bucket mod K.
        image_members: of the picture branch, a divisor of K; 0: the pictures are too few to learn from.
        text_epochs, image_epochs: passes over the data, each branch stops at its best.
        text_batch, image_batch: rows a step, over all ranks.
        patience: epochs without a better out-of-sample loss before a branch stops.
        label_smoothing: share of a target's mass that is spread over all categories.
        max_features, min_listings: the text vocabulary.
        image_backbone, image_weights: as `training.backbones.make_backbone` takes them.
        mixed_precision: whether the picture network learns in 16 bits; None: where every rank has a GPU.
        canary_share: part of the listings whose label is made wrong; see `training.canaries`.
        sample: rows whose out-of-sample probabilities the noise model is fitted on, at most.
        seed: of every random choice.
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
        """What is trained, in order, as progress reports name it: stage -> epochs at most."""
        pictures = {self.picture_stage(member): self.image_epochs for member in range(self.image_members)}
        return {FIRST_PASS: FIRST_PASS_FITS * self.text_epochs, SECOND_PASS: self.text_epochs, **pictures}

    def picture_stage(self, member: int) -> str:
        """The stage in which a member of the picture branch, counted from 0, is trained."""
        return f"picture model, member {member + 1} of {self.image_members}"


def make_plan(settings: Settings, rows: int, pictures: int) -> Plan:
    """Choose what the settings leave open.

    Small catalogues get more members (each then trains on more of the few rows) and more epochs; large
    ones fewer picture epochs, since a step teaches the same whichever picture it sees.

    Args:
        rows: labelled listings.
        pictures: those of them with a usable picture.

    Raises:
        FailedError: there are too few rows.
        UsageError: the members asked for do not divide, or our own picture network is given weights.
    """
    train = settings.train
    if train.image_weights and train.image_backbone == "residual":
        raise UsageError(
            f"train.image_weights={train.image_weights} suits none of our own networks, which start at random: choose "
            "train.image_backbone=efficientnetv2-b0 or mobilenetv3-small with it, or leave it out."
        )
    if rows < MIN_ROWS:
        raise FailedError(
            f"{rows} listings with a category of the taxonomy are too few to learn from: there must be {MIN_ROWS}. "
            "Check that the categories of listings and taxonomy are spelled alike."
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
