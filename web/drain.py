"""How a server ends: it says so, takes no more connections, finishes what it has begun, and writes everything down."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Sequence
from types import FrameType

import uvicorn
from fastapi import FastAPI

from web.listening import WAITING
from web.processes import Member

#: How long requests that were begun may take to end, in seconds.
FINISH_S = 10


class DrainingServer(uvicorn.Server):
    """On SIGTERM /readyz says 503 for `seconds` while all is answered; then no new connection is taken.

    A second SIGTERM, or Ctrl+C, ends that time at once. Having ended as it was told, the process exits with 0. As a
    `member` of several it tells every second that it lives, and ends where nobody looks after it any more.
    """

    def __init__(self, config: uvicorn.Config, app: FastAPI, seconds: float, member: Member | None = None) -> None:
        super().__init__(config)
        self._app, self._seconds, self._member = app, seconds, member
        self._leaves: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig != signal.SIGTERM:
            super().handle_exit(sig, frame)
            return
        self._app.state.draining = True
        if self._leaves is None:
            self._leaves = time.monotonic() + self._seconds
        else:
            self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        if self._member and self._member.alone:  # nobody can come any more
            self.should_exit = True
        elif self._member and counter % 10 == 0:
            self._member.sign()
        if self._leaves is not None and time.monotonic() >= self._leaves:
            self.should_exit = True
        return await super().on_tick(counter)


def run(app: FastAPI, listening: Sequence[socket.socket], seconds: float, member: Member | None = None) -> None:
    """Serves on bound sockets until the process is told to end; as a `member` of several what is handed to it."""
    config = uvicorn.Config(
        app,
        backlog=WAITING,
        loop="asyncio" if member else "auto",  # uvloop, where it is installed, accepts by itself: not through a door
        log_config=None,
        access_log=False,
        server_header=False,
        # Whose word about the client's address counts is a setting of ours: the application looks at it itself.
        proxy_headers=False,
        timeout_graceful_shutdown=FINISH_S,
    )
    try:
        DrainingServer(config, app, seconds, member).run(sockets=[member.door] if member else list(listening))
    except KeyboardInterrupt:  # Ctrl+C, after everything was closed
        return
