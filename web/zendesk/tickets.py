"""Tickets as agents work on them: read, open, answer, note, change; and the search over them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from fastapi import Request, Response
from pydantic import BaseModel

from bot import tickets as rules
from bot.models import NOBODY, PRIORITIES, Priority, TicketState, Who
from bot.people import Caller
from bot.service import HelpDesk
from bot.work import Changes
from bot.worklist import OPEN, Wanted
from web.pages.visit import base_address
from web.problems import ApiError
from web.tickets_api import casework_of, colleagues
from web.zendesk.paging import Pages
from web.zendesk.requests import Comment, IdempotencyKey, Sent, case, listing, open_ticket
from web.zendesk.routes import Agent, RecordInvalidError, route
from web.zendesk.routes import router as routes
from web.zendesk.ticket_shapes import STATES, People, audit_of, comments_of, requester_id, staff_id, ticket_of
from web.zendesk.votes import stamp

router = routes()


class Changed(BaseModel):
    """What to change; keys that are not here change nothing. The requester reads a comment unless it is private."""

    comment: Comment | None = None
    status: Literal["new", "open", "pending", "hold", "solved", "closed"] | None = None
    priority: Priority | None = None
    assignee_id: int | None = None


class TicketIn(BaseModel):
    ticket: Sent


class ChangedIn(BaseModel):
    ticket: Changed


@route(router, "GET", "/tickets")
def list_tickets(request: Request, _known: Agent, pages: Pages) -> dict[str, Any]:
    """In the order of their numbers. None is kept with an `external_id`, so none is found by one."""
    if "external_id" in request.query_params:
        return {"tickets": [], **pages.growing([], 0).around}
    return _page(request, Wanted(), pages, "tickets")


@route(router, "POST", "/tickets", status=201)
def create(
    request: Request, response: Response, known: Agent, sent: TicketIn, idempotency_key: IdempotencyKey = ""
) -> dict[str, Any]:
    made = open_ticket(request, known, sent.ticket, idempotency_key)
    response.headers["Location"] = f"{base_address(request)}/api/v2/tickets/{made.number}.json"
    return _with_audit(request, known, made.number)


@route(router, "GET", "/tickets/count")
def count(request: Request, _known: Agent) -> dict[str, Any]:
    work = casework_of(request)
    total = work.worklist.find(Wanted(), work.now(), limit=0).total
    return {"count": {"value": total, "refreshed_at": stamp(work.now())}}


@route(router, "GET", "/tickets/show_many")
def read_many(request: Request, _known: Agent, ids: str = "") -> dict[str, Any]:
    """Those of a list of numbers that there are."""
    work = casework_of(request)
    numbers = [int(given) for given in ids.split(",")[:100] if given.strip().isdecimal() and len(given) < 10]
    people = People(work)
    found = [ticket_of(request, each, people) for number in numbers if (each := work.worklist.work(number))]
    return {"tickets": found, "count": len(found), "next_page": None, "previous_page": None}


@route(router, "GET", "/tickets/{number:int}")
def read(request: Request, _known: Agent, number: int) -> dict[str, Any]:
    work = casework_of(request)
    return {"ticket": ticket_of(request, case(request, number), People(work))}


@route(router, "GET", "/tickets/{number:int}/comments")
def list_comments(request: Request, _known: Agent, pages: Pages, number: int) -> dict[str, Any]:
    """With the notes among agents, which are not `public`."""
    work = casework_of(request)
    said = comments_of(request, case(request, number), People(work), notes=True)
    page = pages.of(said, lambda comment: int(comment["id"]))
    return {"comments": page.items, **page.around}


@route(router, "PUT", "/tickets/{number:int}")
def change(request: Request, known: Agent, number: int, told: ChangedIn) -> dict[str, Any]:
    """Answers with a comment, keeps a private one as a note, then changes the rest. All is looked at before anything
    is kept. A public comment whose author is the requester is their word, and no answer.
    """
    work, asked = casework_of(request), told.ticket
    ticket = case(request, number).ticket
    text = rules.message(asked.comment.text) if asked.comment else ""
    public = bool(asked.comment and asked.comment.public)
    theirs = public and asked.comment is not None and asked.comment.author_id == requester_id(work, ticket.email)
    answers = public and not theirs
    state = STATES[asked.status] if asked.status else None
    if state == "answered" and not answers and ticket.state != "answered":
        raise RecordInvalidError({"status": "A ticket is pending once it is answered. Send a public comment with it."})
    changes = Changes(None if state == "answered" else state, _assignee(request, known, asked), asked.priority)
    if theirs:
        desk: HelpDesk = request.app.state.desk
        desk.write(ticket.id, "requester", text)
    elif answers:
        work.reply(ticket.id, text, known)
    elif asked.comment:
        work.note(ticket.id, text, known)
    work.change(ticket.id, changes, known)
    return _with_audit(request, known, number)


@route(router, "GET", "/search")
def search(request: Request, known: Agent, pages: Pages, query: str = "") -> dict[str, Any]:
    """Tickets alone; `help_center/articles/search.json` searches articles."""
    found = _page(request, _wanted(query, known), pages, "results")
    return {**found, "results": [{**ticket, "result_type": "ticket"} for ticket in found["results"]], "facets": None}


@route(router, "GET", "/search/count")
def search_count(request: Request, known: Agent, query: str = "") -> dict[str, Any]:
    work = casework_of(request)
    return {"count": work.worklist.find(_wanted(query, known), work.now(), limit=0).total}


def _page(request: Request, wanted: Wanted, pages: Pages, name: str) -> dict[str, Any]:
    work = casework_of(request)
    works, around = listing(work, wanted, pages)
    people = People(work)
    return {name: [ticket_of(request, each, people) for each in works], **around}


def _with_audit(request: Request, known: Caller, number: int) -> dict[str, Any]:
    work = casework_of(request)
    done = case(request, number)
    return {"ticket": ticket_of(request, done, People(work)), "audit": audit_of(done.ticket, known, work.now())}


def _assignee(request: Request, known: Caller, asked: Changed) -> Who | None:
    if "assignee_id" not in asked.model_fields_set:
        return None
    if asked.assignee_id is None:
        return NOBODY
    found = next((one for one in colleagues(request, known) if staff_id(one.id) == asked.assignee_id), None)
    if found is None:
        raise RecordInvalidError({"assignee_id": "Nobody with this number works on tickets."})
    return found


def _wanted(query: str, known: Caller) -> Wanted:
    """What a search asks for: `type:ticket status:open assignee:me requester:ann@example.com words`.

    Raises ApiError 400 for a term that is not known here, which would otherwise find too much.
    """
    wanted, words = Wanted(), []
    for term in query.split():
        name, sign, value = next(
            ((term[:at], term[at], term[at + 1 :].strip('"')) for at, char in enumerate(term) if char in ":<>="),
            ("", "", term),
        )
        match name.lower(), sign:
            case "", _:
                words.append(value)
            case "type", ":" if value == "ticket":
                pass
            case "status", ":" if value in STATES:
                wanted = replace(wanted, states=wanted.states | {STATES[value]})
            case "status", "<" if value in ("solved", "closed"):
                wanted = replace(wanted, states=frozenset[TicketState](OPEN))
            case "priority", ":" if value in PRIORITIES:
                wanted = replace(wanted, priority=value)
            case "assignee", ":" if value in ("me", "none"):
                wanted = replace(wanted, assignee=known.id if value == "me" else "")
            case "requester", ":" if "@" in value:
                wanted = replace(wanted, email=value)
            case _:
                detail = (
                    f"{term!r} cannot be searched for here. Use type:ticket, status:, status<solved, priority:, "
                    "assignee:me, assignee:none, requester:ADDRESS and words."
                )
                raise ApiError(400, "query_invalid", detail)
    return replace(wanted, text=" ".join(words))
