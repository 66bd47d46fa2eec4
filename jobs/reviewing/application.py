"""The review page as a web application. Only this module imports FastAPI. Spark is nowhere behind it."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Callable, Sequence
from typing import Annotated, Any
from urllib.parse import parse_qs, urlencode, urlsplit

from fastapi import Cookie, Depends, FastAPI, Header, HTTPException, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from jobs.reviewing import rendering
from jobs.reviewing.answering import Answer, Outcome, previous, store_answers, undo
from jobs.reviewing.bodies import FilterBody, Id, Place, PreviousBody, TilesBody, UndoBody, WorkBody
from jobs.reviewing.database import Store, StoreError
from jobs.reviewing.files import TYPES, read_file
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
from jobs.reviewing.sessions import sign_in, sign_out, signed_in
from jobs.reviewing.shapes import LARGE, SMALL
from jobs.reviewing.showing import Filters, Reviewer, Showing, release, show_next
from jobs.reviewing.users import User, read_users
from jobs.reviewing.words import Words, choose_language, load_words

AHEAD = 12
"""Questions that a page has loaded ahead."""
TILES = 60
"""Cases on a wall."""
_PAGES = ("/", "/groups", "/wall")
_YEAR = 365 * 24 * 3600


def create_application(store: Store, reviewer: str, role: str, port: int, clock: Callable[[], dt.datetime]) -> App:
    """Make the application.

    Args:
        store: the store.
        reviewer, role: the one local reviewer.
        port: on which it listens.
        clock: tells the time, UTC.
    """
    page = _Page(store, User(reviewer, role), clock)
    application = FastAPI(title="catalog-cleaner review", docs_url=None, redoc_url=None, openapi_url=None)
    endpoints: list[tuple[str, str, Callable[..., Any]]] = [
        ("GET", "/", page.start),
        ("GET", "/picture", page.picture),
        ("GET", "/categories", page.categories),
        ("GET", "/progress", page.progress),
        ("GET", "/filters", page.filters),
        ("GET", "/groups", page.groups),
        ("GET", "/wall", page.wall),
        ("POST", "/tiles", page.tiles),
        ("POST", "/work", page.work),
        ("POST", "/undo", page.undo),
        ("POST", "/previous", page.previous),
        ("POST", "/release", page.release),
        ("POST", "/sign-out", page.sign_out),
    ]
    for method, path, endpoint in endpoints:
        application.add_api_route(
            path, endpoint, methods=[method], dependencies=[Depends(page.check)], response_model=None
        )
    application.add_api_route("/static/{name}", page.static, methods=["GET"], response_model=None)
    application.add_api_route("/sign-in", page.show_sign_in, methods=["GET"], response_model=None)
    application.add_api_route("/sign-in", page.sign_in, methods=["POST"], response_model=None)
    application.add_exception_handler(StoreError, _cannot_store)
    application.add_exception_handler(_SignedOutError, _ask_to_sign_in)
    return Guard(application, port)


def _cannot_store(_: Request, error: Exception) -> Response:
    """A full disk and the like: the page keeps the answers and sends them again."""
    return JSONResponse({"problem": str(error)}, status_code=507)


class _SignedOutError(Exception):
    """The request is nobody's."""


def _ask_to_sign_in(request: Request, _: Exception) -> Response:
    if request.method == "GET" and request.url.path in _PAGES:
        place = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
        return RedirectResponse(f"/sign-in?{urlencode({'next': place})}", 303)
    return JSONResponse({"detail": "sign in"}, status_code=401)


class _Page:
    """The endpoints. They are plain functions, so each runs in a thread of its own."""

    def __init__(self, store: Store, local: User, clock: Callable[[], dt.datetime]) -> None:
        self._store, self._local, self._clock = store, local, clock
        self._files = {name: read_file(name) for name in TYPES}
        self._version = hashlib.sha256(b"".join(self._files.values())).hexdigest()[:12]
        self._names: tuple[object, dict[str, tuple[str, str]]] = (None, {})
        self._secret = store.remembered("secret", secrets.token_hex(32))
        self._store_name = store.remembered("name", secrets.token_hex(8))

    def check(
        self,
        request: Request,
        review: Annotated[str | None, Cookie()] = None,
        x_csrf_token: Annotated[str, Header()] = "",
    ) -> None:
        """Find out whose request it is, and refuse one that no page of ours has sent."""
        users = read_users(self._store.folder)
        user = signed_in(self._store, users, review, self._clock()) if users else self._local
        if user is None:
            raise _SignedOutError
        is_ours = review is not None and is_session(review) and is_token(x_csrf_token, review, self._secret)
        if request.method == "POST" and not is_ours:
            raise HTTPException(403, "load the page again")
        request.state.user = user

    def show_sign_in(
        self,
        request: Request,
        target: Annotated[str, Query(alias="next")] = "/",
        review: Annotated[str | None, Cookie()] = None,
    ) -> Response:
        """The form to sign in."""
        if not read_users(self._store.folder):
            return RedirectResponse("/", 303)
        return self._whole_page(request, review, lambda head: rendering.render_sign_in(head, _inside(target), ""))

    async def sign_in(self, request: Request, review: Annotated[str | None, Cookie()] = None) -> Response:
        """Sign a user in, who then has a new session."""
        given = {name: values[-1] for name, values in parse_qs((await request.body()).decode(errors="replace")).items()}
        if review is None or not is_session(review) or not is_token(given.get("token", ""), review, self._secret):
            raise HTTPException(403, "load the page again")
        users, address = read_users(self._store.folder), request.client.host if request.client else ""
        name, password = given.get("name", "").strip(), given.get("password", "")
        tried = await run_in_threadpool(sign_in, self._store, users, name, password, address, self._clock())
        target = _inside(given.get("next", "/"))
        if tried.token is None:
            words = _words(request)
            wait = tried.wait_seconds
            problem = words("too_many", seconds=wait) if wait else words("wrong_password")
            return self._whole_page(
                request, review, lambda head: rendering.render_sign_in(head, target, problem), 429 if wait else 401
            )
        answer = RedirectResponse(target, 303)
        answer.set_cookie("review", tried.token, httponly=True, samesite="strict")
        return answer

    def sign_out(self, review: Annotated[str, Cookie()]) -> Response:
        """End the session."""
        sign_out(self._store, review)
        return Response(status_code=204)

    def start(
        self,
        request: Request,
        filters: Annotated[FilterBody, Query()],
        review: Annotated[str | None, Cookie()] = None,
    ) -> Response:
        """The page."""
        chosen = _filters(filters).given()
        return self._whole_page(
            request, review, lambda head: rendering.render_page(head, self._store_name, request.state.user, chosen)
        )

    def groups(self, request: Request, review: Annotated[str | None, Cookie()] = None) -> Response:
        """The groups of alike cases."""
        found = find_groups(self._store, request.state.user.name)
        return self._whole_page(request, review, lambda head: rendering.render_groups(head, found))

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
        return self._whole_page(request, review, lambda head: rendering.render_wall(head, group))

    def tiles(self, request: Request, body: TilesBody) -> Any:  # noqa: ANN401 - JSON
        """Claim cases of a group for the wall."""
        found = show_next(self._store, _who(request, body), _filters(body.filters), [], TILES, self._clock())
        return {"tiles": [rendering.render_tile(each, _words(request)) for each in found]}

    def _whole_page(
        self, request: Request, review: str | None, render: Callable[[Head], str], status: int = 200
    ) -> Response:
        """A whole page, with the browser's cookies."""
        session = review if review is not None and is_session(review) else secrets.token_urlsafe(24)
        words = _words(request)
        text = render(Head(words, token_of(session, self._secret), self._version))
        answer = HTMLResponse(text, status, headers={"cache-control": "no-store"})
        answer.set_cookie("review", session, httponly=True, samesite="strict")
        answer.set_cookie("lang", words.language, httponly=True, samesite="strict", max_age=_YEAR)
        return answer

    def static(self, name: str) -> Response:
        """A file of the page."""
        if name not in self._files:
            raise HTTPException(404)
        headers = {"cache-control": "public, max-age=31536000, immutable"}
        return Response(self._files[name], media_type=TYPES[name], headers=headers)

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
        found = progress(self._store, _who(request, place), _filters(filters), now, midnight)
        return HTMLResponse(rendering.render_progress(_words(request), found))

    def filters(self, request: Request, filters: Annotated[FilterBody, Query()]) -> Response:
        """The filters with their counts."""
        chosen = _filters(filters)
        found = choices(self._store, Reviewer("", "", request.state.user.name, request.state.user.role), chosen)
        return HTMLResponse(rendering.render_filters(_words(request), found, chosen.given()))

    def work(self, request: Request, body: WorkBody) -> Any:  # noqa: ANN401 - JSON
        """Store answers, and give the page its next questions."""
        who, now = _who(request, body), self._clock()
        answers = [Answer(e.showing, e.decision, e.category, e.note, e.batch) for e in body.answers]
        outcomes = store_answers(self._store, who, answers, now) if answers else []
        answered = {each.showing_id for each in outcomes}
        held = [each for each in body.held if each not in answered]
        wanted = max(AHEAD - len(held), 0)
        chosen = _filters(body.filters)
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
        undone = undo(self._store, _who(request, body), body.undo, self._clock())
        question = self._render(request, [undone.again]) if undone.again else {}
        return {"undone": undone.listing_id is not None, "question": next(iter(question.values()), None)}

    def previous(self, request: Request, body: PreviousBody) -> Any:  # noqa: ANN401 - JSON
        """Show again what was answered before."""
        found = previous(self._store, _who(request, body), body.before, self._clock())
        question = self._render(request, [found]) if found else {}
        return {"question": next(iter(question.values()), None)}

    def release(self, body: Place) -> Response:
        """Give back what a closed page had claimed."""
        release(self._store, body.page)
        return Response(status_code=204)

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


def _place(window: Annotated[Id, Query()], page: Annotated[Id, Query()]) -> Place:
    return Place(window=window, page=page)


def _who(request: Request, place: Place) -> Reviewer:
    return Reviewer(place.window, place.page, request.state.user.name, request.state.user.role)


def _inside(address: str) -> str:
    """An address of this page; its start if the given one leads elsewhere."""
    parts = urlsplit(address)
    return "/" if parts.scheme or parts.netloc or parts.path not in _PAGES else address


def _filters(body: FilterBody) -> Filters:
    return Filters(**body.model_dump())


def _outcome(outcome: Outcome, rendered: dict[str, str]) -> dict[str, object]:
    again = rendered[outcome.again.showing_id] if outcome.again else None
    return {"showing": outcome.showing_id, "state": outcome.state, "question": again}


def _words(request: Request) -> Words:
    wanted = request.query_params.get("lang") or request.cookies.get("lang")
    return load_words(choose_language(wanted, request.headers.get("accept-language", "")))
