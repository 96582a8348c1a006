"""The Model Context Protocol at /mcp: streamable HTTP without sessions, every reply one JSON document."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from web.mcp import MISSING
from web.origin import fixed
from web.problems import ApiError, problem
from web.programs import program
from web.settings import Settings

if TYPE_CHECKING:
    from mcp.server.mcpserver import Context
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

PATH = "/mcp"
#: What a page of another site may send with a request, beside what every page may.
HEADERS = ("authorization", "mcp-protocol-version", "mcp-method", "mcp-name")


class Door:
    """Lets requests in, and starts the protocol's server with the first one: loading it takes half a second."""

    def __init__(self) -> None:
        self._starting: asyncio.Task[ASGIApp] | None = None
        self._serving: asyncio.Task[None] | None = None
        self._closed = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        refusal = _refusal(request)
        if refusal is None:
            if self._starting is None:
                self._starting = asyncio.create_task(self._start(request.app))
            handle: ASGIApp = await asyncio.shield(self._starting)
            await handle(scope, receive, send)
        else:
            await refusal(scope, receive, send)

    async def _start(self, app: FastAPI) -> ASGIApp:
        manager = await asyncio.to_thread(_manager, app.state.settings)
        ready = asyncio.Event()

        async def serve() -> None:  # what a task group begins, the same task has to end
            async with manager.run():
                ready.set()
                await self._closed.wait()

        self._serving = asyncio.create_task(serve())
        await ready.wait()
        return manager.handle_request

    async def close(self) -> None:
        self._closed.set()
        if self._serving:
            await self._serving


def mount(app: FastAPI) -> None:
    """Serves the protocol at PATH, while `serving` lasts."""

    async def enter(scope: Scope, receive: Receive, send: Send) -> None:
        await app.state.mcp_door(scope, receive, send)

    # No GET: without sessions there is nothing to listen to.
    app.router.routes.append(Route(PATH, _Asgi(enter), methods=["POST"], include_in_schema=False))


class _Asgi:
    """An application as a route's endpoint: Starlette calls plain functions with a request instead."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[None]:
    """Has requests be answered; part of the application's lifespan."""
    door = app.state.mcp_door = Door()
    yield
    await door.close()


def _manager(settings: Settings) -> StreamableHTTPSessionManager:
    from mcp.server.transport_security import TransportSecuritySettings

    from web.mcp.tools import server

    logging.getLogger("mcp").setLevel(logging.WARNING)  # it tells of every request
    made = server(_request_of, settings.site_name or "Help centre")
    # Which origins may call is looked at before the protocol sees a request.
    everybody = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    made.streamable_http_app(json_response=True, stateless_http=True, transport_security=everybody)
    return made.session_manager


def _request_of(ctx: Context[Any, Any]) -> Request:
    return cast(Request, ctx.request_context.request)


def _refusal(request: Request) -> Response | None:
    """Why a request is not let in, None where it is; afterwards the request knows its caller."""
    if find_spec("mcp") is None:
        return problem(501, "mcp_missing", MISSING)
    origin = request.headers.get("origin")
    if origin is not None and not _ours(request, origin):
        detail = (
            "Pages of this site and of `widget_origins` may call this; the request came from another one. "
            "If this is your site, set base_url to its address."
        )
        return problem(403, "foreign_origin", detail)
    try:
        program(request)
    except ApiError as error:
        return problem(error.status, error.code, error.detail, headers=error.headers)
    return None


def _ours(request: Request, origin: str) -> bool:
    """Whether a page of this site, or of one that shows the widget, sends a request.

    A name that somebody else's server answers for may be pointed here after its page was loaded (DNS rebinding): then
    Origin and Host agree and are both theirs. So of what the browser says only an address or `localhost` counts, which
    nobody can point elsewhere, and else what the settings say.
    """
    settings: Settings = request.app.state.settings
    known = {address.lower().rstrip("/") for address in (*settings.widget_origins, settings.base_url) if address}
    if origin.lower() in known:
        return True
    try:
        host = urlsplit(origin).hostname or ""
    except ValueError:
        return False
    return origin.lower() == f"{request.url.scheme}://{request.headers.get('host', '').lower()}" and fixed(host)
