"""A thousand false clicks move no ranking, sent as a script sends them: through the API, to the whole service."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from bot.learned import Learned, Lesson, Trace
from tests.web.site import AGENT, AUTHOR, TWO_PRINTERS, Site, open_site

QUESTION = "the printer is offline"
PROXY = "203.0.113.250"


@dataclass
class Crowd:
    """Who clicks: each request comes from an address, through a proxy that the settings trust."""

    site: Site
    client: TestClient

    def click(self, article: str, session: str, address: str, times: int = 1, outcome: str = "solved") -> None:
        headers = {"X-Forwarded-For": address}
        given = {"question": QUESTION, "session": session}
        asked = self.client.post("/api/v1/ask", json=given, headers=headers).json()
        assert article in shown(asked)
        told = {"outcome": outcome, "article_id": article}
        for _ in range(times):
            reply = self.client.post(f"/api/v1/questions/{asked['id']}/outcome", json=told, headers=headers)
            assert reply.status_code == 204

    def ranking(self) -> list[tuple[str, float]]:
        """Article and confidence of what the question finds, once all that was learned is in use."""
        self.site.app.state.desk.library.refresh()
        reply = self.client.post("/api/v1/ask", json={"question": QUESTION}).json()
        return [(article, reply["confidence"]) for article in shown(reply)]

    def learned(self) -> list[dict[str, Any]]:
        reply = self.client.get("/api/v1/learned", headers={"Authorization": f"Bearer {AUTHOR}"})
        rows: list[dict[str, Any]] = reply.json()["learned"]
        return rows


def shown(reply: dict[str, Any]) -> list[str]:
    answer = [reply["answer"]["article_id"]] if reply["answer"] else []
    return list(dict.fromkeys([*answer, *(one["article_id"] for one in reply["suggestions"])]))


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[Crowd]:
    rates = dict.fromkeys(("rate_tickets", "rate_typing", "rate_feedback", "rate_sign_in"), "")
    with open_site(tmp_path, TWO_PRINTERS, trusted_proxies=(PROXY,), **rates) as site:
        yield Crowd(
            site, TestClient(site.app, base_url="http://help.example", client=(PROXY, 1), headers={"Host": "x"})
        )


def test_from_one_session_and_from_many_sessions_of_one_network_they_move_nothing(crowd: Crowd) -> None:
    before = crowd.ranking()
    last = before[-1][0]
    crowd.click(last, "one-session-alone-", "198.51.100.7", times=60)
    assert crowd.ranking() == before
    for at in range(20):  # of one line, which has a network of IPv6 to take addresses of
        crowd.click(last, f"made-up-session-{at}", f"2001:db8:7:7::{at:x}", times=2)
    assert crowd.ranking() == before
    (row,) = crowd.learned()
    assert (row["status"], row["sessions"]) == ("pending", 2)


def test_of_a_thousand_clicks_of_two_voices_two_are_kept() -> None:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    row = Learned.of(Lesson("vpn", QUESTION, "", "en", Trace("end_user", "question-0", at, session="voice-0")))
    for number in range(1_000):
        row = row.with_trace(Trace("end_user", f"question-{number}", at, session=f"voice-{number % 2}"))
    assert (row.confirmed, row.status, len(row.traces)) == (2, "pending", 2)


def test_from_many_networks_they_do_not_outvote_a_solved_ticket_of_the_same_question(crowd: Crowd) -> None:
    first, *_, last = [article for article, _ in crowd.ranking()]
    ticket = {"subject": QUESTION, "body": QUESTION, "email": "ann@example.com"}
    sent = crowd.client.post("/api/v1/tickets", json=ticket, headers={"Idempotency-Key": "of-the-printer"}).json()
    agent = {"Authorization": f"Bearer {AGENT}"}
    solved = {"article_id": first}
    crowd.client.post(f"/api/v1/tickets/{sent['id']}/resolution", json=solved, headers=agent).raise_for_status()
    taught = crowd.ranking()
    assert taught[0][0] == first
    for at in range(20):
        address = f"198.51.{at}.7"
        crowd.click(last, f"of-another-{at}", address)
        crowd.click(first, f"of-another-{at}", address, times=2, outcome="not_solved")
    assert crowd.ranking()[0][0] == first
    assert {row["article_id"]: row["status"] for row in crowd.learned() if row["source"] == "agent"} == {
        first: "active"
    }


def test_three_networks_agree_and_are_heard(crowd: Crowd) -> None:
    """What is shut to one is open to readers: three of them in three places."""
    last = crowd.ranking()[-1][0]
    for at in range(3):
        crowd.click(last, f"of-a-reader-{at}", f"198.51.100.{at}")
    assert [row["status"] for row in crowd.learned()] == ["active"]
