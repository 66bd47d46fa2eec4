"""The summary of one listing: how it stands now, and what happened to it."""

from __future__ import annotations

from pyspark.sql import Row

from jobs.cleaning.steps.rollout import HIDDEN
from jobs.console.summary import Named, Section, Share, Summary
from jobs.timeline.events import ListingRows, find_events
from schemas.reasons import CategoryAction, CategorySource, ItemStatus

_SOURCE = {
    CategorySource.SELLER.value: "the seller's category",
    CategorySource.MODEL.value: "as the model decided",
    CategorySource.REVIEWER.value: "as a reviewer decided",
}


def story_summary(rows: ListingRows, location: str) -> Summary:
    """Make the summary of `catalog-cleaner explain` from the rows of a known listing."""
    clean, flagged, content = rows.clean, rows.flagged, rows.clean or rows.listing
    newest = None if clean is None else clean.run_id
    facts: dict[str, object] = {
        "listing_id": rows.listing_id,
        "listing_title": content and content.title,
        "withdrawn": bool(rows.listing and rows.listing.withdrawn),
        "publication": newest,
        "seller_id": content and content.seller_id,
        "seller_error_rate": rows.seller and Share(rows.seller.error_rate),
        "seller_category": content and _named(rows, content.category),
        "effective_category": clean and _named(rows, clean.effective_category),
        "category_source": clean and clean.category_source,
        "category_action": clean and clean.category_action,
        "category_confidence": clean and _share(clean.category_confidence),
        "best_category": clean and _named(rows, clean.best_category),
        "best_confidence": clean and _share(clean.best_confidence),
        "work_list": flagged and flagged.status,
        "reasons": list(flagged.reasons) if flagged else [],
        "flagged_since": flagged and str(flagged.first_run_date),
        "explanation": rows.explanation and rows.explanation.sentence,
    }
    events = [
        (event.at and f"{event.at:%Y-%m-%d %H:%M}", event.kind, event.text, event.run_id) for event in find_events(rows)
    ]
    return Summary(
        f"Listing {rows.listing_id}: {_standing(rows)}",
        facts,
        (
            Section(
                "what happened, oldest first",
                ("at", "event", "text", "run_id"),
                events,
                key="events",
                shown=("at", "event", "text"),
            ),
            *_reasons(rows),
        ),
        (
            "Times are UTC; what a run did stands at its end. Shares and the error rate are the model's estimates.",
            f"All runs:  catalog-cleaner runs --warehouse {location}",
        ),
        hidden_if_zero=("withdrawn", "work_list", "reasons", "flagged_since", "explanation"),
    )


def _reasons(rows: ListingRows) -> tuple[Section, ...]:
    """What the explanation rests on; no table without it."""
    found = rows.explanation
    if found is None:
        return ()
    sides = ((found.suggested_category, found.suggested_words), (found.category, found.seller_words))
    words = [(each.word, _named(rows, category), each.weight) for category, some in sides for each in some or ()]
    said = [
        (_named(rows, category), _share(by_text), _share(by_picture))
        for category, by_text, by_picture in (
            (found.suggested_category, found.text_suggested, found.image_suggested),
            (found.category, found.text_seller, found.image_seller),
        )
    ]
    alike = [(each.listing_id, each.similarity) for each in found.similar or ()]
    return (
        Section("what text and picture say", ("category", "text", "picture"), said, key="said"),
        Section("words that speak for a category", ("word", "for", "weight"), words, key="words"),
        Section("similar listings of the suggested category", ("listing_id", "similarity"), alike, key="similar"),
    )


def _standing(rows: ListingRows) -> str:
    """How a listing stands now, in one sentence."""
    clean, withdrawn = rows.clean, rows.listing is not None and rows.listing.withdrawn
    if withdrawn:
        return "withdrawn" if clean is None else f"withdrawn, but the newest publication has it, {_shown(rows, clean)}"
    if clean is None:
        if rows.listing is None:
            return "never loaded, see why below" if rows.quarantined else "no longer in the catalogue"
        return "loaded, but not part of the newest publication" if rows.published else "loaded, not cleaned yet"
    return _shown(rows, clean)


def _shown(rows: ListingRows, clean: Row) -> str:
    """How the newest publication shows a listing, and what people should do about it."""
    if clean.effective_category is None:
        hidden = f"nothing is corrected in the arm {clean.rollout_arm}"
        why = hidden if clean.rollout_arm in HIDDEN else "only a person may choose it"
        shown = f"shown without a category, because {why}"
    else:
        sure = "" if clean.category_confidence is None else f" ({Share(clean.category_confidence)} sure)"
        source = _SOURCE.get(clean.category_source, clean.category_source)
        shown = f"shown in {rows.name(clean.effective_category)}, {source}{sure}"
    if clean.category_action == CategoryAction.REFERRED.value:
        return f"{shown}; a person should decide"
    return f"{shown}; on the work list" if rows.flagged and rows.flagged.status == ItemStatus.OPEN.value else shown


def _named(rows: ListingRows, category: str | None) -> Named | None:
    return None if category is None else Named(category, rows.name(category))


def _share(probability: float | None) -> Share | None:
    return None if probability is None else Share(probability)
