"""What reviewers decide, why they are asked, and what follows from it."""

from __future__ import annotations

from enum import StrEnum

from schemas.reasons import ItemStatus


class Decision(StrEnum):
    """A reviewer's decision (`review_decisions.decision`)."""

    ACCEPT = "accept"
    """The suggestion is right."""
    REJECT = "reject"
    """The seller is right."""
    SET_CATEGORY = "set_category"
    """The given category is right."""
    RESOLVE = "resolve"
    """The named reason has been dealt with."""
    SKIP = "skip"
    """No decision: the item stays open."""
    REOPEN = "reopen"
    """Takes back the decision that `review_decisions.reopens` names; without it, the last one about the listing's
    content that still stands. None, if there is none."""


class Purpose(StrEnum):
    """Why a decision was asked for (`review_decisions.purpose`)."""

    WORK = "work"
    """The work list. The reviewer saw what the model suggests."""
    AUDIT = "audit"
    """The audit sample, shown without the model's opinion and the seller's category."""
    KNOWN = "known"
    """A question whose answer is known, to check the reviewer."""
    SECOND = "second"
    """A second opinion on a question that another reviewer answers as well."""


CATEGORY_QUESTION = "category"
"""The question about the category; the other questions are named as the reasons that they are about."""

STATUS_AFTER: dict[Decision, ItemStatus] = {
    Decision.ACCEPT: ItemStatus.ACCEPTED,
    Decision.REJECT: ItemStatus.REJECTED,
    Decision.SET_CATEGORY: ItemStatus.RESOLVED,
    Decision.RESOLVE: ItemStatus.RESOLVED,
}
"""Newest decision -> status of an item without open reasons."""

UNDECIDED: tuple[str, ...] = (Purpose.KNOWN.value, Purpose.SECOND.value)
"""Purposes of decisions that never stand by themselves."""

LEADS: tuple[str, ...] = ("lead", "admin")
"""Values of `review_decisions.reviewer_role` whose word stands above others'."""

CATEGORY_DECISIONS: tuple[str, ...] = (Decision.ACCEPT.value, Decision.REJECT.value, Decision.SET_CATEGORY.value)
"""Decisions about the category, unless accept or reject name a reason that is not about the category."""
