"""Which publications have been taken back, and which state a revert restores."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.lifecycle.publications import ERASE, Publication, find_publication
from jobs.warehouse.tables import Warehouse
from schemas.errors import UsageError


def reverted_by(published: Sequence[Publication]) -> dict[str, str]:
    """Publications that are taken back, with the revert that did it. A revert that is itself taken back does not count.

    Args:
        published: all publications.
    """
    found: dict[str, str] = {}
    for run in sorted(published, key=lambda run: run.finished_at, reverse=True):
        if run.reverts is not None and run.run_id not in found:
            found[run.reverts] = run.run_id
    return found


def find_restored(published: Sequence[Publication], undone: Publication) -> Publication:
    """The publication whose state is to be restored when one is taken back.

    That is the one on which it was based; if it is a revert, the one that it took back.

    Args:
        published: all publications, as `jobs.lifecycle.publications.publications` returns them.
        undone: the publication to take back.

    Raises:
        UsageError: it is an erasure, it is taken back already, it is the first one, or later publications stand on it.
    """
    if undone.job == ERASE:
        raise UsageError(f"{undone.run_id} is an erasure, which cannot be taken back.")
    by_id = {run.run_id: run for run in published}
    taken_back = reverted_by(published)
    already = taken_back.get(undone.run_id)
    if already is not None:
        raise UsageError(f"{undone.run_id} is taken back already, by {already}. To undo that, revert {already}.")
    if origin_of(by_id, published[-1]).run_id != origin_of(by_id, undone).run_id:
        after = published[published.index(undone) + 1 :]
        later = [run.run_id for run in after if run.reverts is None and run.run_id not in taken_back]
        raise UsageError(
            f"{undone.run_id} cannot be taken back by itself, because later publications stand on it: "
            f"{', '.join(later)}. Revert them first, the newest first; or run the date of the newest again."
        )
    restored = by_id.get(undone.reverts or undone.base_run_id or "")
    if restored is None:
        raise UsageError(
            f"{undone.run_id} is the first publication, so there is no earlier state. Repair its input and run its "
            f"date again: catalog-cleaner nightly --run-date {undone.run_date} --fresh-pins"
        )
    return restored


def find_base(warehouse: Warehouse, restored: Publication) -> Publication | None:
    """The publication on which a state to be restored is based; None if it was the first.

    That of an erasure is based on itself: what it was computed from has been erased.
    """
    if restored.job == ERASE:
        return restored
    return find_publication(warehouse, restored.base_run_id) if restored.base_run_id else None


def origin_of(by_id: dict[str, Publication], run: Publication) -> Publication:
    """The publication whose state a publication shows: itself, or what a revert has restored.

    Args:
        by_id: all publications by their run id.
        run: the publication.
    """
    while run.reverts is not None and run.base_run_id in by_id:
        run = by_id[run.base_run_id]
    return run
