"""The page of a ticket for agents: what was said, what happened, a reply or a note, and how the ticket stands."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from bot import work
from bot.casework import who as named
from bot.errors import Message, NothingToUndo, StoreUnavailable, TicketChanged, TicketInvalid
from bot.models import MAX_BODY, MAX_REASON, NOBODY, TIERS, TicketMessage
from bot.people import Caller
from bot.service import HelpDesk
from bot.work import Changes, Event, Work
from bot.worklist import Listing, Wanted
from kb.links import article_path
from web import auth, standing
from web.pages import beside
from web.pages.catalogue import Catalogue, catalogue
from web.pages.failures import PageRoute
from web.pages.forms import Form, Posted
from web.pages.inbox_filter import asked_for
from web.pages.templates import page
from web.pages.visit import visit
from web.script_words import inbox_words
from web.tickets_api import casework_of, colleagues
from web.words import Words

_log = logging.getLogger(__name__)

router = APIRouter(route_class=PageRoute)

#: How many other tickets of the requester stand beside theirs.
_OTHERS = 5
Kind = Literal["message", "note", "event"]


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of the conversation: words, or a sentence about what happened."""

    kind: Kind
    at: datetime
    message: TicketMessage | None = None
    words: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Typed:
    """What an agent typed that could not be kept, to stand in its field again."""

    text: str = ""
    mode: Literal["reply", "note"] = "reply"
    reason: str = ""
    tier: str = ""


@router.get("/inbox/{number:int}")
def ticket(request: Request, number: int) -> Response:
    caller = auth.enter(request, "tickets")
    return _page(request, number, caller)


@router.get("/inbox/{number:int}/news")
def news(request: Request, number: int) -> Response:
    """Who changed a ticket since a revision, as JSON: a sentence, "" where nobody did."""
    caller = auth.enter(request, "tickets")
    given = request.query_params.get("revision", "")
    if not (given.isascii() and given.isdigit() and len(given) < 10):
        raise HTTPException(400)
    done = casework_of(request).read(number)
    said = visit(request, catalogue(request)).said
    words = ""
    if done.ticket.revision > int(given) and done.history:
        last = done.history[-1]
        if last.who.id != caller.id:
            words = _moved(said, last)
    return JSONResponse({"words": words}, headers={"Cache-Control": "no-store"})


def _moved(said: Words, last: Event) -> str:
    if last.who == NOBODY:
        return said.gettext("The requester wrote since you opened this ticket.")
    if last.what == "reply":
        return said.gettext("%(name)s answered since you opened this ticket.", name=last.who.name)
    return said.gettext("%(name)s changed this ticket since you opened it.", name=last.who.name)


@router.post("/inbox/{number:int}/messages")
def write(request: Request, number: int, form: Posted) -> Response:
    """Sends a reply to the requester, or keeps a note, as the button says that was pressed."""
    caller, cases = auth.enter(request, "tickets"), casework_of(request)
    # Whoever pressed no button of ours may have meant a note: only what says so goes out.
    mode: Literal["reply", "note"] = "reply" if (form.text("mode") or form.text("writing")) == "reply" else "note"
    typed = Typed(text=form.text("text"), mode=mode)
    try:
        ticket_id = cases.read(number).ticket.id
        if mode == "note":
            cases.note(ticket_id, typed.text, caller)
        else:
            cases.reply(ticket_id, typed.text, caller, _revision(form))
    except TicketInvalid as error:
        return _page(request, number, caller, typed, errors={"reply": error.fields["text"]}, status=422)
    except TicketChanged as error:
        return _page(request, number, caller, typed, errors={"reply": _words(error)}, status=409)
    except StoreUnavailable as error:
        return _unsent(request, typed, error)
    return _back(request, number, mode)


@router.post("/inbox/{number:int}/change")
def change(request: Request, number: int, form: Posted) -> Response:
    """Does what the button says that was pressed."""
    caller, cases = auth.enter(request, "tickets"), casework_of(request)
    do, ticket_id = form.text("do"), cases.read(number).ticket.id
    try:
        if do == "undo":
            cases.undo(ticket_id, caller, _revision(form))
            return _back(request, number, do)
        changes = _changes(request, form, caller)
        if changes is None:
            raise HTTPException(400)
        cases.change(ticket_id, changes, caller, _revision(form))
    except TicketInvalid as error:
        typed = Typed(reason=form.text("reason"), tier=form.text("tier"))
        return _page(request, number, caller, typed, errors=dict(error.fields), status=422)
    except (TicketChanged, NothingToUndo) as error:
        typed = Typed(reason=form.text("reason"), tier=form.text("tier"))
        return _page(request, number, caller, typed, errors={"state": _words(error)}, status=409)
    return _back(request, number, do)


def _changes(request: Request, form: Form, caller: Caller) -> Changes | None:
    """What the form asks for; None where that is nothing of ours."""
    do, reason = form.text("do"), form.text("reason")
    if do == "take":
        return Changes(assignee=named(caller))
    if do == "assign":
        to = form.text("to")
        found = NOBODY if to == "nobody" else next((one for one in colleagues(request, caller) if one.id == to), None)
        return Changes(assignee=found) if found is not None else None
    if do == "priority":
        return Changes(priority=known) if (known := work.priority(form.text("priority"))) else None
    if do == "tier":
        return Changes(tier=tier, reason=reason) if (tier := work.tier(form.text("tier"))) else None
    states: dict[str, Changes] = {
        "solve": Changes(state="solved"),
        "hold": Changes(state="on_hold"),
        "reopen": Changes(state="received"),
    }
    return states.get(do)


def _revision(form: Form) -> int | None:
    given = form.text("revision")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else None


def _words(error: TicketChanged | NothingToUndo) -> Message:
    return error.message or Message("Look at what is new, then try again.")


def _back(request: Request, number: int, done: str) -> Response:
    return RedirectResponse(asked_for(request).address(f"/inbox/{number}", done=done) + "#fl-done", 303)


def _unsent(request: Request, typed: Typed, error: StoreUnavailable) -> Response:
    """What was typed, to be sent again: from a page that needs no database."""
    _log.error("%s", error)
    values = {
        "field": "text",
        "typed": typed.text,
        "mode": typed.mode,
        "status": 503,
        "seconds": 5,
        "max_body": MAX_BODY,
    }
    return page(request, "ticket_unsent.html", values, status=503, headers={"Retry-After": "5"}, private=True)


def _page(
    request: Request,
    number: int,
    caller: Caller,
    typed: Typed | None = None,
    *,
    errors: dict[str, Message] | None = None,
    status: int = 200,
) -> Response:
    desk: HelpDesk = request.app.state.desk
    cases, known, wanted = casework_of(request), catalogue(request), asked_for(request)
    reader = visit(request, known)
    done, now = cases.read(number), desk.now()
    ticket = done.ticket
    others: Listing = cases.worklist.find(Wanted(email=ticket.email), now, "changed", limit=_OTHERS + 1)
    rows = [row for row in others.rows if row.number != number][:_OTHERS]
    values: dict[str, Any] = {
        "filter": wanted,
        "ticket": ticket,
        "items": _items(reader.said, done),
        "asked": [(asked, _shown(known, asked.shown)) for asked in desk.conversation(ticket)],
        "now": now,
        "due": standing.due(reader.said, ticket.due, now) if ticket.due else "",
        "overdue": bool(ticket.due and ticket.due < now),
        "age": standing.ago(reader.said, ticket.at, now),
        "others": [(row, wanted.address(f"/inbox/{row.number}")) for row in rows],
        "people": colleagues(request, caller),
        "me": caller.id,
        "states": standing.STATES,
        "priorities": standing.PRIORITIES,
        "tiers": TIERS,
        "typed": typed or Typed(),
        "errors": {name: reader.said.say(words) for name, words in (errors or {}).items()},
        "conflict": status == 409,
        "done": _done(request, reader.said, done) if not errors else "",
        "done_code": request.query_params.get("done", ""),
        "undoable": done.undoable is not None,
        "news": f"/inbox/{number}/news?revision={ticket.revision}",
        "max_body": MAX_BODY,
        "max_reason": MAX_REASON,
        "script_words": inbox_words(reader.said, 0),
        "panel": beside.panel_of(request, caller, ticket),
    }
    return page(request, "inbox_ticket.html", values, status=status, reader=reader, private=True)


def _done(request: Request, said: Words, done: Work) -> str:
    """What was just done, in words."""
    code = request.query_params.get("done", "")
    if code == "reply":
        return said.gettext("Your reply is sent.")
    if code == "note":
        return said.gettext("Your note is kept. The requester does not see it.")
    if code and done.history and (last := done.history[-1]).what not in ("reply", "note"):
        return standing.happened(said, last)
    return ""


def _items(said: Words, done: Work) -> list[Item]:
    """Messages, notes and events in order of time; words come before what followed from them."""
    items = [Item("note" if one.internal else "message", one.at, one) for one in (*done.ticket.messages, *done.notes)]
    for event in done.history:
        if words := standing.happened(said, event):
            items.append(Item("event", event.at, words=words, reason=event.reason))
    return sorted(items, key=lambda item: item.at)


def _shown(known: Catalogue, ids: tuple[str, ...]) -> list[tuple[str, str]]:
    """(title, address) of the articles a question was shown; what is gone keeps its id and has no address."""
    found = []
    for article_id in ids:
        written = known.by_id.get(article_id, {})
        article = next((written[lang] for lang in known.order(known.default_lang) if lang in written), None)
        found.append((article.title, article_path(article.key)) if article else (article_id, ""))
    return found
