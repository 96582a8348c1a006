"""Who makes a request, and what a route needs them to be."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from pydantic import SecretStr
from starlette.exceptions import HTTPException

from bot.people import ANYBODY, Caller, Right, audiences
from web.problems import ApiError

AUTHOR_COOKIE = "firstline_author"
_BEARER = {"WWW-Authenticate": "Bearer"}


def caller(request: Request) -> Caller:
    """Who makes a request: by the token it brings, else by the browser's session; looked up once a request."""
    known: Caller | None = getattr(request.state, "caller", None)
    if known is None:
        known = request.state.caller = _look_up(request)
    return known


def _look_up(request: Request) -> Caller:
    settings = request.app.state.settings
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    token = given.strip() if scheme.lower() == "bearer" else ""
    if scheme.lower() == "basic":
        import base64

        token = base64.b64decode(given).decode().partition(":")[2]
    if matches(token, settings.agent_token):
        rights: frozenset[Right] = frozenset({"articles", "tickets"})
        return Caller("agent", "Agent", "", rights, audiences(frozenset({"agent"}), frozenset()))
    if matches(token, settings.author_token) or is_author(request):
        rights = frozenset({"articles", "authoring"})
        return Caller("author", "Author", "", rights, audiences(frozenset({"author"}), frozenset()))
    return ANYBODY


def needs(right: Right) -> Callable[[Request], Caller]:
    """A dependency of an API route. Raises ApiError 401 for somebody unknown, 403 for somebody without the right."""

    def _needs(request: Request) -> Caller:
        known = caller(request)
        if known.may(right):
            return known
        if known.id:
            raise ApiError(403, "forbidden", f"Your token does not have the scope `{right}`.")
        raise ApiError(401, "unauthorized", "Send a token as `Authorization: Bearer …`.", _BEARER)

    return _needs


def enter(request: Request, right: Right) -> Caller:
    """Who opens a page that needs a right. Raises an HTTPException 403."""
    known = caller(request)
    if not known.may(right):
        raise HTTPException(403)
    return known


Agent = Annotated[Caller, Depends(needs("tickets"))]
Author = Annotated[Caller, Depends(needs("authoring"))]


def matches(given: str, token: SecretStr) -> bool:
    """Whether `given` is the token, in constant time; an empty token lets nobody in."""
    expected = token.get_secret_value()
    return bool(expected) and hmac.compare_digest(given.encode(), expected.encode())


def author_cookie(token: SecretStr) -> str:
    """What the author's browser keeps: derived from the token, so that changing the token signs everybody out."""
    return hmac.new(token.get_secret_value().encode(), b"authors", hashlib.sha256).hexdigest()


def is_author(request: Request) -> bool:
    """By the cookie of the authors' page."""
    token: SecretStr = request.app.state.settings.author_token
    given = request.cookies.get(AUTHOR_COOKIE, "")
    return bool(token.get_secret_value()) and hmac.compare_digest(given.encode(), author_cookie(token).encode())
