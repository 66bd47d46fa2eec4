"""What the page sends, checked."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Id = Annotated[str, Field(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FilterBody(BaseModel):
    """The filters of a page."""

    reason: str | None = Field(default=None, max_length=100)
    category: str | None = Field(default=None, max_length=1000)
    suggested: str | None = Field(default=None, max_length=1000)
    department: str | None = Field(default=None, max_length=1000)
    seller: str | None = Field(default=None, max_length=1000)
    priority: str | None = Field(default=None, max_length=100)
    language: str | None = Field(default=None, max_length=100)
    search: str | None = Field(default=None, max_length=200)
    drawn: Literal["1"] | None = None


class Place(_Body):
    """Which window and page asks."""

    window: Id
    page: Id


class AnswerBody(_Body):
    """An answer to a showing."""

    showing: Id
    decision: str = Field(max_length=20)
    category: str | None = Field(default=None, max_length=1000)
    note: str | None = Field(default=None, max_length=2000)
    batch: Id | None = None


class WorkBody(Place):
    """Answers to store, and what the page still has."""

    answers: list[AnswerBody] = Field(default_factory=list, max_length=200)
    held: list[Id] = Field(default_factory=list, max_length=400)
    filters: FilterBody = Field(default_factory=FilterBody.model_construct)


class TilesBody(Place):
    """A wish for the cases of a group."""

    filters: FilterBody


class BulkBody(Place):
    """One answer to all that a filter finds; `count` is how many that is, as the page has said."""

    filters: FilterBody
    decision: Literal["accept", "reject"]
    count: int = Field(ge=1, le=2**62)
    batch: Id


class UndoBody(Place):
    """An undo."""

    undo: Id


class PreviousBody(Place):
    """A wish for what was answered before."""

    before: int | None = Field(default=None, ge=0, le=2**62)


class DisputesBody(Place):
    """A wish for disputes, and which the page has already."""

    held: list[Id] = Field(default_factory=list, max_length=100)


class SettleBody(Place):
    """Which of two answers is right, or which other category."""

    showing: Id
    chosen: int | None = Field(default=None, ge=1, le=2**62)
    category: str | None = Field(default=None, max_length=1000)

    @model_validator(mode="after")
    def _has_one(self) -> SettleBody:
        if (self.chosen is None) == (self.category is None):
            raise ValueError("either chosen or category")
        return self


class ReopenBody(Place):
    """A question that is to be open again."""

    listing: str = Field(max_length=1000)
    judged: str = Field(max_length=100)


class LeaveBody(ReopenBody):
    """An open question that is left to one person."""

    reviewer: str = Field(max_length=100)


class FreeBody(Place):
    """A person whose questions others are to get."""

    reviewer: str = Field(max_length=1000)
