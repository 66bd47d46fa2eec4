"""Error rates of reviewers are found again from their answers alone."""

from __future__ import annotations

import numpy as np
import pytest

from udfs.reviewer_errors import estimate_errors

CATEGORIES = 84
Row = tuple[str, str, str]


def answers(wrong: dict[str, float], items: int, seed: int = 1, confused: bool = False) -> tuple[list[Row], list[str]]:
    """Two reviewers answer each item, in turns; and the right answers."""
    random = np.random.default_rng(seed)
    names = sorted(wrong)
    pairs = [(a, b) for a in names for b in names if a < b]
    rows, truth = [], []
    for item in range(items):
        right = int(random.integers(CATEGORIES))
        truth.append(str(right))
        for name in pairs[item % len(pairs)]:
            step = 1 if confused else int(random.integers(1, CATEGORIES))
            given = (right + step) % CATEGORIES if random.random() < wrong[name] else right
            rows.append((str(item), name, str(given)))
    return rows, truth


def test_planted_error_rates_are_found_within_the_bounds() -> None:
    planted = {"ann": 0.01, "bob": 0.05, "eve": 0.15}
    rows, _ = answers(planted, 12_000)
    found = estimate_errors(rows, CATEGORIES).reviewers
    for name, rate in planted.items():
        assert found[name].answers == 8000
        assert found[name].lower < rate < found[name].upper
        assert found[name].rate == pytest.approx(rate, abs=0.01)
    assert found["ann"].upper < found["bob"].lower < found["bob"].upper < found["eve"].lower


def test_the_bounds_hold_the_planted_rates_about_as_often_as_they_say() -> None:
    planted = {"ann": 0.01, "bob": 0.05, "eve": 0.15}
    inside = []
    for seed in range(20):
        found = estimate_errors(answers(planted, 1500, seed)[0], CATEGORIES).reviewers
        inside += [found[name].lower < rate < found[name].upper for name, rate in planted.items()]
    assert sum(inside) >= 54, "of 60; 57 are expected"


def test_wrong_answers_that_are_often_the_same_are_borne() -> None:
    planted = {"ann": 0.01, "bob": 0.05, "eve": 0.15}
    rows, _ = answers(planted, 3000, confused=True)
    found = estimate_errors(rows, CATEGORIES).reviewers
    assert {name: round(each.rate, 2) for name, each in found.items()} == pytest.approx(planted, abs=0.02)


def test_the_better_reviewer_is_believed_and_as_often_right_as_it_says() -> None:
    rows, truth = answers({"ann": 0.01, "bob": 0.05, "eve": 0.15}, 6000)
    found = estimate_errors(rows, CATEGORIES)
    given: dict[str, dict[str, str]] = {}
    for item, name, answer in rows:
        given.setdefault(item, {})[name] = answer
    disputed = [item for item, each in given.items() if len(set(each.values())) == 2]
    assert len(disputed) > 500
    for item in disputed:
        if set(given[item]) == {"ann", "eve"}:
            assert found.items[item][given[item]["ann"]] > 0.85
    said = [max(found.items[item].values()) for item in disputed]
    right = [max(found.items[item], key=lambda each: found.items[item][each]) == truth[int(item)] for item in disputed]
    assert np.mean(right) == pytest.approx(np.mean(said), abs=0.04)
    agreed = next(item for item, each in given.items() if len(set(each.values())) == 1)
    assert found.items[agreed][truth[int(agreed)]] > 0.99


def test_between_two_people_alone_nobody_can_tell_who_is_wrong() -> None:
    rows, _ = answers({"ann": 0.0, "bob": 0.2}, 1000)
    found = estimate_errors(rows, CATEGORIES)
    for each in found.reviewers.values():
        assert each.upper - each.lower > 0.12
    assert found.reviewers["ann"].lower < 0.03
    assert found.reviewers["bob"].upper > 0.18


def test_a_third_answer_to_what_is_disputed_tells_who_is_wrong() -> None:
    rows, truth = answers({"ann": 0.0, "bob": 0.2}, 1000)
    given: dict[str, set[str]] = {}
    for item, _, answer in rows:
        given.setdefault(item, set()).add(answer)
    rows += [(item, "lead", truth[int(item)]) for item, each in given.items() if len(each) > 1]
    found = estimate_errors(rows, CATEGORIES).reviewers
    assert found["ann"].upper < 0.02
    assert found["bob"].lower > 0.15


def test_single_answers_say_nothing_and_the_last_of_several_counts() -> None:
    assert estimate_errors([], 10).reviewers == {}
    assert estimate_errors([("1", "ann", "a"), ("1", "ann", "b"), ("2", "bob", "a")], 10).reviewers == {}
    changed = [("1", "ann", "a"), ("1", "bob", "b"), ("1", "ann", "b")]
    found = estimate_errors(changed, 2)
    assert found.reviewers["ann"].answers == 1
    assert found.items["1"]["b"] > 0.9
    assert found == estimate_errors(changed, 2), "the same draws each time"


def test_little_evidence_leaves_the_prior() -> None:
    found = estimate_errors([("1", "ann", "a"), ("1", "bob", "a")], 10).reviewers["ann"]
    assert 0.02 < found.rate < 0.06
    assert found.upper > 0.12
