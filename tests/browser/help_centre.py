"""The real server, started as an operator starts it."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.error import HTTPError, URLError

from playwright.sync_api import Page

from bot.people import Role
from tests.people import PASSWORD, people_in

#: Of an author and an agent of every server.
AUTHOR_TOKEN = "fl_author-token-of-the-tests"
AGENT_TOKEN = "fl_agent-token-of-the-tests"
_START_S = 60.0
_LOOK_EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class HelpCentre:
    """A running server: its address, its database, and what the API tells an author."""

    base: str
    database: Path
    process: subprocess.Popen[bytes]

    def rows(self, query: str, *values: str) -> list[dict[str, Any]]:
        """Rows of the database; JSON columns stay text."""
        with closing(sqlite3.connect(self.database)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query, values)]

    def gathered(self, text: str) -> dict[str, Any]:
        """What the gaps keep of a question that became a ticket; asking for the list has the server gather it."""
        request = urllib.request.Request(  # noqa: S310 (our own server)
            f"{self.base}/api/v1/gaps", headers={"Authorization": f"Bearer {AUTHOR_TOKEN}"}
        )
        last = time.monotonic() + 30
        while not (found := self.rows("SELECT * FROM gap_questions WHERE text = ? AND ticket > 0", text)):
            assert time.monotonic() < last, f"{text!r} is in no gap"
            urllib.request.urlopen(request, timeout=10).close()  # noqa: S310
        return found[0]

    def answer(self, ticket_id: str, text: str) -> None:
        """Has an agent answer a ticket."""
        request = urllib.request.Request(  # noqa: S310 (our own server)
            f"{self.base}/api/v1/tickets/{ticket_id}/messages",
            data=json.dumps({"text": text}).encode(),
            headers={"Authorization": f"Bearer {AGENT_TOKEN}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10):  # noqa: S310
            pass

    def stop(self) -> None:
        """Ends it by its process id; whoever is talking to it is cut off."""
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def sign_in(page: Page, role: Role) -> None:
    """Has the browser of a page be signed in as somebody with this role."""
    given = {"email": f"{role}@example.com", "password": PASSWORD}
    assert page.request.post("/sign-in", form=given, max_redirects=0).status == 303


@contextmanager
def help_centre(
    data: Path, folder: Path, origins: str, settings: Mapping[str, str] = MappingProxyType({})
) -> Iterator[HelpCentre]:
    """Serves the snapshot in `data`, with a database and a log of its own in `folder`, to widgets on `origins`.

    `settings` are further environment variables.
    """
    port = _free_port()
    database = folder / "firstline.db"
    if not database.exists():  # else it is the same server once more
        people_in(database, {AUTHOR_TOKEN: "author", AGENT_TOKEN: "agent"})
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FIRSTLINE_")}
    environment |= {
        "FIRSTLINE_WIDGET_ORIGINS": origins,
        "FIRSTLINE_DATABASE_URL": f"sqlite:///{database}",
        "FIRSTLINE_DRAIN_SECONDS": "0",
        "FIRSTLINE_FORM_MIN_SECONDS": "0",  # no person is as quick as these tests
        **settings,
    }
    command = [str(Path(sys.executable).with_name("firstline")), "serve", "--data", str(data), "--port", str(port)]
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
    running = HelpCentre(f"http://127.0.0.1:{port}", database, process)
    try:
        _await_ready(running, log)
        yield running
    finally:
        running.stop()


def _await_ready(server: HelpCentre, log: Path) -> None:
    """Asks /readyz until it says yes; raises with the log where the server ends, or never gets ready."""
    for _ in range(int(_START_S / _LOOK_EVERY_S)):
        try:
            with urllib.request.urlopen(f"{server.base}/readyz", timeout=5):  # noqa: S310
                return
        except (HTTPError, URLError, ConnectionError, TimeoutError):
            try:
                server.process.wait(timeout=_LOOK_EVERY_S)
            except subprocess.TimeoutExpired:
                continue
            break
    raise AssertionError(f"The server did not get ready:\n{log.read_text(encoding='utf-8', errors='replace')}")


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
