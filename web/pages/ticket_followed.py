"""A ticket after it was sent, for whoever has its link: what became of it, the answers, and a word back."""

from __future__ import annotations

import logging
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from bot.errors import Message, StoreUnavailable, TicketInvalid
from bot.models import MAX_BODY
from bot.service import HelpDesk
from web import limits, sendings
from web.pages import opening
from web.pages.catalogue import catalogue
from web.pages.failures import PageRoute
from web.pages.forms import Posted
from web.pages.templates import page
from web.pages.visit import base_address, session_of, visit

_log = logging.getLogger(__name__)

router = APIRouter(route_class=PageRoute)

#: The link is all one needs: no other site may learn it from a browser. "no-referrer" would hide it from ours as well:
#: browsers then post forms with "Origin: null", which on a site without TLS is all they say about where a form is from.
_HEADERS = {"Referrer-Policy": "same-origin", "X-Robots-Tag": "noindex"}


@router.get("/ticket/sent/{ticket_id}")
def sent(request: Request, ticket_id: str) -> Response:
    """Where a ticket's page was in earlier versions."""
    return RedirectResponse(visit(request, catalogue(request)).link(f"/ticket/{quote(ticket_id, safe='')}"), 301)


@router.get("/ticket/{ticket_id}")
def followed(request: Request, ticket_id: str) -> Response:
    return _page(request, ticket_id)


@router.get("/ticket/{ticket_id}/files/{attachment_id}")
def file(request: Request, ticket_id: str, attachment_id: str) -> Response:
    """A file, to save and never to show: whatever it holds, it does nothing on this site."""
    desk: HelpDesk = request.app.state.desk
    attachment, content = desk.file(ticket_id, attachment_id)
    headers = {
        **_HEADERS,
        "Cache-Control": "no-store",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(attachment.name, safe='')}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return Response(content, media_type=attachment.media_type, headers=headers)


@router.post("/ticket/{ticket_id}/messages")
def write(request: Request, ticket_id: str, form: Posted) -> Response:
    """Adds what the requester writes."""
    return _said(request, ticket_id, "text", form.text("text"))


@router.post("/ticket/{ticket_id}/answer")
def judge(request: Request, ticket_id: str, form: Posted) -> Response:
    """Takes the requester's word on an agent's answer: it solved it, or it did not and why."""
    if form.text("verdict") == "accepted":
        desk: HelpDesk = request.app.state.desk
        desk.accept(ticket_id)
        return _back(request, ticket_id)
    if form.text("verdict") == "refused":
        return _said(request, ticket_id, "reason", form.text("reason"))
    raise HTTPException(400)


def _said(request: Request, ticket_id: str, field: str, typed: str) -> Response:
    desk: HelpDesk = request.app.state.desk
    if seconds := limits.wait(request, "feedback", session_of(request)):
        return _unsent(request, field, typed, 429, seconds)
    try:
        if field == "reason":
            desk.refuse(ticket_id, typed)
        else:
            desk.write(ticket_id, "requester", typed)
    except TicketInvalid as error:
        return _page(request, ticket_id, field, typed, error=error.fields["text"])
    except StoreUnavailable as error:
        _log.error("%s", error)
        return _unsent(request, field, typed, 503, 5)
    return _back(request, ticket_id)


def _unsent(request: Request, field: str, typed: str, status: int, seconds: int) -> Response:
    """What was typed, to be sent again: from a page that needs no database."""
    values = {"field": field, "typed": typed, "status": status, "seconds": seconds, "max_body": MAX_BODY}
    headers = {**_HEADERS, "Retry-After": str(seconds)}
    return page(request, "ticket_unsent.html", values, status=status, headers=headers, private=True)


def _back(request: Request, ticket_id: str) -> Response:
    address = visit(request, catalogue(request)).link(f"/ticket/{ticket_id}")
    return RedirectResponse(f"{address}#fl-state", 303, headers=_HEADERS)


def _page(
    request: Request, ticket_id: str, field: str = "", typed: str = "", *, error: Message | None = None
) -> Response:
    """The page of a ticket; `typed` stands in `field` again, with what is wrong with it."""
    desk: HelpDesk = request.app.state.desk
    settings = request.app.state.settings
    ticket = desk.ticket(ticket_id)
    reader = visit(request, catalogue(request))
    values = {
        "ticket": ticket,
        "expected": opening.expected(settings, reader.said, ticket, desk.now()),
        "address": base_address(request) + reader.link(f"/ticket/{ticket.id}"),
        "stuck": sendings.stuck(request, ticket.id),
        "just_sent": request.query_params.get("sent") == "yes",
        "errors": {field: reader.said.say(error)} if error else {},
        "typed": {field: typed},
        "max_body": MAX_BODY,
        "file_address": lambda attachment: f"/ticket/{ticket.id}/files/{attachment.id}",
    }
    status = 422 if error else 200
    return page(request, "ticket_followed.html", values, status=status, reader=reader, headers=_HEADERS, private=True)
