"""Routes that are loaded while the first questions are being answered already.

To load all pages, most of the API and other people's protocols takes a quarter of a start. Who asks over the API right
after it need not wait for them; whoever wants anything else has them loaded first, and the server does so by itself two
seconds later.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

#: What is answered without them.
_EARLY = frozenset({"/api/v1/ask", "/healthz", "/readyz", "/metrics"})


class LateRoutes:
    """Adds them to an application once, by `load`, which may be called from any thread; `then` is called after it."""

    def __init__(self, app: FastAPI, then: Callable[[], object] = lambda: None) -> None:
        self._app, self._lock, self._then = app, threading.Lock(), then
        self.loaded = False

    def load(self) -> None:
        with self._lock:
            if self.loaded:
                return
            from web import apis, zendesk
            from web.pages import routes

            # Taken as their routers have them: to include a router works each of its routes out again, which took 0.3 s
            # of a start. What an application has of its own they find in the state of the one that is asked.
            self._app.router.routes += [*apis.router.routes, *zendesk.router.routes, *routes.router.routes]
            self.loaded = True
            self._then()


class Complete:
    """ASGI middleware: has the late routes loaded before a request that may be for one of them."""

    def __init__(self, app: ASGIApp, late: LateRoutes) -> None:
        self._app, self._late = app, late

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._late.loaded and scope["type"] == "http" and scope["path"] not in _EARLY:
            await run_in_threadpool(self._late.load)
        await self._app(scope, receive, send)
