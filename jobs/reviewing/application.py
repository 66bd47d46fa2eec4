"""The review page as a web application. Only this module imports FastAPI. Spark is nowhere behind it."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Callable, Sequence
from importlib import resources
from typing import Annotated, Any

from fastapi import Cookie, Depends, FastAPI, Header, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from jobs.reviewing import rendering
from jobs.reviewing.answering import Answer, Outcome, previous, store_answers, undo
from jobs.reviewing.bodies import FilterBody, Id, Place, PreviousBody, TilesBody, UndoBody, WorkBody
from jobs.reviewing.database import Store, StoreError
from jobs.reviewing.groups import find_groups
from jobs.reviewing.guard import App, Guard, is_session, is_token, token_of
from jobs.reviewing.overview import (
    category_names,
    choices,
    picture,
    pictured,
    progress,
    search_categories,
)
from jobs.reviewing.rendering import Head, Surroundings
from jobs.reviewing.shapes import LARGE, SMALL
from jobs.reviewing.showing import Filters, Reviewer, Showing, release, show_next
from jobs.reviewing.words import Words, choose_language, load_words
from schemas.errors import FailedError

AHEAD = 12
"""Questions that a page has loaded ahead."""
TILES = 60
"""Cases on a wall."""
_TYPES = {
    "review.css": "text/css",
    "review.js": "text/javascript",
    "wall.js": "text/javascript",
    "htmx.min.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_YEAR = 365 * 24 * 3600


def create_application(store: Store, reviewer: str, role: str, port: int, clock: Callable[[], dt.datetime]) -> App:
    """Make the application.

    Args:
        store: the store.
        reviewer, role: the one local reviewer.
        port: on which it listens.
        clock: tells the time, UTC.
    """
    page = _Page(store, reviewer, role, clock)
    application = FastAPI(title="catalog-cleaner review", docs_url=None, redoc_url=None, openapi_url=None)
    checked = [Depends(page.check)]
    for path, endpoint, method in (
        ("/", page.start, "GET"),
        ("/static/{name}", page.static, "GET"),
        ("/picture", page.picture, "GET"),
        ("/categories", page.categories, "GET"),
        ("/progress", page.progress, "GET"),
        ("/filters", page.filters, "GET"),
        ("/groups", page.groups, "GET"),
        ("/wall", page.wall, "GET"),
        ("/tiles", page.tiles, "POST"),
        ("/work", page.work, "POST"),
        ("/undo", page.undo, "POST"),
        ("/previous", page.previous, "POST"),
        ("/release", page.release, "POST"),
    ):
        application.add_api_route(
            path, endpoint, methods=[method], dependencies=checked if method == "POST" else [], response_model=None
        )
    application.add_exception_handler(StoreError, _cannot_store)
    return Guard(application, port)


def _cannot_store(_: Request, error: Exception) -> Response:
    """A full disk and the like: the page keeps the answers and sends them again."""
    return JSONResponse({"problem": str(error)}, status_code=507)


class _Page:
    """The endpoints. They are plain functions, so each runs in a thread of its own."""

    def __init__(self, store: Store, reviewer: str, role: str, clock: Callable[[], dt.datetime]) -> None:
        self._store, self._reviewer, self._role, self._clock = store, reviewer, role, clock
        self._files = {name: _static(name) for name in _TYPES}
        self._version = hashlib.sha256(b"".join(self._files.values())).hexdigest()[:12]
        self._names: tuple[object, dict[str, tuple[str, str]]] = (None, {})
        self._secret = store.remembered("secret", secrets.token_hex(32))
        self._store_name = store.remembered("name", secrets.token_hex(8))

    def check(
        self, review: Annotated[str | None, Cookie()] = None, x_csrf_token: Annotated[str, Header()] = ""
    ) -> None:
        """Refuse a request that no page of ours has sent."""
        if review is None or not is_session(review) or not is_token(x_csrf_token, review, self._secret):
            raise HTTPException(403, "load the page again")

    def start(
        self,
        request: Request,
        filters: Annotated[FilterBody, Query()],
        review: Annotated[str | None, Cookie()] = None,
    ) -> Response:
        """The page."""
        chosen = _filters(filters).given()
        return self._whole_page(
            request, review, lambda head: rendering.render_page(head, self._store_name, self._reviewer, chosen)
        )

    def groups(self, request: Request, review: Annotated[str | None, Cookie()] = None) -> Response:
        """The groups of alike cases."""
        found = find_groups(self._store, self._reviewer)
        return self._whole_page(request, review, lambda head: rendering.render_groups(head, found))

    def wall(
        self,
        request: Request,
        filters: Annotated[FilterBody, Query()],
        review: Annotated[str | None, Cookie()] = None,
    ) -> Response:
        """The cases of a group, to be decided at once."""
        wanted = (filters.seller, filters.category, filters.suggested)
        groups = find_groups(self._store, self._reviewer)
        group = next((each for each in groups if (each.seller, each.category, each.suggested) == wanted), None)
        if group is None or not group.is_offered:
            return RedirectResponse("/groups", 303)
        return self._whole_page(request, review, lambda head: rendering.render_wall(head, group))

    def tiles(self, request: Request, body: TilesBody) -> Any:  # noqa: ANN401 - JSON
        """Claim cases of a group for the wall."""
        found = show_next(self._store, self._who(body), _filters(body.filters), [], TILES, self._clock())
        return {"tiles": [rendering.render_tile(each, _words(request)) for each in found]}

    def _whole_page(self, request: Request, review: str | None, render: Callable[[Head], str]) -> Response:
        """A whole page, with the browser's cookies."""
        session = review if review is not None and is_session(review) else secrets.token_urlsafe(24)
        words = _words(request)
        text = render(Head(words, token_of(session, self._secret), self._version))
        answer = HTMLResponse(text, headers={"cache-control": "no-store"})
        answer.set_cookie("review", session, httponly=True, samesite="strict")
        answer.set_cookie("lang", words.language, httponly=True, samesite="strict", max_age=_YEAR)
        return answer

    def static(self, name: str) -> Response:
        """A file of the page."""
        if name not in self._files:
            raise HTTPException(404)
        headers = {"cache-control": "public, max-age=31536000, immutable"}
        return Response(self._files[name], media_type=_TYPES[name], headers=headers)

    def picture(self, listing: str, size: str = LARGE) -> Response:
        """A picture that the export has decoded and written anew."""
        jpeg = picture(self._store, listing, size if size == SMALL else LARGE)
        if jpeg is None:
            raise HTTPException(404)
        return Response(jpeg, media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"})

    def categories(self, request: Request, q: Annotated[str, Query(max_length=200)] = "") -> Response:
        """The categories that a search finds."""
        return HTMLResponse(rendering.render_found(_words(request), search_categories(self._store, q), q))

    def progress(
        self, request: Request, filters: Annotated[FilterBody, Query()], place: Annotated[Place, Depends(_place)]
    ) -> Response:
        """How far the work is."""
        now = self._clock()
        midnight = now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0).astimezone(dt.UTC)
        found = progress(self._store, self._who(place), _filters(filters), now, midnight)
        return HTMLResponse(rendering.render_progress(_words(request), found))

    def filters(self, request: Request, filters: Annotated[FilterBody, Query()]) -> Response:
        """The filters with their counts."""
        chosen = _filters(filters)
        found = choices(self._store, Reviewer("", "", self._reviewer, self._role), chosen)
        return HTMLResponse(rendering.render_filters(_words(request), found, chosen.given()))

    def work(self, request: Request, body: WorkBody) -> Any:  # noqa: ANN401 - JSON
        """Store answers, and give the page its next questions."""
        who, now = self._who(body), self._clock()
        answers = [Answer(e.showing, e.decision, e.category, e.note, e.batch) for e in body.answers]
        outcomes = store_answers(self._store, who, answers, now) if answers else []
        answered = {each.showing_id for each in outcomes}
        held = [each for each in body.held if each not in answered]
        wanted = max(AHEAD - len(held), 0)
        chosen = Filters(**body.filters.model_dump())
        fresh = show_next(self._store, who, chosen, held, wanted, now)
        again = [each.again for each in outcomes if each.again is not None]
        rendered = self._render(request, [*again, *fresh])
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
        undone = undo(self._store, self._who(body), body.undo, self._clock())
        question = self._render(request, [undone.again]) if undone.again else {}
        return {"undone": undone.listing_id is not None, "question": next(iter(question.values()), None)}

    def previous(self, request: Request, body: PreviousBody) -> Any:  # noqa: ANN401 - JSON
        """Show again what was answered before."""
        found = previous(self._store, self._who(body), body.before, self._clock())
        question = self._render(request, [found]) if found else {}
        return {"question": next(iter(question.values()), None)}

    def release(self, body: Place) -> Response:
        """Give back what a closed page had claimed."""
        release(self._store, body.page)
        return Response(status_code=204)

    def _who(self, place: Place) -> Reviewer:
        return Reviewer(place.window, place.page, self._reviewer, self._role)

    def _render(self, request: Request, showings: Sequence[Showing]) -> dict[str, str]:
        """Showing id -> HTML."""
        if self._names[0] != self._store.export_id():
            self._names = (self._store.export_id(), category_names(self._store))
        others = [
            each["listing_id"]
            for showing in showings
            for each in [*showing.view["similar"], *([showing.view["duplicate"]] if showing.view["duplicate"] else [])]
        ]
        around = Surroundings(_words(request), self._names[1], pictured(self._store, others))
        return {each.showing_id: rendering.render_question(each, around) for each in showings}


def _static(name: str) -> bytes:
    """A file of the page.

    Raises:
        FailedError: it is missing; htmx is not in git.
    """
    try:
        return resources.files("jobs.reviewing").joinpath(f"static/{name}").read_bytes()
    except FileNotFoundError as error:
        raise FailedError(f"the review page's file {name} is missing: run `make setup`, which fetches it.") from error


def _place(window: Annotated[Id, Query()], page: Annotated[Id, Query()]) -> Place:
    return Place(window=window, page=page)


def _filters(body: FilterBody) -> Filters:
    return Filters(**body.model_dump())


def _outcome(outcome: Outcome, rendered: dict[str, str]) -> dict[str, object]:
    again = rendered[outcome.again.showing_id] if outcome.again else None
    return {"showing": outcome.showing_id, "state": outcome.state, "question": again}


def _words(request: Request) -> Words:
    wanted = request.query_params.get("lang") or request.cookies.get("lang")
    return load_words(choose_language(wanted, request.headers.get("accept-language", "")))
