"""What every request to a preview goes through: it is made to this machine, with somebody's eyes, and sends nothing."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from web.origin import fixed
from web.preview.eyes import COOKIE, Eyes
from web.preview.workshop import Workshop
from web.problems import problem

#: Where a form leads whose words would go to a help desk: a page that says that there is none.
UNSENT = "/preview/unsent"
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
#: Questions are answered, and kept nowhere.
_ANSWERED = frozenset({"/api/v1/ask"})


class Door:
    """Refuses other people's names for this machine, and has whatever would be sent or kept end at UNSENT.

    A name that somebody else's server answers for may be pointed at this machine after its page was loaded (DNS
    rebinding), so only addresses, `localhost` and `names` are answered.
    """

    def __init__(self, app: ASGIApp, workshop: Workshop, names: Collection[str] = ()) -> None:
        self._app, self._workshop, self._names = app, workshop, frozenset(name.lower() for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        if not self._known(request.headers.get("host", "")):
            refusal = PlainTextResponse("The preview answers to the address it printed, and to no other name.\n", 421)
            await refusal(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["caller"] = Eyes.of_cookie(request.cookies.get(COOKIE)).caller
        state["revision"] = self._workshop.revision  # before anything is read: what comes meanwhile is news to the page
        path: str = scope["path"]
        if scope["method"] in _READING or path in _ANSWERED or path.startswith("/preview/"):
            await self._app(scope, receive, send)
        elif path.startswith(("/api/", "/mcp")):
            refused = problem(403, "forbidden", "This is a preview: nothing is sent or kept.")
            await refused(scope, receive, send)
        else:
            there = {"method": "GET", "path": UNSENT, "raw_path": UNSENT.encode(), "query_string": b""}
            await self._app({**scope, **there}, receive, send)

    def _known(self, given: str) -> bool:
        try:
            host = (urlsplit(f"//{given}").hostname or "").lower()
        except ValueError:
            return False
        return fixed(host) or host in self._names
