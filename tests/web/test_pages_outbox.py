"""The outbox page and its API, what a requester is told meanwhile, and what nobody promises."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.errors import Message
from bot.outbox import SqlOutbox
from bot.people import Role
from tests.web.conftest import ticket
from tests.web.site import AGENT, ARTICLES, Site, open_site

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
TOKEN = "token-of-the-desk"
STUCK = "Our ticket system cannot be reached at the moment. Your ticket is kept and will be passed on."


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Tickets go to a Zammad where nobody answers; no courier runs."""
    made = {"handoff": "zammad", "handoff_url": "http://127.0.0.1:1", "handoff_secret": TOKEN, "handoff_group": "Users"}
    made |= {"outgoing_private_hosts": ("127.0.0.1",)}
    with open_site(tmp_path, {"en/vpn.md": ARTICLES["en/network/vpn.md"]}, **made) as site:
        yield site


@pytest.fixture(autouse=True)
def _no_courier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.courier.Courier.start", lambda _self: None)


@pytest.fixture
def admin(site: Site) -> None:
    site.sign_in("admin")


def send(site: Site, number: int = 1, **given: str) -> str:
    reply = site.client.post(
        "/api/v1/tickets", json=ticket(**given), headers={"Idempotency-Key": f"outbox-{number:04}"}
    )
    return str(reply.json()["id"])


def outbox(site: Site) -> SqlOutbox:
    found: SqlOutbox = site.app.state.outbox
    return found


def audited(site: Site) -> list[tuple[str, str, str, str]]:
    """What was done about the outbox, and by whom, the first first."""
    rows = site.accounts.log.find().rows[::-1]
    return [(row.action, row.actor, row.subject, row.details) for row in rows if row.action.startswith("sending")]


def fail(site: Site, *, dead: bool = False, why: str = "") -> None:
    """Has the next letter fail, as the courier says it."""
    now = site.app.state.desk.now()
    sending = outbox(site).claim(["zammad"], "server", now)
    assert sending is not None
    said = Message("%(host)s answered %(status)s: %(said)s", host="desk.example", status="422", said=why or "no")
    outbox(site).fail(sending, "server", said, None if dead else now)


@pytest.mark.parametrize("role", ["", "agent", "author"])
def test_only_admins_look_into_the_outbox(site: Site, role: Role) -> None:
    send(site)
    if role:
        site.sign_in(role)

    assert site.get("/outbox").status == (403 if role else 303)
    for address in ("/outbox/retry", "/outbox/1/retry", "/outbox/1/discard"):
        assert site.post(address, {"shown": [""]}).status == (403 if role else 303)
    assert site.client.get("/api/v1/outbox").status_code == (403 if role else 401)
    assert site.client.post("/api/v1/outbox/1/discard", json={}).status_code == (403 if role else 401)
    assert outbox(site).get(1).state == "waiting"


@pytest.mark.usefixtures("admin")
def test_the_page_says_what_failed_and_why_and_shows_nothing_of_the_ticket(site: Site) -> None:
    send(site, subject="Salary of Ann", body="It is secret.")
    fail(site, why="<b>Group</b> does not exist")
    page = site.get("/outbox?shown=failing")

    row = page.one("tr", id="sending-1").text
    assert ("Ticket" in row, "zammad" in row, "Failing" in row, "Next try:" in row) == (True, True, True, True)
    assert "desk.example answered 422: <b>Group</b> does not exist" in " ".join(row.split())
    assert "/inbox/1" in page.links
    assert [word for word in ("Salary", "secret", "ann@example.com", TOKEN) if word in page.html] == []
    assert site.get("/outbox?shown=dead").main.endswith("Nothing here Show all")
    assert "no-store" in page.response.headers["cache-control"]


@pytest.mark.usefixtures("admin")
def test_a_dead_letter_is_tried_again_and_another_one_discarded_with_a_reason(site: Site) -> None:
    for number in range(2):
        send(site, number)
        fail(site, dead=True)
    page = site.get("/outbox?shown=dead")
    assert [tab.text for tab in page.all("a") if "iven up" in tab.text] == ["Outbox (2 given up)", "Given up 2"]

    tried = site.post("/outbox/1/retry", page.form("/outbox/1/retry").filled())
    again = site.get(tried.response.headers["location"])
    assert again.one("div", cls="notice").text.split()[:5] == ["It", "is", "being", "tried", "now."]
    site.post("/outbox/2/discard", page.form("/outbox/2/discard").filled(reason="Told by  phone."))

    assert (outbox(site).get(1).state, outbox(site).get(1).attempts) == ("waiting", 0)
    assert (outbox(site).get(2).state, str(outbox(site).get(2).error)) == ("discarded", "Told by phone.")
    assert "Told by phone." in site.get("/outbox").main
    site.post("/outbox/2/discard", {"reason": "Twice."})  # it is given up already
    assert audited(site) == [
        ("sending_retried", "admin@example.com", "outbox 1", ""),
        ("sending_discarded", "admin@example.com", "outbox 2", ""),
    ]
    assert "Had something sent again" in site.get("/people/audit?kind=sending_retried").main


@pytest.mark.usefixtures("admin")
def test_all_that_was_given_up_is_tried_again_at_once(site: Site) -> None:
    for number in range(3):
        send(site, number)
        fail(site, dead=True)

    done = site.post("/outbox/retry", {"shown": ["dead"]})

    assert done.response.headers["location"] == "/outbox?shown=dead&again=3"
    assert "3 deliveries are being tried again." in site.get("/outbox?again=3").main
    assert outbox(site).counts()["waiting"] == 3
    assert audited(site) == [("sending_retried", "admin@example.com", "outbox", "3 given up")]
    assert site.post("/outbox/retry", {"shown": [""]}, origin="https://evil.example").status == 403


@pytest.mark.usefixtures("admin")
def test_the_api_lists_retries_and_discards(site: Site) -> None:
    send(site)
    fail(site, dead=True)
    client = site.client

    listed = client.get("/api/v1/outbox?shown=dead").json()
    assert listed["total"] == 1
    assert listed["counts"] == {"waiting": 0, "failing": 0, "dead": 1, "delivered": 0, "discarded": 0}
    assert {name: listed["outbox"][0][name] for name in ("id", "kind", "sink", "number", "state", "error")} == {
        "id": 1, "kind": "ticket", "sink": "zammad", "number": 1, "state": "dead",
        "error": "desk.example answered 422: no",
    }  # fmt: skip
    assert client.post("/api/v1/outbox/1/retry").json()["state"] == "waiting"
    assert client.post("/api/v1/outbox/1/discard", json={"reason": "gone"}).status_code == 204
    assert [row[0] for row in audited(site)] == ["sending_retried", "sending_discarded"]
    unknown = client.post("/api/v1/outbox/9/retry")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "sending_unknown")
    assert client.post(f"/api/v1/outbox/{10**30}/retry").status_code == 404
    assert [site.post(f"/outbox/{one}/retry", {"shown": [""]}).status for one in ("x", 10**30)] == [404, 404]


def test_the_requester_is_told_the_truth_and_no_more_once_it_arrived(site: Site) -> None:
    address = f"/ticket/{send(site)}"
    assert STUCK not in site.get(address).main

    fail(site)
    assert f"We have your ticket. {STUCK}" in site.get(address).main
    fail(site, dead=True)
    assert STUCK in site.get(address).main

    outbox(site).retry(1, site.app.state.desk.now())
    sending = outbox(site).claim(["zammad"], "server", site.app.state.desk.now())
    assert sending is not None
    outbox(site).deliver(sending, "server", "7", "", NOON)
    assert STUCK not in site.get(address).main


def test_whose_ticket_is_solved_need_not_know_where_it_got_stuck(site: Site) -> None:
    ticket_id = send(site)
    fail(site)
    headers = {"Authorization": f"Bearer {AGENT}"}
    solved = site.client.post(
        f"/api/v1/tickets/{ticket_id}/resolution", json={"text": "Restarted it."}, headers=headers
    )
    assert solved.status_code < 300
    page = site.get(f"/ticket/{ticket_id}").main
    assert "This ticket is solved." in page
    assert STUCK not in page


def test_a_page_promises_an_e_mail_only_where_one_is_sent(tmp_path: Path, site: Site) -> None:
    assert "answers to ann@example.com" in site.get(f"/ticket/{send(site)}").main  # the other desk does
    article = {"en/vpn.md": ARTICLES["en/network/vpn.md"]}
    with open_site(tmp_path / "silent", article) as silent:
        pages = [silent.get(address) for address in ("/", "/ticket", "/en/articles/vpn", "/search?q=zebra")]
        followed = silent.get(f"/ticket/{send(silent)}?sent=yes")
        widget = silent.client.get("/api/v1/widget").json()["words"]

    assert [page.response.url.path for page in pages if "by e-mail" in page.html] == []
    assert "answers on this page" in followed.main
    assert "ann@example.com" not in followed.main
    assert ("e-mail" in widget["ticketIntro"], "{email}" in widget["sentNext"]) == (False, False)


def test_mail_to_requesters_speaks_their_language_and_links_to_the_ticket(tmp_path: Path) -> None:
    given = {
        "smtp_url": "smtp://127.0.0.1:1",
        "mail_from": "desk@help.example",
        "base_url": "https://help.example",
        "site_name": "Desk",
    }
    with open_site(tmp_path, {"en/vpn.md": ARTICLES["en/network/vpn.md"]}, **given) as site:
        polish = send(site, lang="pl")
        site.app.state.desk.write(polish, "agent", "Naciśnij Connect.")
        letters = [row.letter for row in reversed(outbox(site).find().rows)]

    assert [letter.payload["to"] for letter in letters] == ["ann@example.com"] * 2
    assert f"\nhttps://help.example/ticket/{polish}?lang=pl\n" in letters[0].payload["text"]
    assert letters[1].payload["text"].startswith("Naciśnij Connect.\n\n")
    assert letters[0].payload["text"].endswith("\n-- \nDesk\n")
