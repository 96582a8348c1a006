"""A draft of an article made of a ticket: to read, to copy, to save as a file."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from bot.service import HelpDesk
from web import auth, beside_api
from web.pages.failures import PageRoute
from web.pages.templates import page

router = APIRouter(route_class=PageRoute)


@router.get("/agent/tickets/{ticket_id}/draft")
def draft(request: Request, ticket_id: str) -> Response:
    who = auth.enter(request, "tickets")
    desk: HelpDesk = request.app.state.desk
    ticket = desk.ticket(ticket_id)
    values = {"draft": beside_api.made_of(desk, ticket, who), "ticket": ticket}
    return page(request, "draft.html", values, private=True)


@router.get("/agent/tickets/{ticket_id}/draft.md")
def download(request: Request, ticket_id: str) -> Response:
    who = auth.enter(request, "tickets")
    desk: HelpDesk = request.app.state.desk
    made = beside_api.made_of(desk, desk.ticket(ticket_id), who)
    headers = {"Content-Disposition": f'attachment; filename="{made.name}"', "Cache-Control": "no-store"}
    return Response(made.text, media_type="text/markdown", headers=headers)
