"""Enumerations shared by tables, messages and docs: reasons, statuses, actions and decisions."""

from __future__ import annotations

from enum import StrEnum


class Queue(StrEnum):
    """Which work list a reason belongs to."""

    CATEGORY = "category"
    """Questions about the category: one queue with one budget, sorted by the probability of a wrong category."""
    OTHER = "other"
    """Any other fault of the listing."""
    AUDIT = "audit"
    """Drawn at random, to measure the quality of the catalogue."""


class Reason(StrEnum):
    """Why a person should review a listing (`flagged_items.reasons`).

    The rule that raises a reason is in `jobs.cleaning.steps.reason_rules.RULES`; a reason without a rule is never
    raised. The share of listings with a reason is the metric `flagged_share` with dimension `reason` and the reason's
    name as segment.

    Attributes:
        queue: the work list that it belongs to.
        severity: 0 to 1, the priority of an item without a question about its category. None for the category queue,
            whose priority is the probability of a wrong category.
        meaning: when the reason is raised, one sentence for the docs.
        explanation: the text for reviewers.
    """

    _value_: str
    queue: Queue
    severity: float | None
    meaning: str
    explanation: str

    # The defaults are needed for a lookup, `Reason("blank_image")`; every entry gives all values.
    def __new__(
        cls,
        name: str,
        queue: Queue = Queue.OTHER,
        severity: float | None = None,
        meaning: str = "",
        explanation: str = "",
    ) -> Reason:
        """Create a string with the name as its value, and the other values as attributes."""
        reason = str.__new__(cls, name)
        reason._value_ = name
        reason.queue = queue
        reason.severity = severity
        reason.meaning = meaning
        reason.explanation = explanation
        return reason

    WRONG_CATEGORY = (
        "wrong_category",
        Queue.CATEGORY,
        None,
        "Another category is more probable than the seller's, but not certain enough, or corrections are off.",
        "text and picture suggest another category than the seller's, without enough certainty to correct it",
    )
    LOW_CONFIDENCE = (
        "low_confidence",
        Queue.CATEGORY,
        None,
        "The current category is the most probable one, but it is among the least certain in the catalogue.",
        "the current category is the most probable one, but it is among the least certain",
    )
    MISSING_CATEGORY = (
        "missing_category",
        Queue.CATEGORY,
        None,
        "The seller gave no category.",
        "the seller gave no category",
    )
    UNKNOWN_CATEGORY = (
        "unknown_category",
        Queue.CATEGORY,
        None,
        "The seller's category is not in the taxonomy.",
        "the seller's category is not in the taxonomy",
    )
    SENSITIVE_CATEGORY = (
        "sensitive_category",
        Queue.CATEGORY,
        None,
        "The most probable change would move the listing into or out of a sensitive category.",
        "the change touches a sensitive category, which only a person may change",
    )
    IMAGE_MISMATCH = (
        "image_mismatch",
        Queue.OTHER,
        0.5,
        "The picture probably shows something else; its severity is multiplied by that probability.",
        "the picture shows something else than the text and the category say",
    )
    MISSING_IMAGE = (
        "missing_image",
        Queue.OTHER,
        0.2,
        "There is no picture, while at least half of the listings have one.",
        "there is no picture, or none at its address",
    )
    CORRUPT_IMAGE = (
        "corrupt_image",
        Queue.OTHER,
        0.3,
        "There is a picture that cannot be read: it is damaged, too large or of a format that is not read.",
        "the picture cannot be read",
    )
    BLANK_IMAGE = (
        "blank_image",
        Queue.OTHER,
        0.25,
        "The picture is one flat colour.",
        "the picture is one flat colour",
    )
    MISSING_TITLE = (
        "missing_title",
        Queue.OTHER,
        0.3,
        "There is no title, while at least half of the listings have one.",
        "there is no title",
    )
    UNINFORMATIVE_TITLE = (
        "uninformative_title",
        Queue.OTHER,
        0.25,
        "The title is empty, a placeholder in one of eight languages, one repeated letter, or has no letter at all.",
        "the title says nothing about the product",
    )
    PRICE_OUTLIER = (
        "price_outlier",
        Queue.OTHER,
        0.2,
        "The price is impossible or far from the others of its category, or missing while nearly all others have one.",
        "the price is missing, impossible, or far from the other prices of its category",
    )
    PERSONAL_DATA = (
        "personal_data",
        Queue.OTHER,
        0.3,
        "Title or description contain an e-mail address, a phone number, a postal address, an IBAN or a card number.",
        "the text contains personal data",
    )
    CONDITION_MISMATCH = (
        "condition_mismatch",
        Queue.OTHER,
        0.3,
        "Words and picture contradict the stated condition; its severity is multiplied by the probability of that.",
        "words and picture contradict the stated condition",
    )
    DUPLICATE = (
        "duplicate",
        Queue.OTHER,
        0.2,
        "An older listing offers the same product: texts and pictures agree.",
        "an older listing offers the same product",
    )
    AUDIT_SAMPLE = (
        "audit_sample",
        Queue.AUDIT,
        0.35,  # above most other faults: few listings, and the metrics depend on their answers
        "Drawn at random, independently of the model; every night a part of the sample is new.",
        "drawn at random to measure the quality of the catalogue",
    )


CATEGORY_REASONS: tuple[Reason, ...] = tuple(reason for reason in Reason if reason.queue is Queue.CATEGORY)
"""Reasons with a question about the category: one queue with one budget."""

ANSWERED_BY_CATEGORY: tuple[Reason, ...] = (*CATEGORY_REASONS, Reason.AUDIT_SAMPLE)
"""Reasons that a decision about the category answers."""

WITHHELD = (
    "text and picture suggest another category than the seller's, surely enough to correct it, but corrections are off"
)
"""The explanation of wrong_category where only that keeps the model from correcting it."""
NOVEL = "most of its words are new: perhaps it fits no category, or is a new kind of listing"
"""Added to the explanation of a listing that is unlike the training data."""
OUTDATED = "a reviewer has answered this for other values"
"""Added to a reason that was settled, for a price, condition or duplicate that has changed since."""


class ImageStatus(StrEnum):
    """The state of a listing's picture (`predictions.image_status`)."""

    OK = "ok"
    MISSING = "missing"
    """The listing has no picture, or an empty file."""
    CORRUPT = "corrupt"
    UNSUPPORTED_FORMAT = "unsupported_format"
    """The file has a format that is not read, such as SVG or PDF."""
    BLANK = "blank"
    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"
    """The picture store failed or denied access; the next run tries again."""
    NOT_ALLOWED = "not_allowed"
    """The URI is not below any allowed prefix."""
    NOT_FOUND = "not_found"
    """The picture store has no such file."""
    NOT_FETCHED = "not_fetched"
    """It is at an http or https address from which `fetch-pictures` has not fetched it yet."""
    NOT_KEPT = "not_kept"
    """A backfill met earlier content whose picture is no longer kept; it was judged by its text."""


NO_PICTURE: tuple[str, ...] = (
    ImageStatus.MISSING.value,
    ImageStatus.NOT_ALLOWED.value,
    ImageStatus.NOT_FOUND.value,
)
"""Statuses that count as having no picture."""


class PersonalData(StrEnum):
    """A kind of personal data in the texts of a listing (`predictions.personal_data`).

    Attributes:
        words: its name in sentences.
    """

    _value_: str
    words: str

    def __new__(cls, name: str, words: str = "") -> PersonalData:
        """Create a string with the name as its value, and the words as an attribute."""
        kind = str.__new__(cls, name)
        kind._value_ = name
        kind.words = words
        return kind

    EMAIL = ("email", "an e-mail address")
    PHONE = ("phone", "a phone number")
    IBAN = ("iban", "an IBAN")
    CARD = ("card", "a card number")
    ADDRESS = ("address", "a postal address")


class TitleStatus(StrEnum):
    """Whether a title describes its product. A title has exactly one status."""

    OK = "ok"
    MISSING = "missing"
    """There is no title."""
    EMPTY = "empty"
    """It is empty or has only spaces."""
    UNINFORMATIVE = "uninformative"
    """It says nothing about the product, for example "n/a" or "aaa"."""


NO_TITLE = (TitleStatus.MISSING.value, TitleStatus.EMPTY.value)
"""Statuses that count as having no title."""


class CategoryAction(StrEnum):
    """What a run does with a listing's category (`clean_listings.category_action`)."""

    KEPT = "kept"
    CORRECTED = "corrected"
    REFERRED = "referred"


class CategorySource(StrEnum):
    """Who decided `clean_listings.effective_category`."""

    SELLER = "seller"
    MODEL = "model"
    REVIEWER = "reviewer"


class ItemStatus(StrEnum):
    """The status of an item of the work list (`flagged_items.status`)."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    RESOLVED = "resolved"


class QuarantineReason(StrEnum):
    """Why a delivered row cannot be used (`quarantine.reasons`)."""

    MALFORMED_ROW = "malformed_row"
    MISSING_LISTING_ID = "missing_listing_id"
    LISTING_ID_TOO_LONG = "listing_id_too_long"
    DAMAGED_LISTING_ID = "damaged_listing_id"
    """It is a rounded number such as 8.41E+12: a spreadsheet has replaced the last digits of a long id."""
    NOT_UTF8 = "not_utf8"
    """A value that is used is text of Parquet or Delta whose bytes are not UTF-8, so it cannot be read for sure."""
    MISSING_UPDATED_AT = "missing_updated_at"
    INVALID_UPDATED_AT = "invalid_updated_at"
    FUTURE_UPDATED_AT = "future_updated_at"
    """It is too far in the future (`ingest.max_future_days`). Such a version would stay the newest one, whatever is
    delivered later."""
    INVALID_DECISION = "invalid_decision"
    """The decision is missing or unknown, its reason or purpose is unknown, or a required reason is missing."""
    MISSING_REVIEWER = "missing_reviewer"
    INVALID_DECIDED_AT = "invalid_decided_at"
    FUTURE_DECIDED_AT = "future_decided_at"
    """It is more than a day after both today and the date of the newest publication."""
    NOT_PUBLISHED = "not_published"
    """The listing was not in a publication before the decision."""
    CONTRADICTING_CATEGORY = "contradicting_category"
    """accept names another category than the suggested one, or reject another one than the seller's. Only set_category
    can name any category."""
    UNKNOWN_CATEGORY = "unknown_category"
    """The category is not in the taxonomy, or the decision is about a category and there is none."""
