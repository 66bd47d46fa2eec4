"""Which publications have been taken back, and which state a revert restores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from jobs.lifecycle.publications import ERASE, Publication, by_commit, find_publication
from jobs.warehouse.tables import Warehouse
from schemas.errors import UsageError


@dataclass(frozen=True)
class Undoing:
    """What a revert takes back.

    Attributes:
        undone: the publications, the newest first. The last one is the one that was asked for.
        restored: the one whose state comes back.
    """

    undone: Sequence[Publication]
    restored: Publication


def reverted_by(published: Sequence[Publication]) -> dict[str, str]:
    """Publications that are taken back, with the revert that did it. A revert that is itself taken back does not count.

    Args:
        published: all publications.
    """
    by_id = {run.run_id: run for run in published}
    found: dict[str, str] = {}
    for run in reversed(by_commit(published)):
        if run.reverts is not None and run.run_id not in found:
            found[run.reverts] = run.run_id
            found |= dict.fromkeys(_undone_by(by_id, run), run.run_id)
    return found


def undone_by(published: Sequence[Publication]) -> dict[str, list[str]]:
    """The run id of each revert, also of one that is itself taken back, with what it took back, the newest first.

    Args:
        published: all publications, also those that an erasure has ended.
    """
    by_id = {run.run_id: run for run in published}
    return {run.run_id: _undone_by(by_id, run) for run in published if run.reverts is not None}


def find_undoing(
    published: Sequence[Publication], asked: Publication, location: str, *, with_later: bool = False
) -> Undoing:
    """What is taken back with a publication, and the publication whose state comes back.

    That is the one on which it was based; if it is a revert, the one that it took back.

    Args:
        published: all publications, as `jobs.lifecycle.publications.publications` returns them.
        asked: the publication to take back.
        location: of the warehouse, for messages.
        with_later: whether later publications that stand on it are taken back, too.

    Raises:
        UsageError: it is an erasure, it is taken back already, its date was run again, it is the first one, or later
            publications stand on it and `with_later` is not set.
    """
    if asked.job == ERASE:
        raise UsageError(f"{asked.run_id} is an erasure, which cannot be taken back.")
    by_id = {run.run_id: run for run in published}
    already = reverted_by(published).get(asked.run_id)
    if already is not None:
        raise UsageError(f"{asked.run_id} is taken back already, by {already}. {_after(published, by_id[already])}")
    undone = _standing_until(published, asked)
    if undone[-1] != asked:
        raise UsageError(
            f"{asked.run_id} has been replaced, because its date was run again. {_revertible(by_id, undone)}"
        )
    if len(undone) > 1 and not with_later:
        raise UsageError(
            f"{asked.run_id} cannot be taken back by itself, because later publications stand on it: "
            f"{', '.join(run.run_id for run in reversed(undone[:-1]))}. Take them back as well with --with-later, or "
            "run the date of the newest again."
        )
    restored = _before(by_id, asked)
    if restored is None:
        raise UsageError(
            f"{asked.run_id} is the first publication, so there is no earlier state. Repair its input and run the "
            "newest date again, which judges the whole catalogue: catalog-cleaner nightly --run-date "
            f"{published[-1].run_date} --fresh-pins --warehouse {location}"
        )
    return Undoing(undone, restored)


def _standing_until(published: Sequence[Publication], asked: Publication) -> list[Publication]:
    """The publications on which the newest state stands, down to one; down to the first if that one is none of them."""
    by_id = {run.run_id: run for run in published}
    return list(_standing(by_id, published[-1], lambda run: run == asked))


def _after(published: Sequence[Publication], revert: Publication) -> str:
    """How to undo a revert, in words."""
    undone = _standing_until(published, revert)
    if undone[-1] == revert:
        return f"To undo that, revert {revert.run_id}{' --with-later' if len(undone) > 1 else ''}."
    by_id = {run.run_id: run for run in published}
    return f"Its date was run again since, so that cannot be undone. {_revertible(by_id, undone)}"


def _revertible(by_id: Mapping[str, Publication], standing: Sequence[Publication]) -> str:
    """Which of the publications on which the newest state stands can be taken back, in words."""
    names = [run.run_id for run in standing if run.job != ERASE and _before(by_id, run) is not None]
    return f"What can be taken back now: {', '.join(names) or 'nothing, because the first publication stands'}."


def _undone_by(by_id: Mapping[str, Publication], revert: Publication) -> list[str]:
    """The run ids of what a revert has taken back, the newest first."""
    restored = by_id.get(revert.base_run_id or "")
    newest = by_id.get(revert.reverts or "")
    return [run.run_id for run in _standing(by_id, newest, lambda run: _before(by_id, run) == restored)]


def _standing(
    by_id: Mapping[str, Publication], newest: Publication | None, is_last: Callable[[Publication], bool]
) -> Iterator[Publication]:
    """The publications on which a state stands, the newest first, down to a last one.

    A revert stands on what it has restored, unless it is itself the last one.

    Args:
        by_id: all publications by their run id.
        newest: the publication that shows the state.
        is_last: whether a publication is the last one.
    """
    run = newest
    while run is not None:
        run = run if is_last(run) else origin_of(by_id, run)
        yield run
        run = None if is_last(run) else _before(by_id, run)


def _before(by_id: Mapping[str, Publication], run: Publication) -> Publication | None:
    """The publication whose state is restored without another; None if there is none, or an erasure has ended it.

    Instead of a revert that has restored an applied backfill, it is the backfill, whose run id marks what it decided.
    """
    before = by_id.get(run.reverts or run.base_run_id or "")
    if before is None:
        return None
    origin = origin_of(by_id, before)
    return origin if origin.job == "backfill" else before


def find_base(warehouse: Warehouse, restored: Publication) -> Publication | None:
    """The publication on which a state to be restored is based; None if it was the first.

    That of an erasure is based on itself: what it was computed from has been erased.
    """
    if restored.job == ERASE:
        return restored
    return find_publication(warehouse, restored.base_run_id) if restored.base_run_id else None


def origin_of(by_id: Mapping[str, Publication], run: Publication) -> Publication:
    """The publication whose state a publication shows: itself, or what a revert has restored.

    Args:
        by_id: all publications by their run id.
        run: the publication.
    """
    restored = by_id.get(run.base_run_id or "")
    return run if run.reverts is None or restored is None else origin_of(by_id, restored)
