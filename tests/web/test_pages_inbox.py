"""The agents' inbox and the page of a ticket."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.casework import Casework, who
from bot.errors import StoreUnavailable
from bot.models import NOBODY, Ticket, TicketDraft, Who
from bot.people import Caller
from bot.work import Changes
from bot.worklist import SqlWorklist
from tests.bot.samples import NOON
from tests.people import somebody
from tests.web.site import AGENT, ARTICLES, Page, Site, open_site
from web.tickets_api import casework_of

LEE = Caller("lee", "Lee Novak", "lee@example.com", frozenset({"tickets"}))
NOTE = "Marmalade: the toner is a cheap one."


class Inbox:
    """A site with an agent at it, and a colleague called Lee."""

    def __init__(self, site: Site) -> None:
        self.site = site

    @property
    def me(self) -> Who:
        """Whose token is used."""
        return who(somebody(self.site.accounts, "agent").caller())

    @property
    def work(self) -> Casework:
        return casework_of(_Request(self.site))  # type: ignore[arg-type]  # all it asks of a request is the app

    def at(self, **later: float) -> Inbox:
        """The same inbox, some time after noon."""
        self.site.set_clock(NOON + timedelta(**later))
        return self

    def send(self, **given: Any) -> Ticket:
        values = {"subject": "The printer is offline", "body": "On floor three.", "email": "anna@example.com"}
        number = self.site.tickets() + 1
        return self.site.app.state.desk.open_ticket(TicketDraft(**{**values, **given}), f"key-{number:05}")

    def get(self, address: str) -> Page:
        return self.site.get(address, Authorization=f"Bearer {AGENT}")

    def post(self, address: str, data: dict[str, Any]) -> Page:
        return self.site.post(address, data, Authorization=f"Bearer {AGENT}")

    def press(self, page: Page, action: str, button: str, **typed: str) -> Page:
        """Presses a button of the one form that has it, and follows to where it leads."""
        (form,) = [
            form
            for form in page.forms
            if form.action.partition("?")[0] == action and button in {value for _, value in form.buttons}
        ]
        answer = self.post(form.action, form.filled(button=button, **typed))
        return self.get(answer.response.headers["location"]) if answer.status == 303 else answer

    def now(self, ticket: Ticket) -> Ticket:
        return self.work.read(ticket.number).ticket

    def numbers(self, page: Page) -> list[int]:
        return [int(row.attrs["data-number"]) for row in page.all("tr") if "data-number" in row.attrs]


class _Request:
    def __init__(self, site: Site) -> None:
        self.app = site.app


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    with open_site(tmp_path, ARTICLES, ticket_topics=["VPN"]) as site:
        site.set_clock(NOON)
        yield Inbox(site)


def test_nobody_but_an_agent_sees_the_inbox(inbox: Inbox) -> None:
    ticket = inbox.send()
    for address in ("/inbox", "/inbox/news?since=2026-11-21T12:00:00%2B00:00", "/inbox/1", "/inbox/1/news?revision=0"):
        assert inbox.site.get(address).status in (303, 403)
    for address in ("/inbox", "/inbox/1/messages", "/inbox/1/change"):
        assert inbox.site.post(address, {"do": "solve", "ticket": ticket.id}).status in (303, 403)

    assert inbox.now(ticket) == ticket
    assert inbox.get("/inbox").response.headers["cache-control"] == "private, no-store"


def test_an_empty_inbox_says_so_kindly(inbox: Inbox) -> None:
    page = inbox.get("/inbox")
    assert (page.title, page.all("table")) == ("All open", [])
    assert "Every ticket is solved. This page tells you when a new one comes." in page.main
    assert "You have no open ticket." in inbox.get("/inbox?view=mine").main
    assert "Try other words, or fewer filters." in inbox.get("/inbox?text=x").main


def test_views_filters_search_and_order_stand_in_the_address(inbox: Inbox) -> None:
    first, second, third = inbox.send(), inbox.send(subject="<b>VPN</b> & more", topic="VPN"), inbox.send()
    inbox.work.change(first.id, Changes(priority="urgent"), LEE)
    inbox.work.change(second.id, Changes(assignee=inbox.me), LEE)
    inbox.work.change(third.id, Changes(state="solved"), LEE)

    assert inbox.numbers(inbox.get("/inbox")) == [1, 2]
    assert inbox.numbers(inbox.get("/inbox?view=mine")) == [2]
    assert inbox.numbers(inbox.get("/inbox?view=unassigned")) == [1]
    assert inbox.numbers(inbox.get("/inbox?view=solved")) == [3]
    assert inbox.numbers(inbox.get("/inbox?topic=VPN")) == [2]
    assert inbox.numbers(inbox.get("/inbox?assignee=nobody&priority=urgent&state=received&tier=1")) == [1]
    assert inbox.numbers(inbox.get("/inbox?sort=age&view=bad&priority=bad&page=x")) == [1, 2]
    page = inbox.get("/inbox?text=vpn&sort=priority")
    assert inbox.numbers(page) == [2]
    assert "<b>VPN</b> & more" in page.main
    assert "/inbox/2?text=vpn&sort=priority" in page.links
    (search,) = [form for form in page.forms if (form.action, form.method) == ("/inbox", "get")]
    assert dict(search.fields) == {
        "view": "open", "text": "vpn", "sort": "priority", "state": "", "assignee": "", "priority": "", "tier": "",
        "topic": "", "in": "",
    }  # fmt: skip
    counted = {link.attrs["href"]: link.text.split()[-1] for link in page.all("a") if "data-go" in link.attrs}
    assert list(counted.values()) == ["1", "1", "2", "0", "0", "0", "1"]


def test_a_list_says_in_words_what_is_due_and_what_is_overdue(inbox: Inbox) -> None:
    inbox.send()
    for hours, words in (
        (6, "Due in 2 hours"),
        (7.5, "Due in 30 minutes"),
        (9, "Overdue by 1 hour"),
        (60, "Overdue by 2 days"),
    ):
        assert words in inbox.at(hours=hours).get("/inbox").main
    assert inbox.numbers(inbox.get("/inbox?view=overdue")) == [1]


def test_a_long_list_has_pages_and_one_beyond_the_last_leads_to_the_last(inbox: Inbox) -> None:
    for _ in range(51):
        inbox.send()
    page = inbox.get("/inbox?page=2")
    assert inbox.numbers(page) == [51]
    assert "51 tickets" in page.main
    assert "page 2 of 2" in page.main
    assert inbox.get("/inbox?page=9&sort=age").response.headers["location"] == "/inbox?sort=age&page=2"


def test_several_tickets_are_changed_at_once_and_the_list_stays_as_it_was(inbox: Inbox) -> None:
    tickets = [inbox.send() for _ in range(3)]
    page = inbox.get("/inbox?sort=age")
    chosen = [tickets[0].id, tickets[2].id]
    for button, typed in (("assign", {"to": inbox.me.id}), ("priority", {"set": "urgent"})):
        data = {**page.form("/inbox").filled(button=button, **typed), "ticket": chosen}
        answer = inbox.post("/inbox?sort=age", data)
        assert answer.response.headers["location"] == "/inbox?sort=age&done=2#fl-done"
    assert "2 tickets changed." in inbox.get("/inbox?sort=age&done=2").main
    now = [inbox.now(ticket) for ticket in tickets]
    assert [(ticket.assignee.id, ticket.priority) for ticket in now] == [
        (inbox.me.id, "urgent"), ("", "normal"), (inbox.me.id, "urgent")
    ]  # fmt: skip
    assert (
        inbox.post("/inbox", {"do": "solve", "ticket": [*chosen, "no-such"]})
        .response.headers["location"]
        .startswith("/inbox?done=2")
    )
    assert (
        inbox.post("/inbox", {"do": "explode", "ticket": chosen}).response.headers["location"]
        == "/inbox?done=0#fl-done"
    )
    assert inbox.numbers(inbox.get("/inbox")) == [2]


def test_what_came_since_a_list_was_made_is_counted_cheaply(inbox: Inbox) -> None:
    inbox.send()
    address = inbox.at(seconds=1).get("/inbox?topic=VPN").one("p", id="fl-news").attrs["data-news"]
    assert inbox.get(address).response.json() == {"count": 0, "words": ""}
    inbox.at(minutes=1).send(topic="VPN")
    inbox.send()
    assert inbox.get(address).response.json() == {"count": 1, "words": "1 new ticket"}
    assert inbox.get("/inbox/news?since=yesterday").status == 400


# --- a ticket ----------------------------------------------------------------------------------------------------


def test_a_ticket_shows_everything_in_order_and_what_people_typed_is_text(inbox: Inbox) -> None:
    ticket = inbox.send(subject="<i>Printer</i>", body="<script>alert(1)</script>")
    other = inbox.send(subject="Another one")
    inbox.at(minutes=1).work.change(ticket.id, Changes(tier=2, reason="<b>Needs rights</b>"), LEE)
    inbox.at(minutes=2).work.note(ticket.id, NOTE, LEE)
    inbox.at(minutes=3).work.reply(ticket.id, "Switch it <u>on</u>.", LEE)
    inbox.at(minutes=4).site.app.state.desk.refuse(ticket.id, "It is on.")

    page = inbox.get(f"/inbox/{ticket.number}?view=mine")
    for earlier, later in (
        ("<script>alert(1)</script>", "Lee Novak moved this ticket from tier 1 to tier 2."),
        ("<b>Needs rights</b>", "Note by Lee Novak"),
        (NOTE, "Lee Novak answered"),
        ("Switch it <u>on</u>.", "The requester said that they still need help."),
        ("Switch it <u>on</u>.", "It is on."),
    ):
        assert page.main.index(earlier) < page.main.index(later)
    assert page.title == "<i>Printer</i>"
    assert {f"/inbox/{other.number}?view=mine", "/inbox?view=mine"} <= set(page.links)
    assert inbox.get("/inbox/99").status == inbox.get(f"/inbox/{10**30}").status == 404


def test_a_reply_goes_to_the_requester_with_a_first_name_and_a_note_to_nobody_outside(inbox: Inbox) -> None:
    ticket = inbox.send()
    page = inbox.press(inbox.get("/inbox/1"), "/inbox/1/messages", "note", text=NOTE)
    assert "Your note is kept. The requester does not see it." in page.main
    page = inbox.press(page, "/inbox/1/messages", "reply", text="Switch it on.")
    assert "Your reply is sent." in page.main
    inbox.work.reply(ticket.id, "And then off.", LEE)

    seen = inbox.site.get(f"/ticket/{ticket.id}")
    assert "Agent from the help desk answered" in seen.main
    assert "Lee from the help desk answered" in seen.main
    assert inbox.now(ticket).state == "answered"
    assert "Novak" not in seen.html
    assert "Marmalade" not in seen.html
    assert "Marmalade" in inbox.get("/inbox/1").html


def test_the_requester_of_a_ticket_on_hold_is_told_so_and_can_write(inbox: Inbox) -> None:
    ticket = inbox.send()
    inbox.work.change(ticket.id, Changes(state="on_hold"), LEE)
    seen = inbox.site.get(f"/ticket/{ticket.id}")
    assert "On hold We know of your ticket" in seen.main

    inbox.site.post(f"/ticket/{ticket.id}/messages", {"text": "It works again."})
    assert inbox.now(ticket).state == "received"


def test_a_form_that_does_not_say_what_it_is_stays_among_agents(inbox: Inbox) -> None:
    ticket = inbox.send()
    inbox.post("/inbox/1/messages", {"text": NOTE})

    assert inbox.now(ticket).messages == ()
    assert [note.text for note in inbox.work.read(1).notes] == [NOTE]


def test_each_button_does_what_it_says_and_the_last_change_can_be_undone(inbox: Inbox) -> None:
    ticket = inbox.send()
    page = inbox.get("/inbox/1?view=unassigned")
    for button, words, typed in (
        ("take", "Agent took this ticket.", {}),
        ("assign", "Agent removed Agent from this ticket.", {"to": "nobody"}),
        ("priority", "Agent changed the priority from Normal to Urgent.", {"priority": "urgent"}),
        ("tier", "Agent moved this ticket from tier 1 to tier 3.", {"tier": "3", "reason": "Needs rights."}),
        ("hold", "Agent put this ticket on hold.", {}),
        ("reopen", "Agent opened this ticket again.", {}),
        ("solve", "Agent solved this ticket.", {}),
        ("undo", "Agent opened this ticket again.", {}),
    ):
        page = inbox.press(page, "/inbox/1/change", button, **typed)
        assert page.one("div", id="fl-done").text.strip().startswith(words)
    now = inbox.now(ticket)
    assert (now.state, now.priority, now.tier, now.assignee) == ("received", "urgent", 3, NOBODY)
    assert "/inbox?view=unassigned" in page.links
    assert inbox.post("/inbox/1/change", {"do": "explode"}).status == 400


def test_what_is_missing_is_told_at_its_field_and_no_typed_word_is_lost(inbox: Inbox) -> None:
    ticket = inbox.send()
    page = inbox.press(inbox.get("/inbox/1"), "/inbox/1/messages", "reply", text="  ")
    assert (page.status, page.one("p", id="fl-reply-error").text) == (
        422,
        "Error: Write a few words first, so that the other side knows what you mean.",
    )
    page = inbox.press(inbox.get("/inbox/1"), "/inbox/1/change", "tier", tier="2", reason=" ")
    assert page.status == 422
    assert "#fl-reason" in page.links
    inbox.work.reply(ticket.id, "I am on it.", LEE)
    stale = {"text": "Switch it on.\nThen off.", "revision": "0", "mode": "reply"}
    page = inbox.post("/inbox/1/messages", stale)
    assert page.status == 409
    assert "Lee Novak changed this ticket while you had it open." in page.main
    assert "Nothing you typed is lost." in page.main
    assert "I am on it." in page.main
    page = inbox.press(page, "/inbox/1/messages", "reply")
    assert [message.text for message in inbox.now(ticket).messages] == ["I am on it.", "Switch it on.\nThen off."]
    stale = {"do": "tier", "tier": "2", "reason": "Needs rights.", "revision": "0"}
    page = inbox.post("/inbox/1/change", stale)
    assert (page.status, page.one("textarea", id="fl-reason").text.strip()) == (409, "Needs rights.")


def test_where_the_database_is_gone_a_reply_can_be_sent_again_and_a_note_stays_one(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = inbox.send()

    def fail(*_: object, **__: object) -> None:
        raise StoreUnavailable("The note could not be stored: disk is full.")

    with monkeypatch.context() as broken:
        broken.setattr(SqlWorklist, "note", fail)
        page = inbox.post("/inbox/1/messages", {"text": NOTE, "mode": "note"})
        assert page.status == 503
    inbox.post("/inbox/1/messages", page.forms[-1].filled())

    assert (inbox.now(ticket).messages, [note.text for note in inbox.work.read(1).notes]) == ((), [NOTE])


def test_who_changed_a_ticket_that_is_open_is_told_without_a_reload(inbox: Inbox) -> None:
    ticket = inbox.send()
    address = inbox.get("/inbox/1").one("p", id="fl-news").attrs["data-news"]
    assert inbox.get(address).response.json() == {"words": ""}
    inbox.post("/inbox/1/change", {"do": "take"})
    assert inbox.get(address).response.json() == {"words": ""}  # one's own changes are no news
    inbox.work.reply(ticket.id, "I am on it.", LEE)
    assert inbox.get(address).response.json() == {"words": "Lee Novak answered since you opened this ticket."}
    inbox.site.app.state.desk.write(ticket.id, "requester", "Thank you.")
    assert inbox.get(address).response.json() == {"words": "The requester wrote since you opened this ticket."}


# --- the API -----------------------------------------------------------------------------------------------------


def test_the_api_lists_changes_and_answers_tickets(inbox: Inbox) -> None:
    tickets = [inbox.send(topic=topic) for topic in ("VPN", "", "")]
    client, headers = inbox.site.client, {"Authorization": f"Bearer {AGENT}"}
    path = f"/api/v1/tickets/{tickets[0].id}"

    def patch(**given: Any) -> Any:
        return client.patch(path, json=given, headers=headers)

    changed = patch(priority="high", tier=2, reason="Needs rights.", assignee="me", revision=0).json()
    assert (changed["priority"], changed["tier"], changed["assignee"]) == (
        "high",
        2,
        {"id": inbox.me.id, "name": "Agent"},
    )
    assert changed["due"] == "2026-11-21T20:00:00Z"
    assert [(event["what"], event["old"], event["new"]) for event in changed["history"]] == [
        ("assignee", "", "Agent"), ("priority", "normal", "high"), ("tier", "1", "2")
    ]  # fmt: skip
    for status, code, given in (
        (409, "ticket_changed", {"state": "solved", "revision": 0}),
        (422, "ticket_invalid", {"tier": 1}),
        (422, "assignee_unknown", {"assignee": "stranger"}),
        (422, "invalid_request", {"state": "answered"}),
        (422, "invalid_request", {"colour": "red"}),
    ):
        answer = patch(**given)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    for minutes, text, internal in ((1, NOTE, True), (2, "Switch it on.", False)):
        inbox.at(minutes=minutes)
        sent = {"text": text, "internal": internal}
        assert client.post(f"{path}/messages", json=sent, headers=headers).status_code == 204
    read = client.get(path, headers=headers).json()
    assert [(m["text"], m["internal"]) for m in read["messages"]] == [(NOTE, True), ("Switch it on.", False)]
    assert (read["state"], read["due"], read["revision"]) == ("answered", None, 3)

    def numbers(**query: Any) -> list[int]:
        found = client.get("/api/v1/tickets", params=query, headers=headers).json()
        return [row["number"] for row in found["tickets"]]

    assert numbers() == [2, 3, 1]
    assert numbers(state=["received", "on_hold"], limit=1, offset=1) == [3]
    assert numbers(assignee="me", priority="high", tier=2, topic="VPN") == [1]
    assert numbers(assignee="nobody", q="floor", sort="age") == [2, 3]
    assert client.get("/api/v1/tickets").status_code == client.patch(path, json={}).status_code == 401
