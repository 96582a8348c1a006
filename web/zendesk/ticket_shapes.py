"""Tickets, their comments and the people beside them as Zendesk shows them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from html import escape
from typing import Any

from fastapi import Request

from bot.casework import Casework
from bot.models import Ticket, TicketMessage, TicketState, Who
from bot.people import Caller, Right
from bot.work import Work
from bot.worklist import Wanted
from web.auth import accounts
from web.pages.visit import base_address
from web.zendesk.articles import NOBODY
from web.zendesk.ids import number
from web.zendesk.routes import missing
from web.zendesk.votes import stamp

#: Zendesk's words for our states. A ticket that waits for the desk is open; "new" is understood, and the same.
STATUSES: dict[TicketState, str] = {
    "received": "open",
    "answered": "pending",
    "on_hold": "hold",
    "solved": "solved",
}
STATES: dict[str, TicketState] = {status: state for state, status in STATUSES.items()} | {
    "new": "received",
    "closed": "solved",
}
#: Numbers of people of the desk lie above this; requesters have the number of their first ticket.
_STAFF = 2**52
#: Of a ticket's number.
LARGEST_TICKET = 2**31 - 1
_EVERYBODY = 10_000
_VIA = {"channel": "api", "source": {"from": {}, "to": {}, "rel": None}}


def staff_id(person: str) -> int:
    """The number of somebody of the desk, by the id of a caller; NOBODY for nobody."""
    return number("user", person) | _STAFF if person else NOBODY


def requester_id(work: Casework, email: str) -> int:
    """The number of a requester: that of the first ticket sent from this address."""
    first = work.worklist.find(Wanted(email=email), work.now(), "age", limit=1).rows
    return first[0].number if first else NOBODY


def requester_email(work: Casework, user_id: int) -> str:
    """The address of a requester, "" where the number is nobody's."""
    done = work.worklist.work(user_id) if 0 < user_id <= LARGEST_TICKET else None
    return done.ticket.email if done and requester_id(work, done.ticket.email) == user_id else ""


class People:
    """Numbers of requesters, each looked up once for a reply."""

    def __init__(self, work: Casework) -> None:
        self._work = work
        self._requesters: dict[str, int] = {}

    def requester(self, email: str) -> int:
        if email not in self._requesters:
            self._requesters[email] = requester_id(self._work, email)
        return self._requesters[email]


def ticket_of(request: Request, work: Work, people: People) -> dict[str, Any]:
    ticket = work.ticket
    requester = people.requester(ticket.email)
    return {
        **_common(request, "tickets", ticket, requester),
        "raw_subject": ticket.subject,
        "submitter_id": requester,
        "assignee_id": staff_id(ticket.assignee.id) if ticket.assignee.id else None,
        "group_id": None,
        "organization_id": None,
        "recipient": None,
        "external_id": None,
        "problem_id": None,
        "tags": [tag for tag in (ticket.topic, ticket.department, f"tier-{ticket.tier}") if tag],
        "due_at": stamp(ticket.due) if ticket.due else None,
        "has_incidents": False,
        "allow_channelback": False,
        "allow_attachments": True,
        "is_public": True,
    }


def request_of(request: Request, ticket: Ticket, requester: int | None) -> dict[str, Any]:
    """A ticket as its requester sees it."""
    return {
        **_common(request, "requests", ticket, requester),
        "can_be_solved_by_me": False,
        "is_public": True,
    }


def _common(request: Request, kind: str, ticket: Ticket, requester: int | None) -> dict[str, Any]:
    return {
        "id": ticket.number,
        "url": f"{base_address(request)}/api/v2/{kind}/{ticket.number}.json",
        "subject": ticket.subject,
        "description": ticket.body,
        "status": STATUSES[ticket.state],
        "priority": ticket.priority,
        "type": None,
        "via": _VIA,
        "requester_id": requester,
        "created_at": stamp(ticket.at),
        "updated_at": stamp(ticket.changed or ticket.at),
        "custom_fields": [],
    }


def comments_of(request: Request, work: Work, people: People, *, notes: bool) -> list[dict[str, Any]]:
    """What was said, in order of time, the description first; `notes` among agents too."""
    ticket = work.ticket
    by = {event.at: event.who for event in work.history if event.what in ("reply", "note")}
    said = [*ticket.messages, *(work.notes if notes else ())]
    said.sort(key=lambda message: message.at)
    first = TicketMessage(ticket.at, "requester", ticket.body)
    requester = people.requester(ticket.email)
    return [_comment(request, ticket, message, by.get(message.at), requester) for message in (first, *said)]


def _comment(request: Request, ticket: Ticket, said: TicketMessage, who: Who | None, requester: int) -> dict[str, Any]:
    comment_id = number("comment", f"{ticket.id}/{said.at.isoformat()}/{said.author}/{said.internal}")
    first = said.at == ticket.at and said.author == "requester"
    base = base_address(request)
    return {
        "id": comment_id,
        "type": "Comment",
        "author_id": requester if said.author == "requester" else staff_id(who.id if who else ""),
        "body": said.text,
        "plain_body": said.text,
        "html_body": "".join(f"<p>{escape(line)}</p>" for line in said.text.split("\n") if line.strip()),
        "public": not said.internal,
        "audit_id": comment_id,
        "attachments": [
            {
                "id": number("attachment", file.id),
                "file_name": file.name,
                "content_type": file.media_type,
                "size": file.size,
                "content_url": f"{base}/ticket/{ticket.id}/files/{file.id}",
            }
            for file in (ticket.attachments if first else ())
        ],
        "via": _VIA,
        "created_at": stamp(said.at),
        "metadata": {"system": {}, "custom": {}},
    }


def audit_of(ticket: Ticket, known: Caller, at: datetime) -> dict[str, Any]:
    """What a change answers with beside the ticket; the history itself is on the ticket's page."""
    return {
        "id": number("audit", f"{ticket.id}/{ticket.revision}"),
        "ticket_id": ticket.number,
        "created_at": stamp(at),
        "author_id": staff_id(known.id),
        "events": [],
        "metadata": {"system": {}, "custom": {}},
        "via": _VIA,
    }


def user_of(request: Request, user_id: int, name: str, email: str, role: str, *, active: bool = True) -> dict[str, Any]:
    settings = request.app.state.settings
    return {
        "id": user_id,
        "url": f"{base_address(request)}/api/v2/users/{user_id}.json",
        "name": name,
        "email": email or None,
        "role": role,
        "active": active,
        "verified": role != "end-user",
        "suspended": False,
        "locale": settings.default_lang,
        "time_zone": settings.time_zone,
        "tags": [],
        "user_fields": {},
    }


def caller_of(request: Request, known: Caller) -> dict[str, Any]:
    return user_of(request, staff_id(known.id), known.name, known.email, _role(known.rights))


def user_by_id(request: Request, work: Casework, user_id: int) -> dict[str, Any]:
    """A requester, or somebody who may sign in. Raises ApiError 404."""
    if user_id >= _STAFF:
        people = accounts(request).store.find(limit=_EVERYBODY).rows
        person = next((one for one in people if staff_id(one.id) == user_id), None)
        if person is None:
            raise missing("user")
        return user_of(request, user_id, person.name, person.email, _role(person.rights), active=person.active)
    if not (email := requester_email(work, user_id)):
        raise missing("user")
    return user_of(request, user_id, email.partition("@")[0], email, "end-user")


def _role(rights: Collection[Right]) -> str:
    return "admin" if "admin" in rights else "agent" if {"tickets", "authoring"} & set(rights) else "end-user"
