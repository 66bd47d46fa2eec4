"""The leads' view: work and agreement, disagreements to settle, and the history of a listing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Cookie, HTTPException, Query, Request, Response

from jobs.reviewing import rendering_leads
from jobs.reviewing.application.site import FOR_LEADS, Site, reviewer_of, words_of
from jobs.reviewing.assigning import free, held, leave_to, open_questions, people
from jobs.reviewing.bodies import DisputesBody, FreeBody, LeaveBody, ReopenBody, SettleBody
from jobs.reviewing.history import history
from jobs.reviewing.leading import double_answers, estimated, known_answers, trust, work_done
from jobs.reviewing.leads_export import agreement_csv, answers_csv, work_csv
from jobs.reviewing.overview import category_names
from jobs.reviewing.rendering_leads import History, Overview
from jobs.reviewing.settling import Word, disputes, reopen, settle, show_disputes
from jobs.reviewing.users import read_users
from udfs.reviewer_errors import ReviewerErrors

_AHEAD = 10
"""Disputes that a page has loaded ahead."""
_PERIOD = 30
Days = Annotated[int, Query(ge=1, le=3650)]
"""A period until now."""


class Leads:
    """The endpoints, for leads and admins only."""

    def __init__(self, site: Site) -> None:
        """Serve a site."""
        self._site, self._store = site, site.store
        self._errors: tuple[object, ReviewerErrors] = (None, ReviewerErrors({}, {}))

    def endpoints(self) -> list[tuple[str, str, Callable[..., Any]]]:
        """Method, path and function of each."""
        return [
            ("GET", "/lead", self.overview),
            ("GET", "/lead/settle", self.settling),
            ("GET", "/lead/history", self.history),
            ("GET", "/lead/export/work.csv", self.export_work),
            ("GET", "/lead/export/agreement.csv", self.export_agreement),
            ("GET", "/lead/export/answers.csv", self.export_answers),
            ("POST", "/lead/disputes", self.disputes),
            ("POST", "/lead/settle", self.settle),
            ("POST", "/lead/reopen", self.reopen),
            ("POST", "/lead/leave", self.leave),
            ("POST", "/lead/free", self.free),
        ]

    def check(self, request: Request) -> None:
        """Refuse whoever is no lead; `Site.check` has found out who it is."""
        if not request.state.leads:
            self._site.log(request, "refused leads' pages")
            raise HTTPException(403, FOR_LEADS)

    def overview(
        self,
        request: Request,
        days: Days = _PERIOD,
        review: Annotated[str | None, Cookie()] = None,
    ) -> Response:
        """Who has done how much, and how far people agree."""
        doubles = double_answers(self._store.reading())
        since = self._site.clock() - dt.timedelta(days=days)
        found = Overview(
            days,
            work_done(self._store, since),
            trust(doubles, known_answers(self._store.reading()), self._estimated()),
            len(disputes(self._store, doubles)),
            held(self._store, self._site.clock()),
        )
        self._site.log(request, "saw work of all")
        return self._site.whole_page(request, review, lambda head: rendering_leads.render_overview(head, found))

    def settling(self, request: Request, review: Annotated[str | None, Cookie()] = None) -> Response:
        """The page on which a lead settles."""
        return self._site.whole_page(request, review, rendering_leads.render_settling)

    def history(
        self,
        request: Request,
        listing: Annotated[str, Query(max_length=1000)] = "",
        review: Annotated[str | None, Cookie()] = None,
    ) -> Response:
        """What happened to a listing."""
        wanted = listing.strip()
        events, again = history(self._store, wanted)
        found = History(
            wanted,
            self._site.accesses.name_of(wanted),
            events,
            again,
            open_questions(self._store, wanted),
            self._people(),
        )
        names = category_names(self._store)
        if wanted:
            self._site.log(request, "saw history", [wanted])
        return self._site.whole_page(request, review, lambda head: rendering_leads.render_history(head, found, names))

    def export_work(self, request: Request, days: Days = _PERIOD) -> Response:
        """Who has done how much, as CSV."""
        since = self._site.clock() - dt.timedelta(days=days)
        self._site.log(request, "exported work of all")
        return self._file("work", work_csv(work_done(self._store, since), days))

    def export_agreement(self, request: Request) -> Response:
        """How far people agree, as CSV."""
        connection = self._store.reading()
        found = trust(double_answers(connection), known_answers(connection), self._estimated())
        self._site.log(request, "exported agreement of all")
        return self._file("agreement", agreement_csv(found))

    def export_answers(
        self, request: Request, days: Days | None = None, listing: Annotated[str | None, Query(max_length=1000)] = None
    ) -> Response:
        """Answers and what became of them, as CSV: of some days, to a listing, or all that is kept."""
        since = self._site.clock() - dt.timedelta(days=days) if days is not None else None
        content, listing_ids = answers_csv(self._store, since, listing)
        self._site.log(request, "exported answers", listing_ids)
        return self._file("answers", content)

    def _file(self, name: str, content: bytes) -> Response:
        named = f"review-{name}-{self._site.clock():%Y-%m-%d}.csv"
        headers = {"content-disposition": f'attachment; filename="{named}"', "cache-control": "no-store"}
        return Response(content, media_type="text/csv; charset=utf-8", headers=headers)

    def disputes(self, request: Request, body: DisputesBody) -> Any:  # noqa: ANN401 - JSON
        """Show disputes."""
        who, now = reviewer_of(request, body), self._site.clock()
        found, count = show_disputes(self._store, who, body.held, max(_AHEAD - len(body.held), 0), now)
        if found:
            self._site.log(request, "shown to settle", [each.double.listing_id for each in found])
        items, names, words = self._estimated().items, category_names(self._store), words_of(request)
        return {
            "articles": [
                rendering_leads.render_dispute(each, words, names, items.get(each.double.key, {})) for each in found
            ],
            "count": count,
        }

    def settle(self, request: Request, body: SettleBody) -> Any:  # noqa: ANN401 - JSON
        """Decide between two answers."""
        word = Word(body.showing, body.chosen, body.category)
        settled = settle(self._store, reviewer_of(request, body), word, self._site.clock())
        if settled.listing_id is not None:
            self._site.log(request, "settled", [settled.listing_id])
        return {"state": settled.state}

    def reopen(self, request: Request, body: ReopenBody) -> Any:  # noqa: ANN401 - JSON
        """Open a question again."""
        count = reopen(self._store, reviewer_of(request, body), body.listing, body.judged, self._site.clock())
        if count:
            self._site.log(request, "opened again", [body.listing])
        return {"count": count}

    def leave(self, request: Request, body: LeaveBody) -> Any:  # noqa: ANN401 - JSON
        """Leave an open question to one person."""
        if body.reviewer not in self._people():
            return {"state": "refused"}
        who, now = reviewer_of(request, body), self._site.clock()
        is_left = leave_to(self._store, who, body.listing, body.judged, body.reviewer, now)
        if is_left:
            self._site.log(request, "left to a person", [body.listing], person=body.reviewer)
        return {"state": "stored" if is_left else "taken"}

    def free(self, request: Request, body: FreeBody) -> Any:  # noqa: ANN401 - JSON
        """Give others what a person holds."""
        listing_ids = free(self._store, body.reviewer)
        if listing_ids:
            self._site.log(request, "freed", listing_ids)
        return {"count": len(listing_ids)}

    def _people(self) -> list[str]:
        return people(self._store, list(read_users(self._store.folder)))

    def _estimated(self) -> ReviewerErrors:
        """The reviewers' error rates, computed anew when an answer has come or gone."""
        row = self._store.reading().execute("SELECT max(number), total(undone), count(*) FROM answers").fetchone()
        state = (*row, self._store.export_id())
        if self._errors[0] != state:
            connection = self._store.reading()
            self._errors = (state, estimated(self._store, double_answers(connection), known_answers(connection)))
        return self._errors[1]
