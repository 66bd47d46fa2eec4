"""The training plan: settings that are not given are chosen from the data."""

from __future__ import annotations

from dataclasses import dataclass

from conf.settings import Settings
from schemas.errors import FailedError
from training.canaries import canary_share

MIN_ROWS = 20
"""Training needs at least this many labelled listings."""
FIRST_PASS, SECOND_PASS = "text model, first pass", "text model, second pass"
PICTURES = "picture model"
FIRST_PASS_FITS = 3
"""Upper limit of the L2 penalties that the first pass tries."""
_MIN_PICTURES = 200
_MIN_PICTURE_SHARE = 0.02


@dataclass(frozen=True)
class Plan:
    """The hyperparameters of a training run.

    Attributes:
        text_members: K; member k never trains on fold k = bucket mod K.
        pictures: whether there is a picture branch, also with K members; there is none if there are too few pictures.
        image_epochs: maximum number of epochs of the picture branch; early stopping may end it before.
        image_batch: rows per step of the picture branch, over all ranks.
        patience: epochs without a better out-of-sample loss before the picture branch stops.
        label_smoothing: share of a target's mass that is spread over all categories.
        max_features, min_listings: of the text vocabulary; see `conf.settings.TextSettings`.
        canary_share: share of the listings whose label is made wrong; see `training.canaries`.
        sample: maximum number of rows on which the noise model is fitted.
        seed: of all random numbers.
    """

    text_members: int
    pictures: bool
    image_epochs: int
    image_batch: int
    patience: int
    label_smoothing: float
    max_features: int
    min_listings: int
    canary_share: float
    sample: int
    seed: int

    @property
    def stages(self) -> dict[str, int]:
        """The training stages in order, as named in progress reports -> maximum number of text members or epochs."""
        texts = {FIRST_PASS: FIRST_PASS_FITS * self.text_members, SECOND_PASS: self.text_members}
        return texts | ({PICTURES: self.image_epochs} if self.pictures else {})


def make_plan(settings: Settings, rows: int, pictures: int) -> Plan:
    """Choose the hyperparameters that the settings do not give.

    Small catalogues get more members, so that each trains on a larger share of the rows, and more picture epochs,
    because the number of steps counts, not the number of epochs.

    Args:
        settings: all settings.
        rows: number of labelled listings.
        pictures: how many of them have a usable picture.

    Raises:
        FailedError: there are too few rows.
    """
    train = settings.train
    if rows < MIN_ROWS:
        raise FailedError(
            f"{rows} listings with a category of the taxonomy are too few for training, which needs {MIN_ROWS}. "
            "Check that listings and taxonomy spell the categories in the same way."
        )
    return Plan(
        text_members=train.text_members or (10 if rows < 2_000 else 6),
        pictures=pictures >= max(_MIN_PICTURES, _MIN_PICTURE_SHARE * rows),
        image_epochs=train.image_epochs or int(min(max(600_000 // max(pictures, 1), 12), 30)),
        image_batch=min(train.image_batch, max(pictures // 16, 16)),
        patience=train.patience,
        label_smoothing=train.label_smoothing,
        max_features=settings.text.max_features,
        min_listings=settings.text.min_listings,
        canary_share=canary_share(rows),
        sample=train.noise_sample,
        seed=train.seed,
    )
