"""The agents' inbox: views with their counts, a list to search, sort and narrow, and changes to several tickets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from bot import work
from bot.models import NOBODY, Who
from bot.work import Changes
from bot.worklist import Row
from web import auth, standing
from web.pages.catalogue import catalogue
from web.pages.failures import PageRoute
from web.pages.forms import Posted
from web.pages.inbox_filter import VIEWS, asked_for
from web.pages.templates import page
from web.pages.visit import Visit, visit
from web.script_words import inbox_words
from web.tickets_api import casework_of, colleagues

router = APIRouter(route_class=PageRoute)

ROWS = 50


@router.get("/inbox")
def inbox(request: Request) -> Response:
    """A list; it is the address alone that says which, so that it can be kept and sent."""
    caller = auth.enter(request, "tickets")
    query = request.query_params
    wanted = asked_for(request)
    desk, cases = request.app.state.desk, casework_of(request)
    now, offset = desk.now(), (wanted.number - 1) * ROWS
    found = cases.worklist.find(wanted.wanted(caller.id), now, wanted.sorting, limit=ROWS, offset=offset)
    pages = max(1, -(-found.total // ROWS))
    if wanted.number > pages:  # the last ticket of the last page was solved
        return RedirectResponse(wanted.on_page(pages).address(), 303)
    reader = visit(request, catalogue(request))
    settings = request.app.state.settings
    values = {
        "filter": wanted,
        "views": [(view, wanted.in_view(view)) for view in VIEWS],
        "counts": cases.worklist.counts(caller.id, now),
        "rows": [(row, *_times(reader, row, now)) for row in found.rows],
        "total": found.total,
        "news": wanted.address("/inbox/news", since=now.isoformat()),
        "pages": pages,
        "first": offset + 1,
        "people": colleagues(request, caller),
        "me": caller.id,
        "short_states": standing.SHORT_STATES,
        "states": {key: name for key, name in standing.STATES.items() if key in wanted.view.states},
        "priorities": standing.PRIORITIES,
        "orders": standing.ORDERS,
        "topics": settings.ticket_topics,
        "departments": settings.departments,
        "done": _done(query.get("done", "")),
        "script_words": inbox_words(reader.said, ROWS),
    }
    return page(request, "inbox.html", values, reader=reader, private=True)


def _done(text: str) -> int | None:
    """How many tickets a change of several changed, as the address of the list says afterwards."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else None


def _times(reader: Visit, row: Row, now: datetime) -> tuple[str, bool, str]:
    due = standing.due(reader.said, row.due, now) if row.due else ""
    return due, bool(row.due and row.due < now), standing.ago(reader.said, row.at, now)


@router.get("/inbox/news")
def news(request: Request) -> Response:
    """How many tickets of a list came since a page was made, as JSON and in words."""
    caller = auth.enter(request, "tickets")
    query = request.query_params
    wanted = asked_for(request).wanted(caller.id)
    try:
        since = datetime.fromisoformat(query.get("since", ""))
    except ValueError:
        raise HTTPException(400) from None
    if since.tzinfo is None:
        raise HTTPException(400)
    cases = casework_of(request)
    count = cases.worklist.find(replace(wanted, since=since), cases.now(), "age", limit=0).total
    said = visit(request, catalogue(request)).said
    words = said.ngettext("%(num)s new ticket", "%(num)s new tickets", count) if count else ""
    return JSONResponse({"count": count, "words": words}, headers={"Cache-Control": "no-store"})


@router.post("/inbox")
def change_several(request: Request, form: Posted) -> Response:
    """Gives the chosen tickets to somebody, sets their priority, or solves them; then the same list again."""
    caller = auth.enter(request, "tickets")
    cases = casework_of(request)
    wanted = asked_for(request)
    changes = _changes(form.text("do"), form.text("to"), form.text("set"), colleagues(request, caller))
    chosen = [one for one in dict.fromkeys(form.texts("ticket")) if one][:ROWS]
    done = cases.change_all(chosen, changes, caller) if changes else 0
    return RedirectResponse(wanted.address(done=str(done)) + "#fl-done", 303)


def _changes(do: str, to: str, priority: str, people: Sequence[Who]) -> Changes | None:
    """What a form of the list asks for; None where it asks for nothing we know."""
    if do == "solve":
        return Changes(state="solved")
    if do == "priority" and (known := work.priority(priority)):
        return Changes(priority=known)
    if do == "assign":
        assignee = NOBODY if to == "nobody" else next((one for one in people if one.id == to), None)
        return Changes(assignee=assignee) if assignee is not None else None
    return None
