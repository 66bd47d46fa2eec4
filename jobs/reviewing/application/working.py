"""The pages on which people review, and what their scripts ask for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import Cookie, Depends, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from jobs.reviewing import rendering
from jobs.reviewing.answering import Answer, Outcome, previous, store_answers, undo
from jobs.reviewing.application.site import Site, filters_of, place_of, reviewer_of, words_of
from jobs.reviewing.bodies import BulkBody, FilterBody, Place, PreviousBody, TilesBody, UndoBody, WorkBody
from jobs.reviewing.bulk import answer_all, find_bulk
from jobs.reviewing.groups import find_groups, least_sure_first
from jobs.reviewing.overview import (
    category_names,
    choices,
    picture,
    pictured,
    progress,
    search_categories,
)
from jobs.reviewing.rendering import Surroundings
from jobs.reviewing.shapes import LARGE, SMALL
from jobs.reviewing.showing import Filters, Reviewer, Showing, release, show_next

AHEAD = 12
"""Questions that a page has loaded ahead."""
TILES = 60
"""Cases on a wall."""


class Work:
    """The endpoints. They are plain functions, so each runs in a thread of its own."""

    def __init__(self, site: Site) -> None:
        """Serve a site."""
        self._site, self._store = site, site.store
        self._names: tuple[object, dict[str, tuple[str, str]]] = (None, {})

    def endpoints(self) -> list[tuple[str, str, Callable[..., Any]]]:
        """Method, path and function of each."""
        return [
            ("GET", "/", self.start),
            ("GET", "/picture", self.picture),
            ("GET", "/categories", self.categories),
            ("GET", "/progress", self.progress),
            ("GET", "/filters", self.filters),
            ("GET", "/groups", self.groups),
            ("GET", "/wall", self.wall),
            ("POST", "/tiles", self.tiles),
            ("GET", "/bulk", self.bulk),
            ("POST", "/bulk", self.answer_all),
            ("POST", "/work", self.work),
            ("POST", "/undo", self.undo),
            ("POST", "/previous", self.previous),
            ("POST", "/release", self.release),
        ]

    def start(
        self,
        request: Request,
        filters: Annotated[FilterBody, Query()],
        review: Annotated[str | None, Cookie()] = None,
    ) -> Response:
        """The page."""
        chosen, state = filters_of(filters).given(), request.state
        return self._site.whole_page(
            request,
            review,
            lambda head: rendering.render_page(head, self._site.name, state.user, chosen, leads=state.leads),
        )

    def groups(self, request: Request, review: Annotated[str | None, Cookie()] = None) -> Response:
        """The groups of alike cases."""
        found = find_groups(self._store, request.state.user.name)
        self._site.log(request, "saw groups")
        return self._site.whole_page(request, review, lambda head: rendering.render_groups(head, found))

    def wall(
        self,
        request: Request,
        filters: Annotated[FilterBody, Query()],
        review: Annotated[str | None, Cookie()] = None,
    ) -> Response:
        """The cases of a group, to be decided at once."""
        wanted = (filters.seller, filters.category, filters.suggested)
        groups = find_groups(self._store, request.state.user.name)
        group = next((each for each in groups if (each.seller, each.category, each.suggested) == wanted), None)
        if group is None or not group.is_offered:
            return RedirectResponse("/groups", 303)
        return self._site.whole_page(request, review, lambda head: rendering.render_wall(head, group))

    def tiles(self, request: Request, body: TilesBody) -> Any:  # noqa: ANN401 - JSON
        """Claim cases of a group for the wall."""
        found = show_next(
            self._store,
            reviewer_of(request, body),
            filters_of(body.filters),
            [],
            TILES,
            self._site.clock(),
            seconds=False,
        )
        self._log_shown(request, found)
        words = words_of(request)
        return {"tiles": [rendering.render_tile(each, words) for each in least_sure_first(found)]}

    def bulk(
        self,
        request: Request,
        filters: Annotated[FilterBody, Query()],
        review: Annotated[str | None, Cookie()] = None,
    ) -> Response:
        """All that a filter finds, to be answered at once."""
        chosen = filters_of(filters)
        found = find_bulk(self._store, _nowhere(request), chosen, self._site.clock())
        names = category_names(self._store)
        return self._site.whole_page(
            request, review, lambda head: rendering.render_bulk(head, found, chosen.given(), names)
        )

    def answer_all(self, request: Request, body: BulkBody) -> Any:  # noqa: ANN401 - JSON
        """Give one answer to all that a filter finds."""
        who, now = reviewer_of(request, body), self._site.clock()
        done = answer_all(self._store, who, filters_of(body.filters), body.decision, body.count, body.batch, now)
        if done.stored:
            self._site.log(request, "answered", done.stored, batch=body.batch)
        return {"state": done.state, "stored": len(done.stored), "others": done.others}

    def picture(self, listing: str, size: str = LARGE) -> Response:
        """A picture that the export has decoded and written anew."""
        jpeg = picture(self._store, listing, size if size == SMALL else LARGE)
        if jpeg is None:
            raise HTTPException(404)
        return Response(jpeg, media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"})

    def categories(self, request: Request, q: Annotated[str, Query(max_length=200)] = "") -> Response:
        """The categories that a search finds."""
        return HTMLResponse(rendering.render_found(words_of(request), search_categories(self._store, q), q))

    def progress(
        self, request: Request, filters: Annotated[FilterBody, Query()], place: Annotated[Place, Depends(place_of)]
    ) -> Response:
        """How far the work is."""
        now = self._site.clock()
        midnight = now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0).astimezone(dt.UTC)
        found = progress(self._store, reviewer_of(request, place), filters_of(filters), now, midnight)
        return HTMLResponse(rendering.render_progress(words_of(request), found))

    def filters(self, request: Request, filters: Annotated[FilterBody, Query()]) -> Response:
        """The filters with their counts."""
        chosen = filters_of(filters)
        found = choices(self._store, _nowhere(request), chosen)
        return HTMLResponse(rendering.render_filters(words_of(request), found, chosen.given()))

    def work(self, request: Request, body: WorkBody) -> Any:  # noqa: ANN401 - JSON
        """Store answers, and give the page its next questions."""
        who, now = reviewer_of(request, body), self._site.clock()
        answers = [Answer(e.showing, e.decision, e.category, e.note, e.batch) for e in body.answers]
        outcomes = store_answers(self._store, who, answers, now, request.state.shares) if answers else []
        answered = {each.showing_id for each in outcomes}
        held = [each for each in body.held if each not in answered]
        wanted = max(AHEAD - len(held), 0)
        chosen = filters_of(body.filters)
        fresh = show_next(self._store, who, chosen, held, wanted, now)
        again = [each.again for each in outcomes if each.again is not None]
        rendered = self._render(request, [*again, *fresh])
        stored = [each.listing_id for each in outcomes if each.listing_id is not None]
        if stored:
            self._site.log(request, "answered", stored, batch=answers[0].batch_id)
        self._log_shown(request, [*again, *fresh])
        return {
            "outcomes": [_outcome(each, rendered) for each in outcomes],
            "questions": [rendered[each.showing_id] for each in fresh],
            "state": self._state(who, chosen, now) if not (fresh or held) else "open",
        }

    def _state(self, who: Reviewer, filters: Filters, now: dt.datetime) -> str:
        """Why nothing is left: nothing, elsewhere or no export."""
        found = progress(self._store, who, filters, now, now)
        return "none" if found.run_date is None else "elsewhere" if found.elsewhere else "nothing"

    def undo(self, request: Request, body: UndoBody) -> Any:  # noqa: ANN401 - JSON
        """Take back the last answer."""
        undone = undo(self._store, reviewer_of(request, body), body.undo, self._site.clock())
        question = self._render(request, [undone.again]) if undone.again else {}
        if undone.listing_id is not None:
            self._site.log(request, "undone", [undone.listing_id], batch=undone.batch_id)
        self._log_shown(request, [undone.again] if undone.again else [])
        return {"undone": undone.listing_id is not None, "question": next(iter(question.values()), None)}

    def previous(self, request: Request, body: PreviousBody) -> Any:  # noqa: ANN401 - JSON
        """Show again what was answered before."""
        found = previous(self._store, reviewer_of(request, body), body.before, self._site.clock())
        question = self._render(request, [found]) if found else {}
        self._log_shown(request, [found] if found else [])
        return {"question": next(iter(question.values()), None)}

    def release(self, body: Place) -> Response:
        """Give back what a closed page had claimed."""
        release(self._store, body.page)
        return Response(status_code=204)

    def _log_shown(self, request: Request, showings: Sequence[Showing]) -> None:
        if showings:
            self._site.log(request, "shown", [each.view["listing_id"] for each in showings])

    def _render(self, request: Request, showings: Sequence[Showing]) -> dict[str, str]:
        """Showing id -> HTML."""
        if self._names[0] != self._store.export_id():
            self._names = (self._store.export_id(), category_names(self._store))
        views = [showing.view for showing in showings]
        others = [
            each["listing_id"]
            for view in views
            for each in (*view["similar"], *view["fitting"], *filter(None, [view["duplicate"]]))
        ]
        around = Surroundings(words_of(request), self._names[1], pictured(self._store, others))
        return {each.showing_id: rendering.render_question(each, around) for each in showings}


def _nowhere(request: Request) -> Reviewer:
    """Who asks, in no window: nothing is claimed."""
    return Reviewer("", "", request.state.user.name, request.state.user.role)


def _outcome(outcome: Outcome, rendered: dict[str, str]) -> dict[str, object]:
    again = rendered[outcome.again.showing_id] if outcome.again else None
    return {"showing": outcome.showing_id, "state": outcome.state, "question": again}
