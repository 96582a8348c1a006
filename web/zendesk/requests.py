"""Requests: tickets as those see them who send them."""

from __future__ import annotations

import hashlib
import html
import re
from typing import Annotated, Any

import nh3
from fastapi import Header, Request, Response
from pydantic import BaseModel, Field

from bot.casework import Casework
from bot.models import Ticket, TicketDraft
from bot.people import Caller
from bot.service import HelpDesk
from bot.work import Work
from bot.worklist import Wanted
from kb import languages
from web import limits
from web.pages.visit import base_address
from web.schemas import Text
from web.tickets_api import casework_of
from web.zendesk.paging import Pages, Paging
from web.zendesk.routes import Agent, Known, RecordInvalidError, missing, route
from web.zendesk.routes import router as routes
from web.zendesk.ticket_shapes import LARGEST_TICKET, People, comments_of, request_of, requester_email, requester_id

router = routes()
_LINE = re.compile(r"<(?:br|/p|/li|/tr|/div|/h\d)\b[^>]*>", re.IGNORECASE)
IdempotencyKey = Annotated[str, Header(max_length=255)]


class Comment(BaseModel):
    """What is written; of `html_body` the text is kept."""

    body: Text = ""
    html_body: Text = ""
    public: bool = True
    author_id: int | None = None

    @property
    def text(self) -> str:
        return self.body if self.body.strip() or not self.html_body else plain(self.html_body)


class Requester(BaseModel):
    name: Text = ""
    email: Text = ""
    locale: Annotated[str, Field(max_length=16)] = ""


class Sent(BaseModel):
    """A ticket to open. Keys that are not here, custom fields and tags among them, are not kept."""

    subject: Text = ""
    comment: Comment | None = None
    description: Text = ""
    requester: Requester | None = None
    requester_id: int | None = None

    @property
    def text(self) -> str:
        return (self.comment.text if self.comment else "") or self.description


class RequestIn(BaseModel):
    request: Sent


@route(router, "POST", "/requests", status=201)
def send(
    request: Request, response: Response, known: Known, sent: RequestIn, idempotency_key: IdempotencyKey = ""
) -> dict[str, Any]:
    """Opens a ticket. Who has no token names the requester; sent again with the same key, it is the same ticket."""
    limits.check(request, "tickets")
    ticket = open_ticket(request, known, sent.request, idempotency_key)
    response.headers["Location"] = f"{base_address(request)}/api/v2/requests/{ticket.number}.json"
    # Whose address is known here is for agents alone to see.
    requester = requester_id(casework_of(request), ticket.email) if known.may("tickets") else None
    return {"request": request_of(request, ticket, requester)}


def open_ticket(request: Request, known: Caller, sent: Sent, idempotency_key: str) -> Ticket:
    """The ticket, in the caller's name where no requester is named. Raises RecordInvalidError and more."""
    desk: HelpDesk = request.app.state.desk
    requester = sent.requester or Requester()
    email = requester.email.strip()
    if not email and sent.requester_id and known.may("tickets"):
        email = requester_email(casework_of(request), sent.requester_id)
        if not email:
            raise RecordInvalidError({"requester_id": "Nobody with this number has sent a ticket."})
    email = email or known.email
    if not email:
        raise RecordInvalidError({"requester": "Requester: name an e-mail address, as `requester: {name, email}`."})
    text = sent.text
    subject = sent.subject.strip() or " ".join(text.split())[:80]  # Zendesk takes a request without a subject, too
    lang = languages.normalise(requester.locale) or ""
    # A key of ours is short and printable; this one belongs to no form and to no other caller.
    key = f"{known.id}\0{idempotency_key}" if idempotency_key else desk.new_id()
    draft = TicketDraft(subject=subject, body=text, email=email, lang=lang)
    return desk.open_ticket(draft, f"zendesk-{hashlib.sha256(key.encode()).hexdigest()[:40]}")


@route(router, "GET", "/requests")
def list_requests(request: Request, _known: Agent, pages: Pages) -> dict[str, Any]:
    """The oldest first."""
    works, around = listing(casework_of(request), Wanted(), pages)
    people = People(casework_of(request))
    shown = [request_of(request, work.ticket, people.requester(work.ticket.email)) for work in works]
    return {"requests": shown, **around}


@route(router, "GET", "/requests/{number:int}")
def read_request(request: Request, _known: Agent, number: int) -> dict[str, Any]:
    ticket = case(request, number).ticket
    return {"request": request_of(request, ticket, requester_id(casework_of(request), ticket.email))}


@route(router, "GET", "/requests/{number:int}/comments")
def list_comments(request: Request, _known: Agent, pages: Pages, number: int) -> dict[str, Any]:
    """What its requester reads: no notes."""
    said = comments_of(request, case(request, number), People(casework_of(request)), notes=False)
    page = pages.of(said, lambda comment: int(comment["id"]))
    return {"comments": page.items, **page.around}


def case(request: Request, number: int) -> Work:
    """A ticket with its notes and history. Raises ApiError 404 or TicketUnknown."""
    if number > LARGEST_TICKET:  # more than any database counts to
        raise missing("ticket")
    return casework_of(request).read(number)


def listing(work: Casework, wanted: Wanted, pages: Paging) -> tuple[list[Work], dict[str, Any]]:
    """A page of tickets in the order of their numbers."""
    found = work.worklist.find(wanted, work.now(), "age", limit=pages.size, offset=pages.passed())
    around = pages.growing(found.rows, found.total).around
    works = (work.worklist.work(row.number) for row in found.rows)
    return [each for each in works if each], around


def plain(markup: str) -> str:
    """The text of some HTML."""
    return html.unescape(nh3.clean(_LINE.sub("\n", markup), tags=set())).strip()
