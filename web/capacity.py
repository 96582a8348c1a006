"""What a server does when more comes in than it can answer: some requests are refused at once, in a fixed order."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Collection
from contextlib import AsyncExitStack
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.mcp import http as mcp
from web.metrics import SHED, Metrics
from web.middleware import brings_somebody
from web.pages.busy import busy_page
from web.problems import asked_language, problem
from web.words import words

Kind = Literal["typing", "asks", "pages", "tickets"]
#: How much of the room each kind may find taken and still be let in. What is typed is asked again with the next
#: letter; a ticket is somebody's last resort.
ROOM: dict[Kind, float] = {"typing": 0.25, "asks": 0.5, "pages": 0.75, "tickets": 1.0}
#: Requests that compute at once. On one core another one can work only while one waits for the encoder or the disk;
#: with 40 threads instead of 8, 32 clients on 2 cores waited twice as long in the worst case, and memory grew by 50 MB.
AT_ONCE = 4 * (os.cpu_count() or 1)
#: Seconds after which a refused client may try again.
RETRY_AFTER = "2"

_TYPING = frozenset({"/api/v1/typeahead", "/api/v1/suggest"})
#: They embed and rank; all that writes nothing else is a page.
_ASKS = re.compile(
    r"/search(?:/meant)?|/mcp|/api/v1/(?:ask|agent/suggestions)|/api/v2/(?:.*/)?(?:search|answers/articles)(?:\.json)?"
)
#: Cheap, and needed to know that the server lives, or for a page that was let in.
_ALWAYS = re.compile(
    r"/(?:healthz|readyz|metrics|theme\.css|favicon\.svg|widget(?:-panel)?\.js)|/(?:static|pictures)/.*"
)
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def kind_of(method: str, path: str) -> Kind | None:
    """What a request counts as; None for what is never refused."""
    if _ALWAYS.fullmatch(path):
        return None
    if path in _TYPING:
        return "typing"
    if _ASKS.fullmatch(path):
        return "asks"
    # Whatever else writes may be somebody's ticket, outcome or answer: nothing of that is given up lightly.
    return "pages" if method in _READING else "tickets"


class Shedding:
    """Refuses a request with 503 where too many are under way, what is typed first and tickets last.

    `most` are the requests that may be under way before even a ticket is refused. Under way is what waits or is being
    computed; what is being sent is not, nor what still comes in at one of the `streamed` addresses: both are as slow as
    the other side. Of what is typed and asked AT_ONCE compute, and as many pages; the others wait here, and take no
    thread from tickets. Who is signed in waits for the database rather than the processor, and for no turn.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, most: int, streamed: Collection[str] = ()) -> None:
        self._app, self._metrics, self._most = app, metrics, most
        self._streamed = frozenset(streamed)
        computing, reading = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(AT_ONCE)
        self._turns: dict[Kind, asyncio.Semaphore] = {"typing": computing, "asks": computing, "pages": reading}
        self.under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = kind_of(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if kind is None:
            await self._app(scope, receive, send)
            return
        if self.under_way >= self._most * ROOM[kind]:
            self._metrics.count(SHED, kind=kind)
            await _refusal(Request(scope))(scope, receive, send)
            return
        counts = scope["path"] not in self._streamed
        self.under_way += counts

        def leave() -> None:
            nonlocal counts
            self.under_way -= counts
            counts = False

        turn = AsyncExitStack()

        async def send_and_leave(message: Message) -> None:
            leave()
            await turn.aclose()  # whoever reads slowly keeps nobody from computing
            await send(message)

        try:
            async with turn:
                if kind in self._turns and not (kind == "pages" and brings_somebody(scope)):
                    await turn.enter_async_context(self._turns[kind])
                await self._app(scope, receive, send_and_leave)
        finally:
            leave()


def _refusal(request: Request) -> Response:
    """A problem for programs, a page in plain words for people."""
    headers = {"Retry-After": RETRY_AFTER, "Cache-Control": "no-store"}
    if not request.url.path.startswith("/api/") and request.url.path != mcp.PATH:
        return busy_page(request, headers)
    said = words(asked_language(request))
    return problem(
        503, "busy", said.gettext("A lot of people need us right now. Try again in a moment."), None, headers
    )
