"""The real server, killed between "accepted" and "delivered"."""

from __future__ import annotations

import json
import sqlite3
import threading
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.browser.help_centre import HelpCentre, help_centre
from tests.receivers import Asked, ZammadDesk, running
from tests.web.site import ARTICLES, build_site

_WAIT_S = 60.0


class SlowDesk(ZammadDesk):
    """Takes the first ticket and never answers, until it is let go; counts what it took."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.let_go = threading.Event(), threading.Event()
        self.took = threading.Semaphore(0)

    def answer(self, asked: Asked) -> tuple[int, Any]:
        said = super().answer(asked)
        if asked.method == "POST":
            self.took.release()
            self.reached.set()
            self.let_go.wait(_WAIT_S)
        return said


def _send(server: HelpCentre, number: int) -> int:
    ticket = {"subject": f"Printer {number}", "body": "It is on fire.", "email": "ann@example.com"}
    request = urllib.request.Request(  # noqa: S310 (our own server)
        f"{server.base}/api/v1/tickets",
        data=json.dumps(ticket).encode(),
        headers={"Content-Type": "application/json", "Idempotency-Key": f"crash-{number:04}"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
        return int(response.status)


def _leases_run_out(database: Path) -> None:
    """As the minutes do that a dead server's lease lasts."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE outbox SET leased_until = '2020-01-01 00:00:00' WHERE leased_until IS NOT NULL")


def test_killed_between_accepted_and_delivered_no_ticket_is_lost_and_none_arrives_twice(tmp_path: Path) -> None:
    data = build_site(tmp_path, {"en/accounts/reset-password.md": ARTICLES["en/accounts/reset-password.md"]})
    with running(SlowDesk()) as desk:
        assert isinstance(desk, SlowDesk)
        settings = {
            "FIRSTLINE_HANDOFF": "zammad",
            "FIRSTLINE_HANDOFF_URL": desk.url,
            "FIRSTLINE_OUTGOING_PRIVATE_HOSTS": "127.0.0.1",
            "FIRSTLINE_HANDOFF_SECRET": ZammadDesk.TOKEN,
            "FIRSTLINE_HANDOFF_GROUP": "Users",
        }
        with help_centre(data, tmp_path, "", settings) as server:
            assert [_send(server, number) for number in range(3)] == [201, 201, 201]
            assert desk.reached.wait(_WAIT_S)  # the desk has the first ticket, the server does not know
            server.process.kill()
            server.process.wait()
            assert [row["state"] for row in server.rows("SELECT state FROM outbox")] == ["waiting"] * 3
        desk.let_go.set()
        _leases_run_out(server.database)

        with help_centre(data, tmp_path, "", settings) as server:
            for _ in range(3):
                assert desk.took.acquire(timeout=_WAIT_S)
        # Ended as an operator ends it, it had written down what it was at.
        rows = server.rows("SELECT state, reference FROM outbox ORDER BY id")

    assert [(row["state"], row["reference"]) for row in rows] == [("delivered", number) for number in ("7", "8", "9")]
    assert sorted(made["title"] for made in desk.made) == ["Printer 0", "Printer 1", "Printer 2"]
    assert ZammadDesk.TOKEN not in (tmp_path / "server.log").read_text()
