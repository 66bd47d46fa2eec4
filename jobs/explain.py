"""`catalog-cleaner explain`: the story of one listing."""

from __future__ import annotations

from jobs.console.command import as_command, run_command
from jobs.console.job import Job
from jobs.console.options import ListingArgument, stored_id
from jobs.console.summary import Summary
from jobs.timeline.reading import PLACES, read_listing
from jobs.timeline.story import story_summary
from schemas.errors import UsageError


def explain(job: Job, listing_id: ListingArgument) -> Summary:
    """Tell the story of one listing: how it stands now, and everything that happened to it.

    Shows when it was delivered, changed, withdrawn or quarantined, what each model said, when its category was
    corrected, why it is on the work list, and what reviewers decided. Changes nothing and can run at any time.
    """
    job.require_listings()
    listing_id = stored_id(listing_id)
    rows = read_listing(job.warehouse, listing_id)
    if not rows.is_known:
        tables = ", ".join(table.name for table in PLACES)
        raise UsageError(
            f"there is no listing {listing_id!r} in {job.warehouse.location}: none of the tables {tables} has it. "
            "Write the id as it was delivered, in the same case."
        )
    return story_summary(rows, job.warehouse.location)


main = as_command("explain", explain)

if __name__ == "__main__":
    run_command(main)
