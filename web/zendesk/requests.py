"""Requests: tickets as those see them who send them."""

from __future__ import annotations

import hashlib
import html
import re
from typing import Annotated, Any

import nh3
from fastapi import Header, Request, Response
from pydantic import BaseModel, Field

from bot.models import Ticket, TicketDraft
from bot.people import Caller
from bot.service import HelpDesk
from kb import languages
from web import limits
from web.pages.visit import base_address
from web.schemas import Text
from web.zendesk.routes import Known, RecordInvalidError, route
from web.zendesk.routes import router as routes
from web.zendesk.votes import stamp

router = routes()
_LINE = re.compile(r"<(?:br|/p|/li|/tr|/div|/h\d)\b[^>]*>", re.IGNORECASE)
IdempotencyKey = Annotated[str, Header(max_length=255)]


class Comment(BaseModel):
    """What is written; of `html_body` the text is kept."""

    body: Text = ""
    html_body: Text = ""
    public: bool = True

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
    comment: Comment = Comment()
    description: Text = ""
    requester: Requester = Requester()

    @property
    def text(self) -> str:
        return self.comment.text or self.description


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
    return {"request": shaped(request, ticket)}


def open_ticket(request: Request, known: Caller, sent: Sent, idempotency_key: str) -> Ticket:
    """The ticket, in the caller's name where no requester is named. Raises RecordInvalidError and more."""
    desk: HelpDesk = request.app.state.desk
    email = sent.requester.email.strip() or known.email
    if not email:
        raise RecordInvalidError({"requester": "Requester: name an e-mail address, as `requester: {name, email}`."})
    text = sent.text
    subject = sent.subject.strip() or " ".join(text.split())[:80]  # Zendesk takes a request without a subject, too
    lang = languages.normalise(sent.requester.locale) or ""
    # A key of ours is short and printable; this one belongs to no form and to no other caller.
    key = f"{known.id}\0{idempotency_key}" if idempotency_key else desk.new_id()
    draft = TicketDraft(subject=subject, body=text, email=email, lang=lang)
    return desk.open_ticket(draft, f"zendesk-{hashlib.sha256(key.encode()).hexdigest()[:40]}")


def shaped(request: Request, ticket: Ticket) -> dict[str, Any]:
    """A request as Zendesk shows it."""
    return {
        "id": ticket.number,
        "url": f"{base_address(request)}/api/v2/requests/{ticket.number}.json",
        "subject": ticket.subject,
        "description": ticket.body,
        "status": status(ticket),
        "priority": None,
        "type": None,
        "via": {"channel": "api", "source": {"from": {}, "to": {}, "rel": None}},
        "requester_id": ticket.number,
        "created_at": stamp(ticket.at),
        "updated_at": stamp(ticket.at),
        "custom_fields": [],
        "is_public": True,
        "can_be_solved_by_me": False,
    }


def status(ticket: Ticket) -> str:
    """Zendesk's word for a ticket's state; new is what nobody of the desk has touched."""
    if ticket.state == "received":
        return "open" if any(said.author == "agent" for said in ticket.messages) else "new"
    return {"answered": "pending", "on_hold": "hold"}.get(ticket.state, "solved")


def plain(markup: str) -> str:
    """The text of some HTML."""
    return html.unescape(nh3.clean(_LINE.sub("\n", markup), tags=set())).strip()
