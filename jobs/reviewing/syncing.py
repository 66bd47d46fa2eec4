"""Renews the review page: its answers go to the warehouse, and what is open comes from there."""

from __future__ import annotations

from jobs.console.job import Job
from jobs.console.summary import Summary
from jobs.reviewing.access_log import forget_old_accesses
from jobs.reviewing.database import Store
from jobs.reviewing.delivering import write_answers
from jobs.reviewing.exporting import export_open_items
from jobs.reviewing.outgoing import forget_old, waiting_answers
from jobs.reviewing.place import held_store, store_folder


def sync_store(job: Job) -> Summary:
    """Write answers and renew the export; what `catalog-cleaner review sync` does.

    Raises:
        UsageError: nothing has been published yet, or the store has no place.
        HeldError: another process does this now.
        FailedError: the store cannot be written.
    """
    job.require_listings()
    folder = store_folder(job.address, job.settings.review)
    with held_store(folder):
        store = Store(folder)
        facts: dict[str, object] = dict(write_answers(job, store))
        facts["questions_exported"] = export_open_items(job, store)
        facts["answers_waiting"] = waiting_answers(store)
        forget_old(store, job.started_at, job.settings.maintain.keep_days)
        forget_old_accesses(folder, job.started_at, job.settings.maintain.keep_days)
        store.close()
    return Summary("Review page renewed", {"store": str(folder), **facts})
