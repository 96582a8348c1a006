"""Who makes a request, and what a route needs them to be."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, cast
from urllib.parse import urlencode

from fastapi import Depends, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from bot.accounts import SESSION_LASTS, TOKEN_PREFIX, Accounts, By
from bot.errors import StoreUnavailable, TokenExpired
from bot.patience import hurried
from bot.people import ANYBODY, Caller, Right
from web.origin import from_this_site, host, network
from web.problems import ApiError

if TYPE_CHECKING:
    from web.limits import Limits

_log = logging.getLogger(__name__)

#: Of who is signed in. A browser takes a cookie of the second name only over TLS, from this host, for all of it.
COOKIE, SECURE_COOKIE = "firstline_sign_in", "__Host-firstline_sign_in"
_BEARER = {"WWW-Authenticate": "Bearer"}
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
#: What a Zendesk client puts behind an e-mail address: `ann@example.com/token`.
_BEHIND_ADDRESS = "/token"


class Forbidden(HTTPException):
    """Somebody is signed in and may not do this; becomes a page."""

    def __init__(self) -> None:
        super().__init__(403)


def accounts(request: Request) -> Accounts:
    return cast(Accounts, request.app.state.accounts)


def caller(request: Request) -> Caller:
    """Who makes a request: by the token it brings, else by the browser's session; looked up once a request.

    Raises ApiError: 401 for an API token that does not work, 429 for too many of these, 403 where another site sent
    what a signed-in browser does to the API.
    """
    known: Caller | None = getattr(request.state, "caller", None)
    if known is None:
        known = request.state.caller = _look_up(request)
    return known


def viewer(request: Request) -> Caller:
    """As `caller`, for what is shown whatever happens: who cannot be told is shown what anybody is."""
    try:
        return caller(request)
    except ApiError:
        return ANYBODY


def _look_up(request: Request) -> Caller:
    email, token = _given_token(request)
    if token:
        return _of_token(request, email, token)
    if not (secret := session_secret(request)):
        return ANYBODY
    try:
        with hurried():
            known = accounts(request).of_session(secret) or ANYBODY
    except StoreUnavailable as error:  # who reads may read on, as anybody; `needs` and `enter` say what is the matter
        _log.error("nobody can be told by a session: %s", error)
        request.state.people_unavailable = error
        return ANYBODY
    if known.id and request.method not in _READING and not from_this_site(request):
        raise ApiError(403, "foreign_origin", "Another site sent this. Send it from this one, or with a token.")
    return known


def _given_token(request: Request) -> tuple[str | None, str]:
    """(e-mail address, API token) of the Authorization header; a header that is meant for somebody else is passed by.

    A token comes as `Bearer fl_…`, or as the password of HTTP Basic behind `address/token`.
    """
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    given = given.strip()
    if scheme.lower() == "bearer" and given.startswith(TOKEN_PREFIX):
        return None, given
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(given, validate=True).decode().partition(":")
        except ValueError:  # not base64, not ASCII, or not UTF-8 below it
            return None, ""
        if user.endswith(_BEHIND_ADDRESS) and password.startswith(TOKEN_PREFIX):
            return user.removesuffix(_BEHIND_ADDRESS), password
    return None, ""


def _of_token(request: Request, email: str | None, token: str) -> Caller:
    """Only tokens that do not work are counted: nobody else in the same network is kept out by them."""
    try:
        known = accounts(request).of_token(token, email)
    except TokenExpired as error:
        raise ApiError(401, "token_expired", str(error), _BEARER) from None
    if known is not None:
        return known
    limits: Limits = request.app.state.limits
    if seconds := limits.wait("sign_in", network(host(request))):
        detail = f"Too many tokens that do not work. Try again in {seconds} seconds."
        raise ApiError(429, "too_many_requests", detail, {"Retry-After": str(seconds)})
    accounts(request).refused(host(request))
    raise ApiError(401, "unauthorized", "This token does not work: it is none of ours, or it was revoked.", _BEARER)


def needs(right: Right) -> Callable[[Request], Caller]:
    """A dependency of an API route. Raises ApiError 401 for somebody unknown, 403 for somebody without the right."""

    def _needs(request: Request) -> Caller:
        known = _sure(request)
        if known.may(right):
            return known
        if known.id:
            raise ApiError(403, "forbidden", f"You do not have the right `{right}`, or your token does not.")
        raise ApiError(401, "unauthorized", "Send a token as `Authorization: Bearer fl_…`.", _BEARER)

    return _needs


Agent = Annotated[Caller, Depends(needs("tickets"))]
Author = Annotated[Caller, Depends(needs("authoring"))]
Admin = Annotated[Caller, Depends(needs("admin"))]


def enter(request: Request, right: Right | None = None) -> Caller:
    """Who is signed in, for a page. Raises an HTTPException that leads to the sign-in, or Forbidden.

    After signing in one comes back to this page; a form that was posted too late leads to its address.
    """
    known = _sure(request)
    if not known.id:
        back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        query = {"next": back} if request.method in _READING else {}
        lang = request.query_params.get("lang", "")
        address = "/sign-in?" + urlencode({**query, **({"lang": lang} if lang else {})})
        raise HTTPException(303, headers={"Location": address.rstrip("?"), "Cache-Control": "no-store"})
    if right is not None and not known.may(right):
        raise Forbidden
    return known


def enter_in_person(request: Request) -> Caller:
    """As `enter`, for one's own account. Raises Forbidden for a token: it could make another one that may do more and
    works longer, or outlive its own end.
    """
    known = enter(request)
    if _given_token(request)[1]:
        raise Forbidden
    return known


def _sure(request: Request) -> Caller:
    """As `caller`; raises StoreUnavailable where the session of this browser could not be looked up."""
    known = caller(request)
    if (error := getattr(request.state, "people_unavailable", None)) is not None:
        raise error
    return known


def by(request: Request) -> By:
    """Who makes a request, for the audit log."""
    return By(caller(request).email, host(request))


# --- the cookie ----------------------------------------------------------------------------------------------------


def session_secret(request: Request) -> str:
    """What the sign-in cookie holds, "" where there is none. Over TLS only the name counts that TLS protects."""
    return request.cookies.get(_cookie(request), "")


def _cookie(request: Request) -> str:
    return SECURE_COOKIE if request.url.scheme == "https" else COOKIE


def keep(request: Request, response: Response, secret: str) -> None:
    """Has the browser be signed in."""
    response.set_cookie(
        _cookie(request),
        secret,
        max_age=int(SESSION_LASTS.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
        path="/",
    )


def forget(request: Request, response: Response) -> None:
    response.delete_cookie(
        _cookie(request), path="/", httponly=True, samesite="lax", secure=request.url.scheme == "https"
    )
