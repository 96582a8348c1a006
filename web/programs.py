"""Who a program says it is: by the token it sends. A browser's cookie counts for nothing where programs call."""

from __future__ import annotations

from fastapi import Request

from bot.people import ANYBODY, Caller
from web import auth
from web.problems import ApiError

_CHALLENGE = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


def program(request: Request) -> Caller:
    """Whose token a request brings; ANYBODY where it brings none, even with somebody's cookie beside it.

    Raises ApiError 401 for a token that is nobody's: who meant to be somebody must not be served as nobody.
    """
    known = ANYBODY
    if "authorization" in request.headers:
        headers = [(name, value) for name, value in request.scope["headers"] if name != b"cookie"]
        known = auth.caller(Request({**request.scope, "headers": headers, "state": {}}))
        if not known.id:
            raise ApiError(401, "unauthorized", "This token does not work. Ask for a new one.", _CHALLENGE)
    request.state.caller = known  # limits count for the same one
    return known
