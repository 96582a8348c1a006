"""What every response and every request goes through: security headers, a size limit, the widget's origins."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.library import Library
from web.auth import COOKIE
from web.problems import problem

#: Larger requests are refused before they are read. A form of 200,000 characters fits in any script: urlencoded, a
#: letter takes up to nine bytes.
MAX_REQUEST_BYTES = 2_000_000


def policy(framed_by: Sequence[str] = ()) -> str:
    """Everything a page needs comes from this site; nothing inline runs. Only these origins may show it in a frame."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors " + (" ".join(framed_by) or "'none'"),
        )
    )


CONTENT_SECURITY_POLICY = policy()
#: Addresses of what is the same for everybody.
_SAME = re.compile(r"/static/.+|/(?:theme\.css|widget(?:-panel)?\.js|api/v1/widget|sitemap[\d-]*\.xml)")
#: Addresses of what anybody may read and nobody typed anything into; who is signed in sees more there.
_OPEN = re.compile(r"/|/topics/.+|/[a-z-]+/articles/.+")
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class OneSnapshot:
    """Has every part of a request read from one snapshot, also where another one is taken up meanwhile."""

    def __init__(self, app: ASGIApp, library: Library) -> None:
        self._app, self._library = app, library

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with self._library.held():
            await self._app(scope, receive, send)


class SecurityHeaders:
    """Adds the security headers to every response that does not bring its own.

    What the API answers to somebody it knows is kept by no cache: the next one at this browser may be somebody else.
    `framed` are addresses that other sites may show in a frame, with all below them, and the origins of these sites.
    """

    def __init__(self, app: ASGIApp, framed: Mapping[str, Sequence[str]] = MappingProxyType({})) -> None:
        self._app = app
        self._framed = {path: policy(origins) for path, origins in framed.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for path, own in self._framed.items():
                    if f"{scope['path']}/".startswith(f"{path}/"):
                        headers.setdefault("Content-Security-Policy", own)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/api/") and brings_somebody(scope):
                    headers.setdefault("Cache-Control", "private, no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class Compressed:
    """Has styles, scripts and pages to read leave as gzip.

    Only what holds nothing secret: beside something a reader typed, the length of a compressed page gives away what
    else is in it (the BREACH attack). So searches, forms, tickets, authors' pages and the API stay as they are.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._gzip = app, GZipMiddleware(app, minimum_size=1_000, compresslevel=6)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        open_to_all = scope["type"] == "http" and scope["method"] == "GET" and _holds_nothing_secret(scope)
        await (self._gzip if open_to_all else self._app)(scope, receive, send)


def _holds_nothing_secret(scope: Scope) -> bool:
    if _SAME.fullmatch(scope["path"]):
        return True
    return bool(_OPEN.fullmatch(scope["path"])) and not brings_somebody(scope)


def brings_somebody(scope: Scope) -> bool:
    """Whether a request brings a token or the cookie of a sign-in."""
    headers = Headers(scope=scope)
    return "authorization" in headers or COOKIE in headers.get("cookie", "")


class SizeLimit:
    """Refuses a request body over the limit, told by its header or counted while it arrives.

    `streamed` are limits of addresses that take files: their bodies are counted while the route reads them, and are
    nowhere held whole.
    """

    def __init__(
        self, app: ASGIApp, limit: int = MAX_REQUEST_BYTES, streamed: Mapping[str, int] = MappingProxyType({})
    ) -> None:
        self._app, self._limit, self._streamed = app, limit, streamed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if (larger := self._streamed.get(scope["path"])) is not None:
            await self._app(scope, _counted(receive, larger), send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdigit() and int(declared) > self._limit:
            await self._refuse(scope, receive, send)
            return
        received = 0
        body: list[Message] = []
        while True:  # a body is at most two megabytes, so it is read before anything else happens
            message = await receive()
            body.append(message)
            received += len(message.get("body", b""))
            if received > self._limit:
                await self._refuse(scope, receive, send)
                return
            if message["type"] == "http.disconnect" or not message.get("more_body", False):
                break
        messages = iter(body)

        async def replay() -> Message:
            return next(messages, None) or await receive()

        await self._app(scope, replay, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = problem(413, "too_large", f"The request is larger than {self._limit:,} bytes. Send less.")
        await response(scope, receive, send)


def _counted(receive: Receive, limit: int) -> Receive:
    """As `receive`; raises an HTTPException 413 where more arrives than the limit, which becomes a page."""
    received = 0

    async def count() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise HTTPException(413, headers={"Connection": "close"})
        return message

    return count
