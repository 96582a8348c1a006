"""What is refused when too much comes in, in which order, and in which words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from tests.web.conftest import ticket
from web import capacity
from web.capacity import Shedding, kind_of
from web.metrics import SHED, Metrics

TYPING, ASK, PAGE, TICKET = (
    ("GET", "/api/v1/typeahead"),
    ("POST", "/api/v1/ask"),
    ("GET", "/api/v1/articles/vpn"),
    ("POST", "/api/v1/tickets"),
)


class _Busy:
    """An application that answers nothing before it is told to."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.asked: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(scope["path"])
        await self.go.wait()
        await Response("done")(scope, receive, send)


class _Server:
    """The middleware over a fake; every request is a task of its own."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]], most: int) -> None:
        self.metrics = Metrics()
        self.shedding = Shedding(app, self.metrics, most, streamed=["/ticket"])
        self._tasks: list[asyncio.Task[None]] = []

    async def ask(self, method: str, path: str, headers: Sequence[tuple[bytes, bytes]] = ()) -> list[int]:
        """Begins a request; the list gets its status once there is one."""
        status: list[int] = []

        async def receive() -> Message:
            raise AssertionError("the fake reads no body")

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                status.append(message["status"])

        scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": headers}
        self._tasks.append(asyncio.create_task(self.shedding({**scope, "app": None}, receive, send)))
        for _ in range(5):  # as far as it comes
            await asyncio.sleep(0)
        return status

    async def lets_in(self, method: str, path: str) -> bool:
        return await self.ask(method, path) != [503]

    async def end(self) -> None:
        await asyncio.gather(*self._tasks)


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


def test_what_a_request_counts_as_is_told_by_its_method_and_address() -> None:
    kinds = {
        "typing": [TYPING, ("GET", "/api/v1/suggest")],
        "asks": [
            ASK,
            ("GET", "/search"),
            ("POST", "/mcp"),
            ("POST", "/api/v1/agent/suggestions"),
            ("GET", "/api/v2/help_center/pl/articles/search.json"),
            ("POST", "/api/v2/answer_bot/answers/articles"),
        ],
        "pages": [PAGE, ("GET", "/"), ("GET", "/en/articles/vpn"), ("HEAD", "/"), ("GET", "/inbox")],
        "tickets": [
            TICKET,
            ("POST", "/ticket"),
            ("POST", "/api/v1/questions/abc/outcome"),
            ("POST", "/api/v2/answer_bot/resolution"),
            ("POST", "/inbox/7/answer"),
            ("DELETE", "/api/v1/learned/abc"),
        ],
    }
    for kind, requests in kinds.items():
        assert {request: kind_of(*request) for request in requests} == dict.fromkeys(requests, kind)
    always = ("/healthz", "/readyz", "/metrics", "/static/site.css", "/theme.css", "/widget.js", "/pictures/ab12.png")
    assert [kind_of("GET", path) for path in always] == [None] * len(always)


def test_what_is_typed_is_refused_first_then_asks_then_pages_and_tickets_last() -> None:
    async def fill() -> None:
        app = _Busy()
        server = _Server(app, most=8)
        let_in: dict[int, list[bool]] = {}
        for under_way in range(9):
            assert server.shedding.under_way == under_way
            # A probe that is let in leaves at once: only the next ticket stays.
            let_in[under_way] = [under_way < 8 * room for room in capacity.ROOM.values()]
            for kind, expected in zip((TYPING, ASK, PAGE), let_in[under_way], strict=False):
                if not expected:
                    assert not await server.lets_in(*kind)
            assert await server.lets_in(*TICKET) is (under_way < 8)
        assert [sum(column) for column in zip(*let_in.values(), strict=True)] == [2, 4, 6, 8]
        assert server.shedding.under_way == 8
        app.go.set()
        await server.end()
        assert server.shedding.under_way == 0

    run(fill())


@pytest.mark.parametrize(("kind", "room"), [(TYPING, 2), (ASK, 4), (PAGE, 6), (TICKET, 8)])
def test_each_kind_alone_fills_its_part_of_the_room_and_no_more(kind: tuple[str, str], room: int) -> None:
    async def fill() -> None:
        app = _Busy()
        server = _Server(app, most=8)
        assert [await server.lets_in(*kind) for _ in range(room + 2)] == [True] * room + [False] * 2
        assert app.asked == [kind[1]] * room
        shed = b'firstline_shed_total{kind="%s"} 2.0' % (kind_of(*kind) or "").encode()
        assert SHED.name == "firstline_shed_total"
        assert shed in server.metrics.exposed()[0]
        app.go.set()
        await server.end()
        assert await server.lets_in(*kind)
        await server.end()

    run(fill())


def test_of_asks_and_of_pages_a_few_compute_and_the_others_wait_without_a_thread_while_tickets_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(capacity, "AT_ONCE", 2)

    async def fill() -> None:
        app = _Busy()
        server = _Server(app, most=64)
        for kind in (ASK, ASK, ASK, TYPING, *[PAGE] * 3, *[TICKET] * 3):
            await server.ask(*kind)
        assert app.asked == [*[ASK[1]] * 2, *[PAGE[1]] * 2, *[TICKET[1]] * 3]
        assert server.shedding.under_way == 10
        await server.ask(*PAGE, [(b"authorization", b"Bearer fl_agent")])
        assert app.asked[7:] == [PAGE[1]]
        app.go.set()
        await server.end()
        assert app.asked[8:] == [ASK[1], TYPING[1], PAGE[1]]

    run(fill())


def test_what_is_slow_to_send_or_to_take_an_answer_takes_no_room() -> None:
    async def fill() -> None:
        app = _Busy()
        server = _Server(app, most=8)
        await server.ask("POST", "/ticket")
        assert server.shedding.under_way == 0  # its files are on their way
        app.go.set()
        await server.end()

        taken = asyncio.Event()

        async def answers(scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await taken.wait()

        server = _Server(answers, most=8)
        assert await server.ask(*PAGE) == [200]
        assert server.shedding.under_way == 0  # it is being read
        taken.set()
        await server.end()

    run(fill())


def test_who_reads_slowly_keeps_nobody_from_computing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "AT_ONCE", 1)

    async def fill() -> None:
        taken = asyncio.Event()

        async def answers(scope: Scope, receive: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await taken.wait()

        server = _Server(answers, most=8)
        assert [await server.ask(*kind) for kind in (PAGE, PAGE, ASK, ASK)] == [[200]] * 4
        taken.set()
        await server.end()

    run(fill())


def test_a_fault_leaves_its_room_to_others() -> None:
    async def fill() -> None:
        async def fails(scope: Scope, receive: Receive, send: Send) -> None:
            raise RuntimeError("broken")

        server = _Server(fails, most=8)
        await server.ask(*ASK)
        with pytest.raises(RuntimeError, match="broken"):
            await server.end()
        assert server.shedding.under_way == 0

    run(fill())


# --- in words ------------------------------------------------------------------------------------------------------


@pytest.fixture
def full(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """A server that has no room at all."""
    monkeypatch.setattr(capacity, "ROOM", dict.fromkeys(capacity.ROOM, 0.0))
    return client


def test_a_program_gets_a_problem_that_says_when_to_come_back(full: TestClient) -> None:
    for reply in (
        full.get("/api/v1/typeahead", params={"q": "vpn"}),
        full.post("/api/v1/ask", json={"question": "vpn"}),
        full.post("/api/v1/tickets", json=ticket(), headers={"Idempotency-Key": "key-0001"}),
        full.get("/api/v1/articles/vpn", headers={"Origin": "https://shop.example"}),
    ):
        assert (reply.status_code, reply.headers["retry-after"]) == (503, "2")
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.json()["code"] == "busy"
        assert reply.json()["detail"] == "A lot of people need us right now. Try again in a moment."
    assert reply.headers["access-control-allow-origin"] == "https://shop.example"


def test_a_person_gets_a_page_with_the_question_still_in_the_box(full: TestClient) -> None:
    reply = full.get("/search", params={"q": '"><script>alert(1)</script> VPN \ufdd0'})

    assert (reply.status_code, reply.headers["retry-after"]) == (503, "2")
    assert "<h1>A lot of people need us right now</h1>" in reply.text
    assert 'value="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt; VPN \ufdd0"' in reply.text
    assert "script-src 'self'" in reply.headers["content-security-policy"]


def test_who_sent_a_form_is_told_that_nothing_is_lost(full: TestClient) -> None:
    reply = full.post("/ticket", data={"subject": "Printer"})

    assert reply.status_code == 503
    assert "Nothing is lost. Wait a minute, go back and send it again." in reply.text
    assert "<form" not in reply.text


def test_a_server_without_room_still_says_that_it_lives(full: TestClient) -> None:
    assert full.get("/healthz").json() == {"status": "ok"}
    assert full.get("/readyz").status_code == 200
    assert full.get("/static/site.css").status_code == 200
