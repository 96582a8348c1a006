"""The outermost layer: gives each request its id, counts it, and writes one line about it."""

from __future__ import annotations

import logging
from time import perf_counter

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web import request_id
from web.metrics import IN_FLIGHT, REQUEST_SECONDS, REQUESTS, Metrics
from web.request_id import HEADER, Networks

_log = logging.getLogger("firstline.access")

UNMATCHED = "unmatched"
#: What looks in every few seconds, and what comes ten times with a page: counted, and in the log only at DEBUG.
_QUIET = frozenset({"/healthz", "/readyz", "/metrics", "/static/{path}"})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Watched(FastAPI):
    """An application whose every response was seen, those to faults of its own too.

    FastAPI answers these outside all middleware that is added to it. The state holds `metrics` and `trusted` before the
    first request.
    """

    def build_middleware_stack(self) -> ASGIApp:
        return AccessLog(super().build_middleware_stack(), self.state.metrics, self.state.trusted)


class AccessLog:
    """Wraps an application; `trusted` are the proxies whose request ids are taken over."""

    def __init__(self, app: ASGIApp, metrics: Metrics, trusted: Networks) -> None:
        self._app, self._metrics, self._trusted = app, metrics, trusted
        self._in_flight = 0
        metrics.read(IN_FLIGHT, lambda: self._in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        # Before anything within takes the client's address for that of its proxy.
        peer = scope["client"][0] if scope.get("client") else ""
        given = next((value for name, value in scope["headers"] if name == HEADER.encode()), None)
        trace = request_id.begin(given, trusted=given is not None and peer in self._trusted)
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (HEADER.encode(), trace.id.encode())]
            await send(message)

        self._in_flight += 1
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            self._in_flight -= 1
            seconds = perf_counter() - started
            route = template(scope)
            # Who hangs up before a response has none; nginx calls that 499.
            said = str(status or 499)
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.count(REQUESTS, method=method, route=route, status=said)
            self._metrics.observe(REQUEST_SECONDS, seconds, route=route)
            told = {
                "method": method,
                "route": route,
                "status": status or 499,
                "ms": round(seconds * 1_000, 1),
                **({"decision": trace.decision} if trace.decision else {}),
            }
            level = logging.DEBUG if route in _QUIET else logging.INFO
            _log.log(level, "%s %s %s", method, route, said, extra={"told": told})


def template(scope: Scope) -> str:
    """The template of the route that answered: it holds no id, no word that was typed, and there are few of them."""
    context = scope.get("fastapi", {}).get("effective_route_context")  # with the prefix of included routers
    path = getattr(context, "path", None) or getattr(scope.get("route"), "path", None)
    if path:
        return str(path)
    if "endpoint" not in scope:
        return UNMATCHED
    # What is mounted, and Starlette's own routes, say no template.
    return "/static/{path}" if scope["path"].startswith("/static/") else f"/{scope['path'].split('/')[1]}"
