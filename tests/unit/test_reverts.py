"""Which publications are taken back, and which state comes back."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from jobs.lifecycle.publications import Publication, replaced_by, shown_before
from jobs.lifecycle.reverts import find_undoing, reverted_by, undone_by
from jobs.revert import describe_settings
from schemas.errors import UsageError

_START = dt.datetime.combine(dt.date(2026, 3, 9), dt.time())


def published(*runs: tuple[str, int, str | None, str | None]) -> list[Publication]:
    """Publications from id, day, base and what they revert, in the order in which they were committed."""
    found = [
        Publication(
            run_id=run_id,
            run_date=dt.date(2026, 3, day),
            job="revert" if reverts else "nightly",
            model_version="1",
            listings_version=0,
            taxonomy_version=0,
            decisions_version=None,
            base_run_id=base,
            published_versions={},
            counts={},
            started_at=_START,
            finished_at=_START + dt.timedelta(hours=i),
            reverts=reverts,
        )
        for i, (run_id, day, base, reverts) in enumerate(runs)
    ]
    return sorted(found, key=lambda run: (run.run_date, run.finished_at))


NIGHTS = (("n1", 1, None, None), ("n2", 2, "n1", None), ("n3", 3, "n2", None))


def restored(runs: list[Publication], undone: str) -> str:
    return find_undoing(runs, next(run for run in runs if run.run_id == undone), "my-warehouse").restored.run_id


def undone(runs: list[Publication], asked: str) -> tuple[list[str], str]:
    found = find_undoing(runs, next(run for run in runs if run.run_id == asked), "my-warehouse", with_later=True)
    return [run.run_id for run in found.undone], found.restored.run_id


def test_the_newest_publication_gives_way_to_its_base() -> None:
    assert restored(published(*NIGHTS), "n3") == "n2"
    assert reverted_by(published(*NIGHTS)) == {}


def test_publications_are_taken_back_one_after_the_other() -> None:
    once = published(*NIGHTS, ("r3", 3, "n2", "n3"))
    assert restored(once, "n2") == "n1", "r3 shows the state of n2"
    twice = published(*NIGHTS, ("r3", 3, "n2", "n3"), ("r2", 3, "n1", "n2"))
    assert reverted_by(twice) == {"n3": "r3", "n2": "r2"}
    with pytest.raises(UsageError, match="n1 is the first publication"):
        restored(twice, "n1")


def test_a_revert_can_be_taken_back_and_then_made_again() -> None:
    runs = (*NIGHTS, ("r3", 3, "n2", "n3"))
    assert restored(published(*runs), "r3") == "n3"
    back = (*runs, ("rr", 3, "n3", "r3"))
    assert reverted_by(published(*back)) == {"r3": "rr"}
    assert restored(published(*back), "n3") == "n2"
    assert restored(published(*back), "rr") == "r3"


def test_a_date_that_was_run_again_can_be_taken_back_again() -> None:
    again = published(*NIGHTS, ("r3", 3, "n2", "n3"), ("n3-again", 3, "n2", None))
    assert restored(again, "n3-again") == "n2"
    with pytest.raises(UsageError, match=r"n3 is taken .*, by r3\. Its date was .* What can be .*: n3-again, n2\.$"):
        restored(again, "n3")


def test_a_revert_is_named_as_the_way_back_only_while_it_can_be_taken_back() -> None:
    runs = (*NIGHTS, ("r3", 3, "n2", "n3"))
    with pytest.raises(UsageError, match=r"n3 is taken back already, by r3\. To undo that, revert r3\.$"):
        restored(published(*runs), "n3")
    with pytest.raises(UsageError, match=r"by r3\. To undo that, revert r3 --with-later\.$"):
        restored(published(*runs, ("n4", 4, "r3", None)), "n3")


def test_the_first_publication_gives_way_to_a_night_of_the_newest_date() -> None:
    way_out = "catalog-cleaner nightly --run-date 2026-03-03 --fresh-pins --warehouse my-warehouse"
    with pytest.raises(UsageError, match=f"n1 is the first publication, .*: {way_out}$"):
        undone(published(*NIGHTS), "n1")
    first = ("n1", 1, None, None)
    with pytest.raises(UsageError, match=r"n1 has been replaced, .* nothing, because the first publication stands"):
        restored(published(first, ("n1-again", 1, None, None)), "n1")


def test_a_publication_on_which_others_stand_is_refused_with_the_others_named() -> None:
    with pytest.raises(UsageError, match=r"n1 cannot be taken back by itself.*: n2, n3\. Take .* --with-later"):
        restored(published(*NIGHTS), "n1")
    with pytest.raises(UsageError, match=r"n1 cannot be .*: n2\."):
        restored(published(*NIGHTS, ("r3", 3, "n2", "n3")), "n1")


def test_later_publications_are_taken_back_together() -> None:
    assert undone(published(*NIGHTS), "n2") == (["n3", "n2"], "n1")
    back = (*NIGHTS, ("r", 3, "n1", "n3"))
    assert reverted_by(published(*back)) == {"n3": "r", "n2": "r"}
    assert restored(published(*back), "r") == "n3"
    assert undone_by(published(*back)) == {"r": ["n3", "n2"]}
    again = published(*back, ("rr", 3, "n3", "r"))
    assert reverted_by(again) == {"r": "rr"}
    assert undone_by(again) == {"r": ["n3", "n2"], "rr": ["r"]}
    with pytest.raises(UsageError, match="n2 is taken back already, by r"):
        restored(published(*back), "n2")


def test_what_is_taken_back_already_is_not_taken_back_with_others() -> None:
    runs = (*NIGHTS, ("r3", 3, "n2", "n3"), ("n4", 4, "r3", None))
    assert undone(published(*runs), "n2") == (["n4", "n2"], "n1")
    assert reverted_by(published(*runs, ("r", 4, "n1", "n4"))) == {"n3": "r3", "n4": "r", "n2": "r"}
    assert undone(published(*runs), "r3") == (["n4", "r3"], "n3"), "the revert was wrong, n3 was right"
    assert reverted_by(published(*runs, ("r", 4, "n3", "n4"))) == {"n4": "r", "r3": "r"}


def test_a_publication_whose_date_was_run_again_is_refused() -> None:
    with pytest.raises(UsageError, match=r"n3 has been replaced, .* n3-again, n2\.$"):
        restored(published(*NIGHTS, ("n3-again", 3, "n2", None)), "n3")


def test_a_night_replaces_those_of_its_date_since_the_last_revert() -> None:
    third = dt.date(2026, 3, 3)

    def found(runs: list[Publication], job: str = "nightly") -> tuple[list[str], str]:
        shown = shown_before(runs, job, third)
        return [run.run_id for run in replaced_by(runs, job, third)], shown.run_id if shown else ""

    twice = (*NIGHTS, ("n3b", 3, "n2", None))
    assert found(published(*NIGHTS[:2])) == ([], "n2")
    assert found(published(*twice)) == (["n3b", "n3"], "n2")
    assert found(published(*twice), job="revert") == ([], "n3b")
    taken_back = (*twice, ("r3", 3, "n2", "n3b"))
    assert found(published(*taken_back)) == ([], "r3"), "what readers saw before the revert is history"
    assert found(published(*taken_back, ("n3c", 3, "n2", None))) == (["n3c"], "r3")
    assert found([]) == ([], "")


def test_other_settings_than_those_of_what_is_restored_are_said() -> None:
    [night] = published(("n1", 1, None, None))
    assert describe_settings(night, "s") == (), "an earlier version did not record them"
    night = replace(night, settings_hash="s")
    assert describe_settings(night, "s") == ()
    [said] = describe_settings(night, "other")
    assert said.startswith("The settings are not those of n1, so listings can be shown otherwise than it showed them")
    assert said.endswith("revert with the --profile and --set of that run.")
