from __future__ import annotations

import datetime as dt
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pyspark.sql import Row

from conf.safety_settings import LimitSettings
from jobs.cleaning.limits import (
    Finding,
    check_limits,
    confirm_first_run,
    find_acceptance,
    metric_findings,
    possible_causes,
    share_findings,
)
from jobs.lifecycle.pins import Pins
from jobs.lifecycle.publications import Publication, decider
from schemas.errors import RefusedError

SETTINGS = LimitSettings()


def segment(name: str, listings: int, moved: int) -> Row:
    return Row(segment=name, listings=listings, moved=moved)


def found(*segments: Row, listings: int = 1000, moved: int = 0, flipped: int = 0) -> dict[str, list[Finding]]:
    """The findings by setting."""
    by_setting: dict[str, list[Finding]] = {}
    for each in share_findings(listings, moved, flipped, segments, "", SETTINGS, lambda seller: f"pseudonym-{seller}"):
        by_setting.setdefault(each.setting, []).append(each)
    return by_setting


@pytest.mark.parametrize(("moved", "exceeded"), [(50, False), (51, True)])
def test_the_share_of_the_catalogue_is_limited(moved: int, exceeded: bool) -> None:
    row = Row(kind="left", worst=None, most=segment("boots", 40, 31))
    [finding] = found(row, moved=moved)["max_changed_share"]
    assert finding.is_exceeded == exceeded
    assert f"{moved} of 1,000 listings" in finding.words
    assert finding.words.endswith("most of them, 31, would leave category boots")
    assert finding.check.success is not exceeded


def test_a_catalogue_with_few_listings_has_no_limit_on_its_share() -> None:
    few = found(listings=49, moved=49, flipped=49)
    assert [few[name][0].is_exceeded for name in ("max_changed_share", "max_flipped_share")] == [False, False]


def test_categories_and_sellers_are_limited_and_sellers_stay_unnamed() -> None:
    got = found(
        Row(kind="left", worst=segment("boots", 100, 31), most=segment("boots", 100, 31)),
        Row(kind="joined", worst=segment("shoes", 100, 30), most=segment("shoes", 100, 30)),
        Row(kind="seller", worst=segment("shop-7", 50, 26), most=segment("shop-7", 50, 26)),
    )
    [category] = got["max_category_share"]
    assert category.is_exceeded
    assert category.words == "31 of 100 listings would leave category boots (31.0%)"
    [seller] = got["max_seller_share"]
    assert seller.is_exceeded
    assert "pseudonym-shop-7" in seller.words
    assert "shop-7" not in str(seller.check)


def test_flips_are_limited() -> None:
    assert [found(flipped=n)["max_flipped_share"][0].is_exceeded for n in (10, 11)] == [False, True]


@pytest.mark.parametrize(
    ("quality", "error", "exceeded"),
    [(75.0, 0.05, []), (74.9, 0.05, ["max_quality_fall"]), (95.0, 0.0501, ["max_error_rise"])],
)
def test_a_fall_of_a_metric_is_limited(quality: float, error: float, exceeded: list[str]) -> None:
    before = {"mean_quality_score": 80.0, "category_error_rate_left": 0.03}
    now = {"mean_quality_score": quality, "category_error_rate_left": error}
    assert [f.setting for f in metric_findings(before, now, SETTINGS) if f.is_exceeded] == exceeded


def test_metrics_that_are_not_known_have_no_limit() -> None:
    assert metric_findings({}, {"mean_quality_score": 1.0}, SETTINGS) == []


def test_a_first_run_is_confirmed_only_where_the_settings_ask_for_it() -> None:
    confirm_first_run(None, needed=False, accepted=False)
    confirm_first_run(None, needed=True, accepted=True)
    with pytest.raises(RefusedError, match=r"gates\.confirm_first_run .* --accept-changes"):
        confirm_first_run(None, needed=True, accepted=False)


@pytest.mark.parametrize(("accepted", "limits"), [(False, "exempt"), (True, "accepted")])
def test_a_first_run_is_exempt(accepted: bool, limits: str) -> None:
    run = cast("Any", SimpleNamespace(counts={}, limits=None))
    assert check_limits(run, cast("Any", None), None, accepted=accepted) == ([], None)
    assert (run.limits, run.counts) == (limits, {"changed": 0})


def test_changes_that_a_person_has_accepted_are_accepted_again() -> None:
    day, at = dt.date(2026, 3, 2), dt.datetime(2026, 3, 2, 1, tzinfo=dt.UTC)
    versions = {"category_aliases": 2}
    n2 = Publication("n2", day, "nightly", "7", 4, 1, None, "n1", versions, {}, at, at, corrections=True)
    n2 = replace(n2, limits="accepted", settings_hash="s")

    def found(*published: Publication, settings: str = "s") -> str | None:
        job = SimpleNamespace(name="nightly", settings=SimpleNamespace(digest=settings))
        pins = Pins("7", 4, 1, None, "n1", 2)
        run = SimpleNamespace(job=job, run_date=day, pins=pins, corrections=True)
        return find_acceptance(published, cast("Any", run))

    assert found(n2) == "--accept-changes of n2"
    assert found() is None
    assert found(replace(n2, limits="held")) is None
    assert found(replace(n2, listings_version=5)) is None
    assert found(replace(n2, base_run_id="n0")) is None
    assert found(replace(n2, published_versions={"category_aliases": 3})) is None
    assert found(n2, settings="other") is None
    assert found(replace(n2, corrections=False)) is None, "people accepted that nothing is corrected"
    taken_back = replace(n2, run_id="r2", job="revert", reverts="n2", finished_at=at + dt.timedelta(hours=1))
    assert found(n2, taken_back) is None
    again = replace(n2, run_id="n2-again", limits="held", finished_at=at + dt.timedelta(hours=1))
    assert found(n2, again) is None


def test_what_has_changed_since_the_base_is_named() -> None:
    day, at = dt.date(2026, 3, 2), dt.datetime(2026, 3, 2, 1, tzinfo=dt.UTC)
    base = Publication("n1", day, "nightly", "7", 4, 1, 2, None, {}, {}, at, at, corrections=True, settings_hash="s")

    def causes(base: Publication, model: str = "7") -> list[str]:
        job = SimpleNamespace(settings=SimpleNamespace(digest="s"))
        run = SimpleNamespace(job=job, pins=Pins(model, 9, 1, 2, "n1"), corrections=True)
        return possible_causes(cast("Any", run), base, model)

    assert causes(base) == [], "listings change every night"
    assert causes(base, model="8") == ["model 8 instead of 7"]
    assert causes(replace(base, taxonomy_version=0, decisions_version=None)) == [
        "a changed taxonomy",
        "people's decisions",
    ]
    assert causes(replace(base, settings_hash="other", corrections=False)) == [
        "other settings",
        "corrections that are on again",
    ]
    assert causes(replace(base, settings_hash=None)) == [], "not known"


def test_an_erasure_publishes_what_the_run_before_it_has_decided() -> None:
    day = dt.date(2026, 3, 2)
    at = [dt.datetime(2026, 3, 2, hour, tzinfo=dt.UTC) for hour in range(5)]
    night = Publication("n1", day, "nightly", "7", 4, 1, None, None, {}, {}, at[0], at[1], corrections=False)
    erased = replace(night, run_id="e1", job="erase", finished_at=at[2], corrections=None)
    again = replace(erased, run_id="e2", finished_at=at[3])
    later = replace(night, run_id="n2", finished_at=at[4])
    known = [replace(night, ended_by="e1"), replace(erased, ended_by="e2"), again, later]
    assert [decider(each, known).run_id for each in (night, erased, again, later)] == ["n1", "n1", "n1", "n2"]
    assert decider(erased, []) == erased
