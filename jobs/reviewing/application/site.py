"""What all parts of the page share: who asks, in which language, and how a page is sent."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated
from urllib.parse import urlencode, urlsplit

from fastapi import Cookie, Header, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException as NoPageError

from jobs.reviewing.access_log import AccessLog
from jobs.reviewing.bodies import FilterBody, Id, Place
from jobs.reviewing.database import Store
from jobs.reviewing.files import TYPES, read_file
from jobs.reviewing.guard import is_session, is_token, token_of
from jobs.reviewing.opinions import Shares
from jobs.reviewing.proxy import SECRET_HEADER, Proxy
from jobs.reviewing.rendering import Head, render_refusal
from jobs.reviewing.sessions import signed_in
from jobs.reviewing.showing import Filters, Reviewer
from jobs.reviewing.users import User, read_users
from jobs.reviewing.words import Words, choose_language, load_words
from schemas.decisions import LEADS

PAGES = ("/", "/groups", "/wall", "/bulk", "/lead", "/lead/settle", "/lead/history")
"""Addresses that people open, which work without a query, too."""
FOR_LEADS = "for leads and admins only"
_REFUSALS = {FOR_LEADS: "for_leads", "Not Found": "nothing_here"}
"""Reason of a refusal -> its words on a page; other reasons are for those who set up the page."""
_YEAR = 365 * 24 * 3600


class SignedOutError(Exception):
    """The request is nobody's."""


class Site:
    """The store, its users, and the pages' common parts.

    Attributes:
        store: the store.
        clock: tells the time, UTC.
        name: tells stores apart in the browser's storage.
        version: of the page's files.
        accesses: who saw and did what.
    """

    def __init__(
        self, store: Store, local: User, clock: Callable[[], dt.datetime], shares: Shares, proxy: Proxy | None
    ) -> None:
        """Prepare a site.

        Args:
            store: the store.
            local: the one local reviewer, as long as nobody was added.
            clock: tells the time, UTC.
            shares: which questions several people answer.
            proxy: what stands before the page; None: it is reached from this machine only.
        """
        self.store, self.clock, self._local, self._shares, self._proxy = store, clock, local, shares, proxy
        self._files = {name: read_file(name) for name in TYPES}
        self.version = hashlib.sha256(b"".join(self._files.values())).hexdigest()[:12]
        self._secret = store.remembered("secret", secrets.token_hex(32))
        self.name = store.remembered("name", secrets.token_hex(8))
        self.accesses = AccessLog(store)

    def check(
        self,
        request: Request,
        review: Annotated[str | None, Cookie()] = None,
        x_csrf_token: Annotated[str, Header()] = "",
    ) -> None:
        """Find out whose request it is, and refuse one that no page of ours has sent."""
        users = read_users(self.store.folder)
        user = self._user(request, users, review)
        if request.method == "POST" and not self.is_ours(review, x_csrf_token):
            raise HTTPException(403, "load the page again")
        request.state.user = user
        request.state.leads = user.role in LEADS or user is self._local
        # An opinion needs another person.
        request.state.shares = self._shares if len(users) > 1 or self.names_users else Shares()

    @property
    def names_users(self) -> bool:
        """Whether a proxy says who asks, so that nobody signs in here."""
        return self._proxy is not None and self._proxy.user_header is not None

    def _user(self, request: Request, users: Mapping[str, User], session: str | None) -> User:
        if self._proxy is not None and self._proxy.user_header is not None:
            secrets, names = (request.headers.getlist(name) for name in (SECRET_HEADER, self._proxy.user_header))
            named = self._proxy.user(secrets, names, users)
            if named is None:
                raise HTTPException(403, "the proxy before this page has not said who you are")
            return named
        user = signed_in(self.store, users, session, self.clock()) if users else self._local
        if user is None:
            raise SignedOutError
        if user is self._local and self._is_from_proxy(request):
            raise HTTPException(403, "this page has no users: `catalog-cleaner review users add` adds one")
        return user

    def _is_from_proxy(self, request: Request) -> bool:
        return self._proxy is not None and request.headers.get("host") == self._proxy.host

    def keep_session(self, request: Request, answer: Response, session: str) -> None:
        """Give the browser its session, over https only if it came by https."""
        secure = self._is_from_proxy(request)
        answer.set_cookie("review", session, httponly=True, samesite="strict", secure=secure)

    def log(self, request: Request, what: str, listing_ids: Iterable[str] = (), **more: object) -> None:
        """Note what the user of a request saw or did, with which listings."""
        user = request.state.user
        self.accesses.write(self.clock(), user.name, what, listing_ids, role=user.role, **more)

    def is_ours(self, session: str | None, token: str) -> bool:
        """Whether a request carries the token of its browser."""
        return session is not None and is_session(session) and is_token(token, session, self._secret)

    def whole_page(
        self, request: Request, session: str | None, render: Callable[[Head], str], status: int = 200
    ) -> Response:
        """A whole page, with the browser's cookies."""
        kept = session if session is not None and is_session(session) else secrets.token_urlsafe(24)
        words = words_of(request)
        text = render(Head(words, token_of(kept, self._secret), self.version))
        answer = HTMLResponse(text, status, headers={"cache-control": "no-store"})
        self.keep_session(request, answer, kept)
        answer.set_cookie("lang", words.language, httponly=True, samesite="strict", max_age=_YEAR)
        return answer

    def static(self, name: str) -> Response:
        """A file of the page."""
        if name not in self._files:
            raise HTTPException(404)
        headers = {"cache-control": "public, max-age=31536000, immutable"}
        return Response(self._files[name], media_type=TYPES[name], headers=headers)


def refuse_page(request: Request, error: NoPageError, version: str) -> Response:
    """A person's browser gets a page with a way back, any other request the bare reason.

    Args:
        request: what is refused.
        error: why.
        version: of the page's files.
    """
    status, reason = error.status_code, str(error.detail)
    is_page = "text/html" in request.headers.get("accept", "") and "hx-request" not in request.headers
    if request.method != "GET" or not is_page:
        return JSONResponse({"detail": reason}, status_code=status)
    words = words_of(request)
    problem = words(_REFUSALS[reason]) if reason in _REFUSALS else reason
    text = render_refusal(Head(words, "", version), problem)
    return HTMLResponse(text, status, headers={"cache-control": "no-store"})


def cannot_store(_: Request, error: Exception) -> Response:
    """A full disk and the like: the page keeps the answers and sends them again."""
    return JSONResponse({"problem": str(error)}, status_code=507)


def not_understood(request: Request, error: Exception) -> Response:
    """A page with an odd address is shown without what is odd; any other request is refused."""
    if request.method == "GET" and request.url.path in PAGES and request.url.query:
        return RedirectResponse(request.url.path, 303)
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    places = sorted({".".join(map(str, each["loc"])) for each in problems})
    return JSONResponse({"detail": ascii(f"not understood: {', '.join(places)}")[1:-1][:500]}, status_code=422)


def ask_to_sign_in(request: Request, _: Exception) -> Response:
    """A page leads to the form, any other request is refused."""
    if request.method == "GET" and request.url.path in PAGES:
        place = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
        return RedirectResponse(f"/sign-in?{urlencode({'next': place})}", 303)
    if request.method == "GET" and request.url.path.endswith(".csv"):
        return RedirectResponse(f"/sign-in?{urlencode({'next': '/lead'})}", 303)
    return JSONResponse({"detail": "sign in"}, status_code=401)


def inside(address: str) -> str:
    """An address of this page; its start if the given one leads elsewhere."""
    parts = urlsplit(address)
    return "/" if parts.scheme or parts.netloc or parts.path not in PAGES else address


def place_of(window: Annotated[Id, Query()], page: Annotated[Id, Query()]) -> Place:
    """Which window and page asks, from the address."""
    return Place(window=window, page=page)


def reviewer_of(request: Request, place: Place) -> Reviewer:
    """Who asks, and where."""
    return Reviewer(place.window, place.page, request.state.user.name, request.state.user.role)


def filters_of(body: FilterBody) -> Filters:
    """The filters that are asked for."""
    return Filters(**body.model_dump())


def words_of(request: Request) -> Words:
    """The words of the browser's language."""
    wanted = request.query_params.get("lang") or request.cookies.get("lang")
    return load_words(choose_language(wanted, request.headers.get("accept-language", "")))
