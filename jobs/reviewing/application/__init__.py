"""The review page as a web application. Only this package imports FastAPI. Spark is nowhere behind it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, cast

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as NoPageError

from jobs.reviewing.application.leads import Leads
from jobs.reviewing.application.signing import SignIn
from jobs.reviewing.application.site import (
    SignedOutError,
    Site,
    ask_to_sign_in,
    cannot_store,
    not_understood,
    refuse_page,
)
from jobs.reviewing.application.working import Work
from jobs.reviewing.database import Store, StoreError
from jobs.reviewing.guard import App, Guard
from jobs.reviewing.opinions import Shares
from jobs.reviewing.proxy import Proxy
from jobs.reviewing.users import User


def create_application(
    store: Store,
    local: User,
    port: int,
    clock: Callable[[], dt.datetime],
    shares: Shares,
    proxy: Proxy | None = None,
) -> App:
    """Make the application.

    Args:
        store: the store.
        local: the one local reviewer, as long as nobody was added.
        port: on which it listens.
        clock: tells the time, UTC.
        shares: which questions several people answer.
        proxy: what stands before the page; None: it is reached from this machine only.
    """
    site = Site(store, local, clock, shares, proxy)
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
    application.add_exception_handler(
        NoPageError, lambda request, error: refuse_page(request, cast("NoPageError", error), site.version)
    )
    application.add_exception_handler(RequestValidationError, not_understood)
    application.add_exception_handler(SignedOutError, ask_to_sign_in)
    return Guard(application, port, proxy)


def _add(application: FastAPI, method: str, path: str, endpoint: Callable[..., Any], **more: Any) -> None:  # noqa: ANN401
    application.add_api_route(path, endpoint, methods=[method], response_model=None, **more)
