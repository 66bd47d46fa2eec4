"""The review page as a web application. Only this package imports FastAPI. Spark is nowhere behind it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from fastapi import Depends, FastAPI

from jobs.reviewing.application.leads import Leads
from jobs.reviewing.application.signing import SignIn
from jobs.reviewing.application.site import SignedOutError, Site, ask_to_sign_in, cannot_store
from jobs.reviewing.application.working import Work
from jobs.reviewing.database import Store, StoreError
from jobs.reviewing.guard import App, Guard
from jobs.reviewing.opinions import Shares
from jobs.reviewing.users import User


def create_application(
    store: Store, reviewer: str, role: str, port: int, clock: Callable[[], dt.datetime], shares: Shares
) -> App:
    """Make the application.

    Args:
        store: the store.
        reviewer, role: the one local reviewer.
        port: on which it listens.
        clock: tells the time, UTC.
        shares: which questions several people answer.
    """
    site = Site(store, User(reviewer, role), clock, shares)
    work, leads, signing = Work(site), Leads(site), SignIn(site)
    application = FastAPI(title="catalog-cleaner review", docs_url=None, redoc_url=None, openapi_url=None)
    for method, path, endpoint in [*work.endpoints(), ("POST", "/sign-out", signing.sign_out)]:
        _add(application, method, path, endpoint, dependencies=[Depends(site.check)])
    for method, path, endpoint in leads.endpoints():
        _add(application, method, path, endpoint, dependencies=[Depends(site.check), Depends(leads.check)])
    _add(application, "GET", "/static/{name}", site.static)
    _add(application, "GET", "/sign-in", signing.show)
    _add(application, "POST", "/sign-in", signing.sign_in)
    application.add_exception_handler(StoreError, cannot_store)
    application.add_exception_handler(SignedOutError, ask_to_sign_in)
    return Guard(application, port)


def _add(application: FastAPI, method: str, path: str, endpoint: Callable[..., Any], **more: Any) -> None:  # noqa: ANN401
    application.add_api_route(path, endpoint, methods=[method], response_model=None, **more)
