"""Each reason has a complete entry, and only reasons with a rule count as computed."""

from __future__ import annotations

from inspect import signature

from catalogue_generator import faults
from jobs.cleaning.steps.reason_rules import PROBABILITIES, RULES
from schemas.decisions import STATUS_AFTER, Decision
from schemas.reasons import CATEGORY_REASONS, ItemStatus, Queue, Reason
from scripts import tables_doc


def test_every_reason_is_a_complete_entry() -> None:
    for reason in Reason:
        assert reason.meaning.endswith("."), reason
        assert reason.explanation, reason
        assert not reason.explanation.endswith("."), reason
        # The priority in the category queue is a probability, in other queues a severity.
        assert (reason.severity is None) == (reason.queue is Queue.CATEGORY), reason
        assert reason.severity is None or 0 < reason.severity <= 1, reason


def test_every_rule_belongs_to_a_declared_reason() -> None:
    assert set(RULES) <= set(Reason)
    assert set(PROBABILITIES) <= set(RULES)
    assert all(len(signature(rule).parameters) == 1 for rule in RULES.values())


def test_the_category_queue_has_the_declared_reasons() -> None:
    assert {reason.value for reason in CATEGORY_REASONS} == {
        "wrong_category",
        "low_confidence",
        "missing_category",
        "unknown_category",
        "sensitive_category",
    }


def test_the_docs_list_which_reasons_are_computed() -> None:
    rows = [line.split(" | ") for line in tables_doc.render().partition("## Reasons")[2].splitlines() if "| " in line]
    documented = {row[0].removeprefix("| "): row[3] for row in rows if row[0].removeprefix("| ") in set(Reason)}
    assert documented == {reason.value: "yes" if reason in RULES else "no" for reason in Reason}


def test_a_planted_fault_is_a_declared_reason() -> None:
    planted = {*faults.CATEGORY_FAULTS, *faults.PICTURE_FAULTS, *faults.TITLE_FAULTS, *faults.PRICE_FAULTS}
    assert planted <= set(Reason)


def test_every_decision_except_skip_and_reopen_changes_the_status() -> None:
    assert set(STATUS_AFTER) == set(Decision) - {Decision.SKIP, Decision.REOPEN}
    assert set(STATUS_AFTER.values()) == set(ItemStatus) - {ItemStatus.OPEN}
