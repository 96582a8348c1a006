"""A site on a real socket, for clients that bring their own way to talk: in this process, on a port of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from tests import built
from tests.people import accounts_over, token
from tests.web.site import AGENT, build_site
from web.app import create_app
from web.desk import open_desk
from web.settings import Settings


@dataclass(frozen=True, slots=True)
class LiveSite:
    """A running server; `netloc` is its host and port."""

    app: FastAPI
    netloc: str

    @property
    def base(self) -> str:
        return f"http://{self.netloc}"


@contextmanager
def live_site(folder: Path, articles: dict[str, str], **given: Any) -> Iterator[LiveSite]:
    """Serves some articles to anybody and to an agent; `given` are settings. Requests wait until it has started."""
    settings = Settings(**{"data": build_site(folder, articles), "rate_questions": "", **given})
    built.database(settings.data / "firstline.db")
    desk, engine = open_desk(settings)
    accounts = accounts_over(engine)
    app = create_app(settings, desk, engine, accounts)
    token(accounts, "agent", secret=AGENT)
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", proxy_headers=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield LiveSite(app, f"127.0.0.1:{listening.getsockname()[1]}")
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
