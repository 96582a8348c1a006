"""Real servers that can be killed, stopped and starved: processes over one data folder and one database."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

import psutil

from bot.database import migrate, open_engine
from kb.embedding import HashEmbedder
from tests.conftest import PROJECT
from tests.people import accounts_over, token
from tests.postgres import PostgresServer

AGENT_TOKEN = "fl_agent-token-of-the-faults"
_WAIT_S = 60.0
_LOOK_S = 0.02


@dataclass
class Server:
    """`firstline serve`, started by `start` as often as one likes, always on the same port."""

    data: Path
    database: str
    settings: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.data.parent / "server.log"

    @property
    def running(self) -> subprocess.Popen[bytes]:
        assert self.process is not None
        return self.process

    def start(self) -> None:
        self.port = self.port or _free_port()
        with self.log.open("ab") as log:
            self.process = command(self.data, "serve", "--port", str(self.port), log=log, settings=self.environment)
        self.until(lambda: self.get("/healthz")[0] == 200)

    @property
    def environment(self) -> Mapping[str, str]:
        return {"FIRSTLINE_DATABASE_URL": self.database, "FIRSTLINE_DRAIN_SECONDS": "0", **self.settings}

    def kill(self) -> None:
        self.running.kill()
        self.running.wait()

    def end(self) -> int:
        """SIGTERM; its exit code."""
        self.running.send_signal(signal.SIGTERM)
        return self.running.wait(_WAIT_S)

    def until(self, holds: Any) -> None:
        """Returns once something holds; raises with the end of the log where it never does, or the server ended."""
        last = time.monotonic() + _WAIT_S
        while not holds():
            assert time.monotonic() < last, self.log.read_text(errors="replace")[-3000:]
            assert self.running.poll() is None, self.log.read_text(errors="replace")[-3000:]
            time.sleep(_LOOK_S)

    def largest_file(self, size: int) -> None:
        """Has the system refuse what would make any file larger than this, as a full disk does; -1 for no limit."""
        resource.prlimit(self.running.pid, resource.RLIMIT_FSIZE, (size, -1))

    # --- what people do ----------------------------------------------------------------------------------------------

    def get(self, path: str, **headers: str) -> tuple[int, Any]:
        """The status and what was said, taken apart where it is JSON; 0 where nobody listens."""
        return self._send(urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers))

    def post(self, path: str, body: Mapping[str, Any], **headers: str) -> tuple[int, Any]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **named},
        )
        return self._send(request)

    def _send(self, request: urllib.request.Request) -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(request, timeout=_WAIT_S) as response:  # noqa: S310
                return response.status, _said(response.read())
        except HTTPError as error:
            return error.code, _said(error.read())
        except (URLError, ConnectionError):
            return 0, None

    def ask(self, question: str = "I forgot my password", **more: str) -> dict[str, Any]:
        status, reply = self.post("/api/v1/ask", {"question": question, **more})
        assert status == 200, reply
        found: dict[str, Any] = reply
        return found

    def tell(self, question_id: str, reason: str) -> int:
        said = {"outcome": "solved", "reason": reason}  # the article that the answer is from
        return self.post(f"/api/v1/questions/{question_id}/outcome", said)[0]

    def ticket(self, key: str) -> tuple[int, Any]:
        sent = {"subject": f"Printer {key}", "body": "It is on fire.", "email": "ann@example.com"}
        return self.post("/api/v1/tickets", sent, Idempotency_Key=key)

    def waiting(self) -> int:
        """How many events wait for the database."""
        said: dict[str, Any] = self.get("/readyz")[1]
        return int(said.get("waiting", 0))


def command(
    data: Path,
    *words: str,
    log: Any = subprocess.DEVNULL,
    settings: Mapping[str, str] | None = None,
    largest_file: int = -1,
) -> subprocess.Popen[bytes]:
    """Starts `firstline` with some words; the system refuses it what would make a file larger than `largest_file`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FIRSTLINE_")}
    environment = {
        **kept,
        "PYTHONPATH": str(PROJECT),
        "FIRSTLINE_DATA": str(data),
        "FIRSTLINE_MODEL": HashEmbedder.NAME,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "web", *words],
        cwd=data.parent, env=environment | dict(settings or {}), stdout=log, stderr=log,
    )  # fmt: skip
    if largest_file >= 0:  # long before it has imported what it needs
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (largest_file, -1))
    return process


@contextmanager
def serving(data: Path, database: str, **settings: str) -> Iterator[Server]:
    """A server over a database that is made ready, with an agent in it."""
    engine = open_engine(database)
    migrate(engine)
    token(accounts_over(engine), "agent", secret=AGENT_TOKEN)
    engine.dispose()
    server = Server(data, database, settings)
    server.start()
    try:
        yield server
    finally:
        if server.running.poll() is None:
            server.running.send_signal(signal.SIGCONT)
            server.kill()


@contextmanager
def stopped(server: PostgresServer) -> Iterator[None]:
    """Has PostgreSQL hang until the end of the block: its connections stay open, and nothing is said."""
    assert server.process is not None
    whole = [psutil.Process(server.process.pid), *psutil.Process(server.process.pid).children(recursive=True)]
    for process in whole:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in whole:
            process.send_signal(signal.SIGCONT)


def _said(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
