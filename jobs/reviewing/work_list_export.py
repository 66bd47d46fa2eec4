"""Writes what is open in the newest publication to a file that people can fill in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jobs.console.job import Job
from jobs.console.summary import Summary
from jobs.reporting.publication_snapshot import find_snapshot
from jobs.reviewing.exporting import by_urgency, export_pictures, item_rows, open_items
from jobs.reviewing.shapes import LARGE
from jobs.reviewing.work_list import work_list_rows
from jobs.reviewing.work_list_files import WRITERS
from schemas.errors import FailedError, UsageError

_WITH_PICTURES = 500
_HOW = (
    "Fill in decision (accept, reject, set_category, resolve or skip), and category for set_category. Rows without a "
    "decision count as not answered."
)


def check_target(file: Path, *, overwrite: bool) -> None:
    """Check where the work list is to be written, before Spark starts.

    Raises:
        UsageError: no format has the file's extension, its folder does not exist, or it exists and is not to be
            replaced.
    """
    if file.suffix.lower() not in WRITERS:
        raise UsageError(f"{file}: the extension names the format, so it must be one of {', '.join(WRITERS)}.")
    if not file.parent.is_dir():
        raise UsageError(f"{file}: the folder {file.parent} does not exist; create it, or name another one.")
    if file.exists() and not overwrite:
        raise UsageError(f"{file} exists, perhaps with answers; name another file, or replace it with --overwrite.")


def write_work_list(job: Job, file: Path, limit: int | None) -> Summary:
    """Write the open items of the newest publication, the most urgent first; what `review export` does.

    Args:
        job: the command's job.
        file: checked by `check_target`; replaced once the new one is complete.
        limit: maximum number of listings; None: all, or `_WITH_PICTURES` where pictures are inside the file.

    Raises:
        UsageError: nothing has been published yet.
        FailedError: the file cannot be written.
    """
    snapshot = find_snapshot(job.warehouse, None)
    job.print_progress(f"exporting what is open in {snapshot.run.run_id} to {file}")
    has_pictures = file.suffix.lower() == ".html"
    if limit is None and has_pictures:
        limit = _WITH_PICTURES
    found = open_items(snapshot)
    found = (found if limit is None else by_urgency(found).limit(limit)).persist()
    partial = file.with_name(f".{file.name}.partial")
    try:
        pictures: Mapping[str, bytes] = {}
        if has_pictures:
            all_sizes = export_pictures(job, snapshot, found)
            pictures = {each.listing_id: each.jpeg for each in all_sizes if each.size == LARGE}
        rows = work_list_rows(item_rows(found, job.settings.privacy.phone_regions), snapshot.names())
        questions, listings = WRITERS[file.suffix.lower()](partial, rows, pictures), found.count()
        partial.replace(file)
    except OSError as error:
        raise FailedError(f"{file} cannot be written: {error.strerror or error}. Nothing was changed.") from error
    finally:
        partial.unlink(missing_ok=True)
        found.unpersist()
    location = job.warehouse.location
    # Rows have neither: without both options, all answers would go to quarantine.
    load = f"catalog-cleaner review apply {file} --reviewer NAME --decided-at TIME --warehouse {location}"
    return Summary(
        f"Work list of {snapshot.run.run_date} written",
        {"file": str(file), "publication": snapshot.run.run_id, "listings": listings, "questions": questions},
        (),
        (
            _HOW,
            f"Load the answers with:  {load}",
        ),
    )
