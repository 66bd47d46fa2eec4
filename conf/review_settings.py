"""The settings of what people review and how, with their defaults and meanings."""

from __future__ import annotations

import dataclasses
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from conf.ingest_settings import FileSettings
from conf.setting_types import FROZEN, Count, Positive, Share, Weight


@dataclass(frozen=True, config=FROZEN)
class PriorityWeights:
    """What raises items of the work list: how much each counts, besides the probability of an error.

    The priority is multiplied by 1 + the sum of the weights, each times a value of 0 to 1 (docs/flags.md).
    """

    exposure: Weight = 0.0
    """The share of the items that are seen or sold less."""
    price: Weight = 0.0
    """The share of the items in the same currency that cost less."""
    sensitive: Weight = 0.0
    """1 if a sensitive category is left or entered."""
    alike: Weight = 0.0
    """1 - 1/n for n items of one seller with the same category and the same suggestion: one answer helps with all."""


@dataclass(frozen=True, config=FROZEN)
class ProxySettings:
    """The reverse proxy through which others reach the review page (docs/review.md)."""

    address: str | None = None
    """Where it shows the page, such as https://review.example.com; default: the page is for this machine only."""
    user_header: str | None = None
    """Header in which it names the user, so that nobody signs in on the page."""
    secret_file: str | None = None
    """File with the secret that it then sends in the header X-Review-Secret."""


@dataclass(frozen=True, config=FROZEN)
class ReviewSettings:
    """Which listings people are asked to review."""

    queue_share: Share = 0.1
    """Length of the category queue as a share of the catalogue; the least certain listings come first. It is also its
    budget: so many items have `in_budget`."""
    queue_items: Count | None = None
    """Budget of the category queue as a number of items, instead of the share."""
    other_share: Share = 0.05
    """Budget of the other queue, of items without a question about the category, as a share of the catalogue."""
    other_items: Count | None = None
    """Budget of the other queue as a number of items, instead of the share."""
    priority: PriorityWeights = dataclasses.field(default_factory=PriorityWeights)
    """What counts for the order besides the probability of an error; by default nothing."""
    audit_listings: Annotated[int, Field(ge=0)] = 400
    """Number of listings drawn at random each month, spread over its days, independently of the model ..."""
    max_audit_share: Share = 0.05
    """... but at most this share of the catalogue."""
    files: FileSettings = dataclasses.field(default_factory=FileSettings)
    """How files of decisions are written."""
    store: str | None = None
    """Folder on the machine that serves the review page, for what is open and for the answers. Default: `_review` in
    the warehouse's folder; at a URI or in a catalogue it must be given."""
    renew_minutes: Positive = 15.0
    """How often the review page's answers are written to the warehouse, as long as no night has published."""
    second_share: Share = 0.0
    """Share of the review page's questions that two different people answer, so that it shows how far they agree."""
    known_share: Share = 0.0
    """Share of the questions answered by leads on the review page that reviewers answer, too, to be compared."""
    proxy: ProxySettings = dataclasses.field(default_factory=ProxySettings)
    """How others reach the review page."""
