"""The event loop carries every connection: nothing that waits or computes may run on it."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import jinja2
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from bot.people import ROLES
from kb.embedding import HashEmbedder, Vectors
from tests.people import token
from tests.web.site import open_site
from tests.web.test_leaks import ARTICLES, requests_of, routes
from web import capacity

_LONG_S = 30.0
#: What Python tells of before it does it.
_WAITS = frozenset({"open", "os.listdir", "os.scandir", "socket.connect", "socket.getaddrinfo", "subprocess.Popen"})
_WAITS |= {"sqlite3.connect", "time.sleep"}


class Watch:
    """Notes what waits or computes in a thread that has an event loop running, while it is on."""

    def __init__(self) -> None:
        self.on = False
        self.seen: set[str] = set()

    def look(self, what: str) -> None:
        if not self.on:
            return
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return
        frame: FrameType | None = sys._getframe()
        while frame and "/web/" not in frame.f_code.co_filename.replace(__file__, ""):
            frame = frame.f_back
        self.seen.add(f"{what} in {frame.f_code.co_filename}:{frame.f_lineno}" if frame else what)


WATCH = Watch()
_hooked = False


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    # The first request of a route reads code: FastAPI looks where it stands, Python imports.
    code = event == "open" and str(arguments[0]).endswith((".py", ".pyc"))
    # When Python ends, WATCH is gone before the hook is.
    if WATCH and WATCH.on and event in _WAITS and not code:
        WATCH.look(event)


@contextmanager
def watching(patch: pytest.MonkeyPatch) -> Iterator[Watch]:
    global _hooked
    if not _hooked:  # it cannot be taken away again
        sys.addaudithook(_audit)
        _hooked = True

    def noted(owner: Any, name: str) -> None:
        does = getattr(owner, name)

        def note(*given: Any, **named: Any) -> Any:
            WATCH.look(name)
            return does(*given, **named)

        patch.setattr(owner, name, note)

    noted(HashEmbedder, "embed_queries")
    noted(jinja2.Template, "render")

    def on_sql(*_given: Any) -> None:
        WATCH.look("SQL")

    sa.event.listen(sa.Engine, "before_cursor_execute", on_sql)
    WATCH.seen.clear()
    WATCH.on = True
    try:
        yield WATCH
    finally:
        WATCH.on = False
        sa.event.remove(sa.Engine, "before_cursor_execute", on_sql)


def test_no_route_waits_or_computes_on_the_event_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rates = dict.fromkeys(("rate_tickets", "rate_questions", "rate_typing", "rate_feedback", "rate_sign_in"), "")
    walked, blocked = 0, {}
    with open_site(tmp_path, ARTICLES, **rates) as site, watching(monkeypatch) as watch:
        for headers in ({}, {"Authorization": f"Bearer {token(site.accounts, *ROLES, secret='fl_of-all-rights')}"}):
            for method, path in routes(site):
                if method != "GET" and "/publi" in path:
                    continue  # starts a process of its own
                for ask in (requests_of(method, path) or [])[:1]:
                    body = {"json": ask.json} if ask.json is not None else {"data": ask.data or {"": ""}}
                    given = {"params": ask.query or None, **(body if method != "GET" else {})}
                    site.client.request(method, ask.path, headers={**ask.headers, **headers}, **given)
                    blocked |= dict.fromkeys(watch.seen, f"{method} {path}")
                    watch.seen.clear()
                    walked += 1
    assert blocked == {}
    assert walked > 150


def test_the_watch_sees_what_runs_on_a_loop_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    async def embeds() -> None:
        HashEmbedder().embed_queries(["vpn"])
        await asyncio.to_thread(HashEmbedder().embed_queries, ["vpn"])

    with watching(monkeypatch) as watch:
        HashEmbedder().embed_queries(["vpn"])
        assert watch.seen == set()
        asyncio.run(embeds())
        assert watch.seen == {"embed_queries"}


def test_the_server_says_that_it_lives_and_takes_tickets_while_every_turn_is_taken_by_a_slow_encoder(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go = threading.Semaphore(0), threading.Event()
    does = HashEmbedder.embed_queries

    def slowly(self: HashEmbedder, texts: Sequence[str]) -> Vectors:
        began.release()
        assert go.wait(_LONG_S)
        return does(self, texts)

    monkeypatch.setattr(HashEmbedder, "embed_queries", slowly)
    replies: list[int] = []

    def ask(number: int) -> None:
        replies.append(client.post("/api/v1/ask", json={"question": f"vpn {number}"}).status_code)

    asking = [threading.Thread(target=ask, args=(number,)) for number in range(capacity.AT_ONCE + 2)]
    for thread in asking:
        thread.start()
    for _ in range(capacity.AT_ONCE):
        assert began.acquire(timeout=_LONG_S)

    assert client.get("/healthz").json() == {"status": "ok"}
    sent = {"subject": "Printer", "body": "It is on fire.", "email": "ann@example.com"}
    taken = client.post("/api/v1/tickets", json=sent, headers={"Idempotency-Key": "key-0001"})
    assert taken.status_code == 201
    assert replies == []

    go.set()
    for thread in asking:
        thread.join(_LONG_S)
    assert replies == [200] * len(asking)
