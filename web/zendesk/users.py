"""Users: whoever holds the token, requesters, and people who may sign in."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from web.problems import ApiError
from web.tickets_api import casework_of
from web.zendesk.routes import Agent, Known, route
from web.zendesk.routes import router as routes
from web.zendesk.ticket_shapes import caller_of, user_by_id

router = routes()


@route(router, "GET", "/users/me")
def read_me(request: Request, known: Known) -> dict[str, Any]:
    """Nobody in particular without a token, as Zendesk answers."""
    if not known.id:
        return {"user": {"id": None, "name": "Anonymous user", "email": "invalid@example.com", "role": "end-user"}}
    return {"user": caller_of(request, known)}


@route(router, "GET", "/users/{user_id:int}")
def read_user(request: Request, _known: Agent, user_id: int) -> dict[str, Any]:
    return {"user": user_by_id(request, casework_of(request), user_id)}


@route(router, "GET", "/users/show_many")
def read_users(request: Request, _known: Agent, ids: str = "") -> dict[str, Any]:
    """Those of a list of numbers that there are."""
    work, found = casework_of(request), []
    for given in ids.split(",")[:100]:
        if given.strip().isdecimal() and len(given) < 20:
            try:
                found.append(user_by_id(request, work, int(given)))
            except ApiError:
                continue
    return {"users": found, "count": len(found), "next_page": None, "previous_page": None}
