"""Who may see the authors' page and the agents' part of the API: holders of a token from the settings."""

from __future__ import annotations

import hashlib
import hmac
from typing import Annotated

from fastapi import Depends, Request
from pydantic import SecretStr

from web.problems import ApiError

AUTHOR_COOKIE = "firstline_author"
_BEARER = {"WWW-Authenticate": "Bearer"}


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


def is_agent(request: Request) -> bool:
    """By the token that the agents' programs send."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and matches(given.strip(), request.app.state.settings.agent_token)


def _require(request: Request, token: SecretStr, name: str) -> None:
    if not token.get_secret_value():
        raise ApiError(403, "closed", f"This is closed until {name} is set in the settings.")
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not matches(given.strip(), token):
        raise ApiError(401, "unauthorized", f"Send the {name} as `Authorization: Bearer …`.", _BEARER)


def _author(request: Request) -> None:
    _require(request, request.app.state.settings.author_token, "author_token")


def _agent(request: Request) -> None:
    _require(request, request.app.state.settings.agent_token, "agent_token")


Author = Annotated[None, Depends(_author)]
Agent = Annotated[None, Depends(_agent)]
