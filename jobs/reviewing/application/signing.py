"""Signing in and out."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qs

from fastapi import Cookie, HTTPException, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from jobs.reviewing import rendering
from jobs.reviewing.application.site import Site, inside, words_of
from jobs.reviewing.sessions import sign_in, sign_out
from jobs.reviewing.users import read_users


class SignIn:
    """The endpoints of who comes and goes."""

    def __init__(self, site: Site) -> None:
        """Serve a site."""
        self._site = site

    def show(
        self,
        request: Request,
        target: Annotated[str, Query(alias="next")] = "/",
        review: Annotated[str | None, Cookie()] = None,
    ) -> Response:
        """The form to sign in."""
        if self._site.names_users or not read_users(self._site.store.folder):
            return RedirectResponse("/", 303)
        return self._site.whole_page(request, review, lambda head: rendering.render_sign_in(head, inside(target), ""))

    async def sign_in(self, request: Request, review: Annotated[str | None, Cookie()] = None) -> Response:
        """Sign a user in, who then has a new session."""
        given = {name: values[-1] for name, values in parse_qs((await request.body()).decode(errors="replace")).items()}
        if not self._site.is_ours(review, given.get("token", "")):
            raise HTTPException(403, "load the page again")
        store, now = self._site.store, self._site.clock()
        users, address = read_users(store.folder), request.client.host if request.client else ""
        name, password = given.get("name", "").strip(), given.get("password", "")
        tried = await run_in_threadpool(sign_in, store, users, name, password, address, now)
        target = inside(given.get("next", "/"))
        # What nobody is called may be a password that was typed into the wrong field.
        known = name if name in users else None
        what = "sign-in" if tried.token is not None else "failed sign-in"
        self._site.accesses.write(now, known, what, (), address=address)
        if tried.token is None:
            words = words_of(request)
            wait = tried.wait_seconds
            problem = words("too_many", seconds=wait) if wait else words("wrong_password")
            return self._site.whole_page(
                request, review, lambda head: rendering.render_sign_in(head, target, problem), 429 if wait else 401
            )
        answer = RedirectResponse(target, 303)
        self._site.keep_session(request, answer, tried.token)
        return answer

    def sign_out(self, request: Request, review: Annotated[str, Cookie()]) -> Response:
        """End the session."""
        self._site.log(request, "sign-out")
        sign_out(self._site.store, review)
        return Response(status_code=204)
