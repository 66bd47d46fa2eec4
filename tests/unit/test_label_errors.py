from __future__ import annotations

import pytest

from jobs.cleaning.audit import Audit
from jobs.cleaning.label_errors import LabelErrors, describe_label_errors
from jobs.console.summary import Estimate
from schemas.estimates import ShareEstimate, audit_half_width

_NO_AUDIT = Audit(0, 0, None, None)


def found(value: float, half: float | None, basis: str = "confident listings") -> LabelErrors:
    return LabelErrors(Estimate(value, value - (half or 0.0), None if half is None else value + half), basis)


def audit(answered: int, open_: int) -> Audit:
    return Audit(answered, open_, None, None)


def test_an_interval_is_two_standard_errors_within_0_and_1() -> None:
    assert ShareEstimate(0.2, 0.03).interval == pytest.approx((0.14, 0.26))
    assert ShareEstimate(0.01, 0.02).interval == pytest.approx((0.0, 0.05))
    assert ShareEstimate(0.2, 0.0, at_least=True).interval == (0.2, None)


def test_an_audit_of_400_listings_tells_a_fifth_to_four_points() -> None:
    assert audit_half_width(0.2, 400) == pytest.approx(0.04)
    assert audit_half_width(0.5, 100) == pytest.approx(0.1)


def test_the_estimate_is_told_with_its_interval_and_basis_and_what_audits_would_add() -> None:
    assert describe_label_errors(found(0.2, 0.06), audit(0, 400), 3000) == (
        "About 20.0% (14.0% to 26.0%) of the sellers' categories were wrong when the model was trained, judging by the "
        "listings of which the model is surest. An audit of 400 listings would narrow the estimate to about ± 4 "
        "points, one of 1,000 to ± 2.5."
    )


def test_the_present_audit_comes_first_unless_it_is_too_small_for_an_estimate() -> None:
    assert "An audit of 150 listings would narrow the estimate to about ± 6.5 points, one of 400 to ± 4." in (
        describe_label_errors(found(0.2, 0.1), audit(0, 150), 3000)
    )
    assert "An audit of 400 listings" in describe_label_errors(found(0.2, 0.1), audit(0, 49), 3000)
    assert "audit" not in describe_label_errors(found(0.2, 0.1), audit(0, 49), 399)


def test_audits_that_would_tell_no_more_than_is_known_are_left_out() -> None:
    assert "An audit of 2,500 listings would narrow the estimate to about ± 1.6 points." in (
        describe_label_errors(found(0.2, 0.02), audit(0, 400), 30000)
    )
    assert "audit" not in describe_label_errors(found(0.2, 0.015), audit(0, 400), 30000)


def test_a_lower_bound_has_no_interval_and_every_audit_would_measure_the_share() -> None:
    assert describe_label_errors(found(0.2, None, "sellers, at least"), audit(0, 400), 400) == (
        "At least 20.0% of the sellers' categories were wrong when the model was trained, judging by how much more "
        "often others disagree with the model than the most careful sellers. An audit of 400 listings would measure "
        "the share to about ± 4 points."
    )


def test_an_answered_audit_is_named_as_the_basis_or_waits_for_the_next_training() -> None:
    by_audit = found(0.2, 0.0407, "386 audited listings")
    assert describe_label_errors(by_audit, audit(386, 14), 1000) == (
        "About 20.0% (15.9% to 24.1%) of the sellers' categories were wrong when the model was trained, by 386 audited "
        "listings. An audit of 1,000 listings would narrow the estimate to about ± 2.5 points."
    )
    assert "The next training also uses the audit, of which 386 listings are answered." in (
        describe_label_errors(found(0.2, 0.06), audit(386, 14), 1000)
    )


def test_a_single_answer_is_one_listing() -> None:
    assert "the audit, of which 1 listing is answered." in describe_label_errors(found(0.2, 0.06), audit(1, 1), 1000)
    note = audit(1, 1).note("w")
    assert note.startswith("Audit: people have reviewed 1 randomly drawn listing. The error rates need 30: ")
    assert "1 more is open;" in note
    assert "1 listing was drawn at random for the audit, and none is reviewed yet." in audit(0, 1).note("w")


def test_it_is_said_if_nothing_is_known() -> None:
    assert describe_label_errors(None, _NO_AUDIT, 1000) == (
        "How many of the sellers' categories are wrong is not known: the model has no estimate of it. "
        "`catalog-cleaner train` makes one if listings have a text or a picture."
    )
