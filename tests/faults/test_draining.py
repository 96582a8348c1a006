"""SIGTERM: first the server says that it goes, then it takes nothing new, and what it has begun it finishes."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

from bot.database import sqlite_url
from tests.faults.servers import serving


def test_a_server_that_ends_says_so_first_and_finishes_what_it_has_begun(site_data: Path) -> None:
    database = site_data / "firstline.db"
    with serving(site_data, sqlite_url(database), FIRSTLINE_DRAIN_SECONDS="60") as server:
        body = json.dumps({"question": "I forgot my password"}).encode()
        head = f"POST /api/v1/ask HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        with socket.create_connection(("127.0.0.1", server.port)) as begun:
            begun.sendall(f"{head}\r\n\r\n".encode() + body[:5])

            server.running.send_signal(signal.SIGTERM)
            server.until(lambda: server.get("/readyz")[0] == 503)
            assert server.get("/readyz")[1]["code"] == "draining"
            first = server.ask()["id"]  # whoever still comes is answered

            server.running.send_signal(signal.SIGTERM)  # enough of that
            server.until(lambda: server.get("/healthz")[0] == 0)
            begun.sendall(body[5:])
            answer = b""
            while part := begun.recv(65_536):
                answer += part
        assert answer.startswith(b"HTTP/1.1 200 OK")
        second = json.loads(answer.partition(b"\r\n\r\n")[2])["id"]
        assert server.running.wait(60) == 0

    with closing(sqlite3.connect(database)) as connection:
        assert {row[0] for row in connection.execute("SELECT id FROM questions")} == {first, second}
