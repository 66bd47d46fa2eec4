"""`catalog-cleaner suggest`: category, price and attributes of one listing, and the listings that speak for them."""

from __future__ import annotations

import shlex

from jobs.console.command import as_command, run_command
from jobs.console.job import Job
from jobs.console.options import ListingArgument, stored_id
from jobs.console.summary import Amount, Named, Section, Share, Summary
from jobs.reporting.publication_snapshot import find_snapshot
from jobs.timeline.suggestions import ListingSuggestions, read_suggestions
from schemas.errors import UsageError
from training.registry import open_registry

_PRICES = (
    "The suggested price is the median of the category in the listing's currency; half of its prices lie between the "
    "lower and the upper one."
)


def suggest(job: Job, listing_id: ListingArgument) -> Summary:
    """Suggest category, price and attributes of one listing, with the similar listings that speak for them.

    Shows the categories that the newest publication takes for most probable, what listings of each usually cost, which
    listings of each are most like this one, and what words and picture say about its attributes, such as its colour.
    Changes nothing and can run at any time.
    """
    job.require_listings()
    listing_id = stored_id(listing_id)
    warehouse = job.warehouse
    snapshot = find_snapshot(warehouse, None)
    publication = snapshot.run
    registry = open_registry(warehouse.folder, warehouse.location, job.settings.registry)
    encoder = registry.model(publication.model_version).spec.encoder
    found = read_suggestions(snapshot, listing_id, encoder)
    if found is None:
        raise UsageError(
            f"the publication {publication.run_id} has no listing {listing_id!r}. Write the id as it was delivered, in "
            f"the same case; whether it was ever loaded says: {explain_command(listing_id, warehouse.location)}"
        )
    return _summary(found, publication.run_id, warehouse.location)


def _summary(found: ListingSuggestions, run_id: str, location: str) -> Summary:
    clean, best = found.clean, found.suggestions[0] if found.suggestions else None
    prices = [{} if each.price is None else each.price.asDict() for each in found.suggestions]

    def named(category: str | None) -> Named | None:
        return None if category is None else Named(category, found.names.get(category, category))

    facts: dict[str, object] = {
        "listing_id": clean.listing_id,
        "listing_title": clean.title,
        "publication": run_id,
        "seller_category": named(clean.category),
        "effective_category": named(clean.effective_category),
        "price": None if clean.price is None else Amount(clean.price),
        "currency": clean.currency,
        "suggested_category": named(best.category if best else None),
        "suggested_price": _amount(prices[0].get("median")) if prices else None,
    }
    categories = [
        (
            named(each.category),
            Share(each.probability),
            *(_amount(usual.get(part)) for part in ("median", "lower", "upper")),
            usual.get("listings"),
        )
        for each, usual in zip(found.suggestions, prices, strict=True)
    ]
    similar = [
        (
            named(each.category),
            *(other[name] for name in ("listing_id", "similarity", "title")),
            Amount(other["price"]) if isinstance(other["price"], float) else None,
            other["currency"],
        )
        for each in found.suggestions
        for other in each.similar
    ]
    return Summary(
        f"Listing {clean.listing_id}: " + (f"probably {named(best.category)}" if best else "nothing to suggest"),
        facts,
        (
            Section(
                "suggested categories, and the prices of their listings",
                ("category", "probability", "median_price", "lower_price", "upper_price", "prices"),
                categories,
                key="suggestions",
            ),
            Section(
                "the most similar listings that are surely right",
                ("category", "listing_id", "similarity", "title", "price", "currency"),
                similar,
                key="similar",
            ),
            Section(
                "attributes, by words and picture (missing: suggested, because the listing does not state it)",
                ("attribute", "value", "probability", "missing"),
                [(each.attribute, each.value, Share(each.probability), each.missing) for each in found.attributes],
                key="attributes",
            ),
        ),
        (
            _PRICES,
            f"Why it stands where it does:  {explain_command(clean.listing_id, location)}",
        ),
    )


def _amount(price: float | None) -> Amount | None:
    """A price that was computed, with the decimals that it is shown with."""
    return None if price is None else Amount(round(price, 2))


def explain_command(listing_id: str, location: str) -> str:
    """The command that tells a listing's story, for a shell: an id is a seller's text, and may be a command itself."""
    options = f"catalog-cleaner explain --warehouse {location}"
    return f"{options} {'-- ' if listing_id.startswith('-') else ''}{shlex.quote(listing_id)}"


main = as_command("suggest", suggest)

if __name__ == "__main__":
    run_command(main)
