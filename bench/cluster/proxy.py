"""A small reverse proxy: round robin over replicas, those that do not answer left out until they are ready again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

#: How often a replica is asked whether it is ready, and how long it may take to say so, in seconds.
_LOOK_EVERY_S = 0.25
_LOOK_S = 2.0
#: How long a replica may take for a request, in seconds.
_ANSWER_S = 15.0
_CONNECT_S = 1.0


@dataclass
class Backend:
    """A replica as the proxy sees it. `in_use` says whether it gets requests."""

    name: str
    port: int
    in_use: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came. `sent_again` says whether doing it twice does the same as doing it once."""

    method: str
    raw: bytes
    sent_again: bool


class Unanswered(Exception):  # noqa: N818
    """A replica gave no whole answer; `reached` says whether it may have begun with the request."""

    def __init__(self, why: str, *, reached: bool) -> None:
        super().__init__(why)
        self.why, self.reached = why, reached


@dataclass
class Proxy:
    """Listens on `port` once started. Counts what it had to ask of another replica."""

    backends: Sequence[Backend]
    port: int = 0
    retried: int = 0
    _next: int = 0
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        self._tasks = [asyncio.create_task(self._watch(backend)) for backend in self.backends]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._server:
            self._server.close()

    async def _watch(self, backend: Backend) -> None:
        ask = b"GET /readyz HTTP/1.1\r\nHost: proxy\r\nConnection: close\r\n\r\n"
        while True:
            try:
                answer = await asyncio.wait_for(_forward(backend, ask), _LOOK_S)
                backend.in_use = answer.startswith(b"HTTP/1.1 200")
            except (Unanswered, TimeoutError):
                backend.in_use = False
            await asyncio.sleep(_LOOK_EVERY_S)

    def _order(self) -> list[Backend]:
        """Those in use, the next one first; where none is, all of them: perhaps one answers all the same."""
        self._next += 1
        turned = [self.backends[(self._next + n) % len(self.backends)] for n in range(len(self.backends))]
        return [backend for backend in turned if backend.in_use] or turned

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client, request after request."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while (request := await _read(reader)) is not None:
                writer.write(await self._answer(request))
                await writer.drain()
        writer.close()

    async def _answer(self, request: Request) -> bytes:
        why = "no replica"
        for backend in self._order():
            try:
                answer = await asyncio.wait_for(_forward(backend, request.raw), _ANSWER_S)
            except TimeoutError:
                why, reached = "timeout", True
            except Unanswered as error:
                why, reached = error.why, error.reached
                backend.in_use = False
            else:
                head, _, body = answer.partition(b"\r\n\r\n")
                lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
                return b"\r\n".join([*lines, b"X-Replica: " + backend.name.encode(), b"", b""]) + body
            if reached and not request.sent_again:
                break
            self.retried += 1
        status = b"504 Gateway Timeout" if why == "timeout" else b"502 Bad Gateway"
        said = why.encode()
        return b"HTTP/1.1 %b\r\nContent-Length: %d\r\nX-Proxy: %b\r\n\r\n%b" % (status, len(said), said, said)


async def _read(reader: asyncio.StreamReader) -> Request | None:
    """The next request of a client, which declares the length of its body; None where it went away."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    lines = head[:-4].split(b"\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:])}
    body = await reader.readexactly(int(headers.get(b"content-length", b"0")))
    kept = [line for line in lines if not line.lower().startswith(b"connection:")]
    method = lines[0].split()[0].decode()
    again = method in ("GET", "HEAD") or b"idempotency-key" in headers
    return Request(method, b"\r\n".join([*kept, b"Connection: close", b"", b""]) + body, again)


async def _forward(backend: Backend, raw: bytes) -> bytes:
    """The whole answer of a replica, which closes the connection behind it. Raises Unanswered."""
    try:
        opening = asyncio.open_connection("127.0.0.1", backend.port)
        reader, writer = await asyncio.wait_for(opening, _CONNECT_S)
    except (OSError, TimeoutError) as error:
        raise Unanswered("refused", reached=False) from error
    try:
        writer.write(raw)
        await writer.drain()
        answer = await reader.read(-1)
    except OSError as error:
        raise Unanswered("cut off", reached=True) from error
    finally:
        writer.close()
    if not _whole(answer):
        raise Unanswered("cut off", reached=True)
    return answer


def _whole(answer: bytes) -> bool:
    """Whether an answer has all the bytes that it declares."""
    head, found, body = answer.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n")[1:]:
        if line.startswith(b"content-length:"):
            return len(body) == int(line.partition(b":")[2])
        if line.startswith(b"transfer-encoding:") and b"chunked" in line:
            return body.endswith(b"0\r\n\r\n")
    return bool(found)
