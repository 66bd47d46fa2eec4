"""Why a listing is flagged, and why a row cannot be used: the names that tables, messages and docs share."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a person should look at a listing (`flagged_items.reasons`)."""

    WRONG_CATEGORY = "wrong_category"
    LOW_CONFIDENCE = "low_confidence"
    MISSING_CATEGORY = "missing_category"
    UNKNOWN_CATEGORY = "unknown_category"
    SENSITIVE_CATEGORY = "sensitive_category"
    IMAGE_MISMATCH = "image_mismatch"
    MISSING_IMAGE = "missing_image"
    CORRUPT_IMAGE = "corrupt_image"
    BLANK_IMAGE = "blank_image"
    MISSING_TITLE = "missing_title"
    UNINFORMATIVE_TITLE = "uninformative_title"
    PRICE_OUTLIER = "price_outlier"
    PERSONAL_DATA = "personal_data"
    DUPLICATE = "duplicate"
    AUDIT_SAMPLE = "audit_sample"


CATEGORY_REASONS: tuple[Reason, ...] = (
    Reason.WRONG_CATEGORY,
    Reason.LOW_CONFIDENCE,
    Reason.MISSING_CATEGORY,
    Reason.UNKNOWN_CATEGORY,
    Reason.SENSITIVE_CATEGORY,
)
"""Reasons that ask about the category: one queue with one budget. The others make the second queue."""

EXPLANATIONS: dict[Reason, str] = {
    Reason.WRONG_CATEGORY: "the text and picture speak against the seller's category, not surely enough to correct it",
    Reason.LOW_CONFIDENCE: "the category that stands is the likeliest, but among the least certain",
    Reason.MISSING_CATEGORY: "the seller gave no category",
    Reason.UNKNOWN_CATEGORY: "the seller's category is not in the taxonomy",
    Reason.SENSITIVE_CATEGORY: "the change touches a sensitive category, which only a person may change",
    Reason.IMAGE_MISMATCH: "the picture shows something else than the text and category say",
    Reason.MISSING_IMAGE: "there is no picture",
    Reason.CORRUPT_IMAGE: "the picture cannot be read",
    Reason.BLANK_IMAGE: "the picture is one flat colour",
    Reason.MISSING_TITLE: "there is no title",
    Reason.UNINFORMATIVE_TITLE: "the title says nothing about the product",
    Reason.PRICE_OUTLIER: "the price is impossible, or far from its category's prices",
    Reason.PERSONAL_DATA: "the text holds an e-mail address or a phone number",
    Reason.DUPLICATE: "the same product is listed elsewhere",
    Reason.AUDIT_SAMPLE: "drawn at random to measure how right the catalogue is",
}
NOVEL = "most of its words are new: perhaps it fits no category, or is a new kind of listing"
"""Is added to the explanation where a listing is unlike all that was learnt from."""


class ImageStatus(StrEnum):
    """What became of a listing's picture (`predictions.image_status`)."""

    OK = "ok"
    MISSING = "missing"
    CORRUPT = "corrupt"
    BLANK = "blank"
    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"
    """The URI could not be read, or is not under an allowed prefix."""


class CategoryAction(StrEnum):
    """What a run does with a listing's category (`clean_listings.category_action`): exactly one."""

    KEPT = "kept"
    CORRECTED = "corrected"
    REFERRED = "referred"


class CategorySource(StrEnum):
    """Whose word `clean_listings.effective_category` is."""

    SELLER = "seller"
    MODEL = "model"
    REVIEWER = "reviewer"


class Decision(StrEnum):
    """What a reviewer says (`review_decisions.decision`)."""

    ACCEPT = "accept"
    """The suggestion is right."""
    REJECT = "reject"
    """The seller is right."""
    SET_CATEGORY = "set_category"
    RESOLVE = "resolve"
    """The named reason is dealt with."""
    SKIP = "skip"


CATEGORY_DECISIONS: tuple[str, ...] = (Decision.ACCEPT.value, Decision.REJECT.value, Decision.SET_CATEGORY.value)
"""Decisions that say which category is right, where they name no other reason."""


class QuarantineReason(StrEnum):
    """Why a delivered row could not be used (`quarantine.reasons`)."""

    MALFORMED_ROW = "malformed_row"
    MISSING_LISTING_ID = "missing_listing_id"
    LISTING_ID_TOO_LONG = "listing_id_too_long"
    MISSING_UPDATED_AT = "missing_updated_at"
    INVALID_UPDATED_AT = "invalid_updated_at"
    INVALID_PRICE = "invalid_price"
    INVALID_DECISION = "invalid_decision"
    """No decision, or one about a reason that there is not, or one that lacks its reason."""
    MISSING_REVIEWER = "missing_reviewer"
    INVALID_DECIDED_AT = "invalid_decided_at"
    NOT_PUBLISHED = "not_published"
    """No publication before the decision shows the listing."""
    UNKNOWN_CATEGORY = "unknown_category"
