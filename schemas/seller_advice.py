"""What a seller can do about each reason and each part of the quality score: sentences for letters."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.reasons import Reason

ADVICE_BY_REASON: Mapping[Reason, str] = {
    Reason.WRONG_CATEGORY: "Please check the category.",
    Reason.LOW_CONFIDENCE: "Say in the title what the product is.",
    Reason.MISSING_CATEGORY: "Please choose a category.",
    Reason.UNKNOWN_CATEGORY: "Please choose one of our categories.",
    Reason.SENSITIVE_CATEGORY: "Please check the category; one of us will look at it, too.",
    Reason.IMAGE_MISMATCH: "Use a picture that shows the product.",
    Reason.MISSING_IMAGE: "Add a picture.",
    Reason.CORRUPT_IMAGE: "Upload the picture again, as a JPEG or PNG.",
    Reason.BLANK_IMAGE: "Use a picture that shows the product.",
    Reason.MISSING_TITLE: "Write a title that says what the product is.",
    Reason.UNINFORMATIVE_TITLE: "Write a title that says what the product is.",
    Reason.PRICE_OUTLIER: "Please check the price and its currency.",
    Reason.PERSONAL_DATA: "Please remove it from title and description.",
    Reason.CONDITION_MISMATCH: "Please check the condition.",
    Reason.DUPLICATE: "Keep one listing for each product.",
}
"""Reason -> what to do. Reasons that are not here need nothing of the seller."""

ADVICE_BY_PART: Mapping[str, str] = {
    "quality_category": "It rises if the category is the one that fits best, and the title says what the product is.",
    "quality_title": "It rises if every listing has a title that says what the product is.",
    "quality_picture": "It rises if every listing has a picture that can be read and shows the product.",
    "quality_price": "It rises if every price is right.",
    "quality_description": "It rises if every listing has a description without personal data.",
}
"""Column of clean_listings with a part of the quality score -> what would raise it."""
