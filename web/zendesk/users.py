"""Users: whoever holds the token."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from bot.people import Caller
from web.pages.visit import base_address
from web.zendesk.ids import number
from web.zendesk.routes import Known, route
from web.zendesk.routes import router as routes

router = routes()


@route(router, "GET", "/users/me")
def read_me(request: Request, known: Known) -> dict[str, Any]:
    """Nobody in particular without a token, as Zendesk answers."""
    if not known.id:
        return {"user": {"id": None, "name": "Anonymous user", "email": "invalid@example.com", "role": "end-user"}}
    return {"user": of_caller(request, known)}


def of_caller(request: Request, known: Caller) -> dict[str, Any]:
    role = "admin" if known.may("admin") else "agent" if known.may("tickets") or known.may("authoring") else "end-user"
    return shaped(request, staff_number(known.id), known.name, known.email, role)


def staff_number(person: str) -> int:
    return number("user", person)


def shaped(request: Request, user_id: int, name: str, email: str | None, role: str) -> dict[str, Any]:
    """A user as Zendesk shows one."""
    return {
        "id": user_id,
        "url": f"{base_address(request)}/api/v2/users/{user_id}.json",
        "name": name,
        "email": email or None,
        "role": role,
        "active": True,
        "verified": role != "end-user",
        "suspended": False,
        "locale": request.app.state.settings.default_lang,
        "time_zone": request.app.state.settings.time_zone,
        "tags": [],
        "user_fields": {},
    }
