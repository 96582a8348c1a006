"""A ticket after it was sent, and what the form says about time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.web.conftest import bearer
from tests.web.site import AGENT, ARTICLES, Page, Site, open_site
from tests.web.test_pages_ticket import ODD, send

#: A Monday.
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
OFFICE = {"opening_hours": ["Mon-Fri 09:00-17:00"], "time_zone": "Europe/Warsaw", "response_hours": 4}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(
        tmp_path_factory.mktemp("site"),
        ARTICLES,
        ticket_topics=["Other", {"en": "Hardware", "pl": "Sprzęt"}],
        departments=["Sales", "People"],
        **OFFICE,
    ) as opened:
        yield opened


@pytest.fixture
def address(site: Site) -> str:
    """Of a ticket that was just sent."""
    site.set_clock(NOON)
    return send(site, **ODD).response.headers["location"].partition("?")[0]


def answer(site: Site, address: str, text: str) -> None:
    ticket = site.ticket(address)
    told = site.client.post(f"/api/v1/tickets/{ticket.id}/messages", json={"text": text}, headers=bearer(AGENT))
    assert told.status_code == 204


def when(page: Page) -> str:
    return page.one("p", cls="promise").text


# --- the link ----------------------------------------------------------------------------------------------------


def test_the_page_of_a_ticket_shows_what_was_written_and_is_for_nobody_else(site: Site, address: str) -> None:
    page = site.get(f"{address}?sent=yes")
    ticket = site.ticket(address)
    assert page.title == "Your ticket is sent"
    assert page.one("p", cls="number").text == str(ticket.number)
    assert page.one("input", id="fl-address").attrs["value"] == f"http://help.example{address}"
    assert [row.text for row in page.all("p", cls="pre")] == [ODD["body"]]
    assert "We usually answer by 17:00 today." in page.main
    headers = page.response.headers
    assert (headers["cache-control"], headers["referrer-policy"], headers["x-robots-tag"]) == (
        "no-store",
        "same-origin",
        "noindex",
    )
    assert site.get(address).title == f"Ticket {ticket.number}"
    assert site.get(address.replace("/ticket/", "/ticket/sent/")).response.headers["location"] == address
    assert (site.get("/ticket/another").status, site.get("/ticket/another").title) == (404, "There is no page here")


def test_the_address_to_keep_is_the_one_of_the_settings(tmp_path: Path) -> None:
    with open_site(tmp_path, ARTICLES, base_url="https://desk.example") as site:
        path = send(site, **ODD).response.headers["location"].partition("?")[0]
        assert site.get(path).one("input", id="fl-address").attrs["value"] == f"https://desk.example{path}"


def test_an_answer_is_accepted_on_the_page_and_the_ticket_is_solved(site: Site, address: str) -> None:
    answer(site, address, "Boil it for <b>ten</b> minutes.")
    page = site.get(address)
    assert page.one("p", id="fl-state").text == "Answered"
    assert page.all("p", cls="pre")[1].text == "Boil it for <b>ten</b> minutes."
    (accept, refuse) = [form for form in page.forms if form.action == f"{address}/answer"]
    assert dict(refuse.fields) == {"reason": ""}
    back = site.post(accept.action, accept.filled(button="accepted"))
    assert (back.status, back.response.headers["location"]) == (303, f"{address}#fl-state")
    page = site.get(address)
    assert page.one("p", id="fl-state").text == "Solved"
    assert "You said that this solved it." in page.main
    assert site.ticket(address).messages[0].verdict == "accepted"


def test_a_refused_answer_needs_a_reason_and_opens_the_ticket_again(site: Site, address: str) -> None:
    answer(site, address, "Boil it.")
    empty = site.post(f"{address}/answer", {"verdict": "refused", "reason": "  "})
    assert (empty.status, empty.one("textarea", id="fl-reason").attrs["aria-invalid"]) == (422, "true")
    assert "Write a few words first" in empty.one("p", id="fl-reason-error").text
    refused = {"verdict": "refused", "reason": "I have no <pot>.\n\nSorry."}
    assert site.post(f"{address}/answer", refused).status == 303
    page = site.get(address)
    assert page.one("p", id="fl-state").text == "Received"
    assert page.all("p", cls="pre")[2].text == "I have no <pot>.\n\nSorry."
    assert site.ticket(address).messages[0].verdict == "refused"


def test_a_message_can_be_added_once_and_too_long_a_one_is_kept_in_its_field(site: Site, address: str) -> None:
    form = site.get(address).form(f"{address}/messages")
    for _ in range(2):
        assert site.post(form.action, form.filled(text="And it is brown.")).status == 303
    assert [message.text for message in site.ticket(address).messages] == ["And it is brown."]
    long = site.post(form.action, form.filled(text="x" * 200_001))
    assert (long.status, long.form(form.action).filled()["text"]) == (422, ["x" * 200_001])
    assert "Shorten your message to 200,000 characters or fewer." in long.main
    foreign = site.post(form.action, form.filled(text="spam"), origin="https://elsewhere.example")
    assert foreign.status == 403


def test_a_broken_database_loses_no_word_of_a_message(tmp_path: Path) -> None:
    with open_site(tmp_path, ARTICLES) as broken:
        address = send(broken, **ODD).response.headers["location"].partition("?")[0]
        broken.break_database()
        page = broken.post(f"{address}/answer", {"verdict": "refused", "reason": "Still soft.\nStill <here>."})
        assert (page.status, page.title) == (503, "Your message is not sent yet")
        assert page.form("").filled() == {"verdict": ["refused"], "reason": ["Still soft.\nStill <here>."]}


def test_a_late_answer_is_owned_up_to(site: Site, address: str) -> None:
    site.set_clock(NOON + timedelta(days=2))
    assert "It takes longer than usual." in site.get(address).main


# --- what agents read --------------------------------------------------------------------------------------------


def test_agents_read_topic_files_messages_and_what_was_asked_before(site: Site) -> None:
    site.client.cookies.clear()
    site.get("/search?q=how+hot+is+a+toaster")
    page = site.get("/ticket?department=People&topic=Sprz%C4%99t")
    form = page.form("/ticket").filled(**ODD)
    assert (form["department"], form["topic"]) == (["People"], ["Hardware"])
    address = site.post("/ticket", form, files=[("a.txt", b"a")]).response.headers["location"].partition("?")[0]
    site.post(f"{address}/messages", {"text": "It is urgent."})
    answer(site, address, "On our way.")
    url = f"/api/v1/tickets/{site.ticket(address).id}"
    read = site.client.get(url, headers=bearer(AGENT)).json()
    assert (read["state"], read["topic"], read["department"]) == ("answered", "Hardware", "People")
    assert [asked["question"] for asked in read["conversation"]] == ["how hot is a toaster"]
    assert [(file["name"], file["size"]) for file in read["attachments"]] == [("a.txt", 1)]
    assert site.client.get(read["attachments"][0]["url"]).content == b"a"
    assert [(said["author"], said["text"]) for said in read["messages"]] == [
        ("requester", "It is urgent."),
        ("agent", "On our way."),
    ]
    assert site.client.get(url).status_code == 401
    empty = site.client.post(f"{url}/messages", json={"text": " "}, headers=bearer(AGENT))
    assert (empty.status_code, empty.json()["errors"][0]["field"]) == (422, "text")


def test_topics_are_named_in_the_reader_s_language_and_one_that_is_gone_is_told(site: Site) -> None:
    page = site.get("/ticket?lang=pl")
    assert [option.text for option in page.all("option")[1:3]] == ["Sales", "People"]
    assert [option.text for option in page.all("option")[4:]] == ["Other", "Sprzęt"]
    gone = send(site, **ODD, topic="Telex")
    assert (gone.status, gone.one("p", id="fl-topic-error").text) == (422, "Error: Choose one of the list.")


# --- time --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ("2026-11-23 09:00", "We usually answer within 4 working hours, by 14:00 today."),
        ("2026-11-23 13:30", "We usually answer within 4 working hours, by Tuesday, 24 November 2026, 10:30."),
        (
            "2026-11-21 12:00",
            "We are closed now. Somebody reads your ticket on Monday, 23 November 2026 from 09:00. "
            "We usually answer within 4 working hours, by Monday, 23 November 2026, 13:00.",
        ),
        (
            "2026-11-23 05:00",
            "We are closed now. Somebody reads your ticket today from 09:00. "
            "We usually answer within 4 working hours, by 13:00 today.",
        ),
    ],
)
def test_the_form_says_when_somebody_reads_and_answers(site: Site, now: str, said: str) -> None:
    site.set_clock(datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert when(site.get("/ticket")) == said


def test_a_desk_that_promises_nothing_says_nothing_and_one_without_hours_counts_plain_ones(tmp_path: Path) -> None:
    with open_site(tmp_path, ARTICLES) as plain:
        assert plain.get("/ticket").all("p", cls="promise") == []
        hours = plain.app.state.settings.model_copy(update={"response_hours": 24})
        plain.app.state.settings = hours
        assert when(plain.get("/ticket")) == "We usually answer within 24 hours."
