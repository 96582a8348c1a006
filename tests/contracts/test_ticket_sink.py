"""What every TicketSink does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from threading import Barrier

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import TicketConflict
from bot.models import Ticket
from bot.tickets import MemoryInbox, SqlInbox, TicketSink
from tests.bot.samples import NOON, after, draft

HOSTILE = (
    "'); DROP TABLE tickets; --",
    'Robert"); DELETE FROM tickets WHERE (1=1',
    "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "{{ 7 * 7 }} ${7*7} %s %(subject)s :subject ?",
    "żółć 😀 \u202eright to left\u202c",
    "line one\nline two\n\n  indented",
    "\\x27 \\' \\\\",
)


@pytest.fixture(params=["memory", "sqlite"])
def inbox(request: pytest.FixtureRequest) -> TicketSink:
    if request.param == "memory":
        return MemoryInbox()
    return SqlInbox(request.getfixturevalue("engine"), iter(f"ticket-{n}" for n in range(1, 10_000)).__next__)


def test_a_ticket_comes_back_as_it_was_sent(inbox: TicketSink) -> None:
    sent = draft(question_id="q1", declined=("slow-computer",), session="visit", lang="pl")

    ticket = inbox.submit(sent, "key-0001", shown=("printer-not-printing", "paper-jam"), at=NOON)

    assert ticket == Ticket(
        id="ticket-1",
        number=1,
        at=NOON,
        subject="The printer is offline",
        body="It is the one on the third floor.",
        email="anna@example.com",
        question_id="q1",
        shown=("printer-not-printing", "paper-jam"),
        declined=("slow-computer",),
        lang="pl",
    )
    assert inbox.ticket("ticket-1") == ticket


def test_an_unknown_ticket_is_none(inbox: TicketSink) -> None:
    assert inbox.ticket("ticket-1") is None


def test_tickets_are_numbered_from_one(inbox: TicketSink) -> None:
    numbers = [inbox.submit(draft(), f"key-{n}", shown=(), at=NOON).number for n in range(4)]

    assert numbers == [1, 2, 3, 4]


def test_the_same_key_gives_the_same_ticket_however_often_it_is_sent(inbox: TicketSink) -> None:
    first = inbox.submit(draft(), "key-0001", shown=("paper-jam",), at=NOON)
    again = [inbox.submit(draft(), "key-0001", shown=(), at=after(hours=n)) for n in (1, 2, 3)]

    assert again == [first, first, first]


def test_the_same_text_with_another_key_is_another_ticket(inbox: TicketSink) -> None:
    numbers = {inbox.submit(draft(), key, shown=(), at=NOON).number for key in ("key-0001", "key-0002")}

    assert numbers == {1, 2}


@pytest.mark.parametrize("field", ["subject", "body", "email"])
def test_the_same_key_with_another_text_is_a_conflict(inbox: TicketSink, field: str) -> None:
    first = inbox.submit(draft(), "key-0001", shown=(), at=NOON)

    with pytest.raises(TicketConflict) as caught:
        inbox.submit(replace(draft(), **{field: "another"}), "key-0001", shown=(), at=NOON)

    assert str(caught.value) == (
        "The idempotency key 'key-0001' was used for another ticket. Send a new key with a new ticket."
    )
    assert inbox.submit(draft(), "key-0001", shown=(), at=NOON) == first
    assert inbox.ticket("ticket-2") is None


def test_what_was_shown_beside_it_does_not_make_it_another_ticket(inbox: TicketSink) -> None:
    first = inbox.submit(draft(), "key-0001", shown=(), at=NOON)
    again = inbox.submit(draft(question_id="q1", declined=("x",)), "key-0001", shown=("x",), at=NOON)

    assert again == first


def test_eight_threads_that_send_one_key_at_once_make_one_ticket(inbox: TicketSink) -> None:
    start = Barrier(8)

    def send(_number: int) -> Ticket:
        start.wait(timeout=30)
        return inbox.submit(draft(), "key-0001", shown=(), at=NOON)

    with ThreadPoolExecutor(8) as threads:
        tickets = list(threads.map(send, range(8)))

    assert tickets == [tickets[0]] * 8
    assert inbox.submit(draft(), "key-0002", shown=(), at=NOON).number == 2


def test_eight_threads_that_send_eight_keys_at_once_make_eight_tickets(inbox: TicketSink) -> None:
    start = Barrier(8)

    def send(number: int) -> Ticket:
        start.wait(timeout=30)
        return inbox.submit(draft(), f"key-{number}", shown=(), at=NOON)

    with ThreadPoolExecutor(8) as threads:
        tickets = list(threads.map(send, range(8)))

    assert sorted(ticket.number for ticket in tickets) == [1, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize("text", HOSTILE)
def test_sql_and_html_in_every_field_come_back_as_the_same_text(inbox: TicketSink, text: str) -> None:
    sent = draft(subject=text, body=text, email=text, question_id=text, declined=(text, text), session=text, lang=text)

    inbox.submit(sent, text, shown=(text,), at=NOON)
    ticket = inbox.ticket("ticket-1")

    assert ticket == Ticket("ticket-1", 1, NOON, text, text, text, text, (text,), (text, text), text)
    assert inbox.submit(draft(), "another key", shown=(), at=NOON).number == 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=("Cc", "Cs"))))
def test_any_text_comes_back_as_it_was_sent(inbox: TicketSink, text: str) -> None:
    ticket = inbox.submit(draft(subject=text, body=text * 3), f"key of {text}", shown=(text,), at=NOON)

    assert inbox.ticket(ticket.id) == ticket
    assert (ticket.subject, ticket.body, ticket.shown) == (text, text * 3, (text,))


def test_a_ticket_of_twenty_thousand_words_is_kept_whole(inbox: TicketSink) -> None:
    body = "offline again " * 14_000

    ticket = inbox.submit(draft(body=body), "key-0001", shown=(), at=NOON)

    assert ticket.body == body
    assert inbox.ticket(ticket.id) == ticket


def test_the_time_of_a_ticket_comes_back_in_utc(inbox: TicketSink) -> None:
    at = datetime(2026, 7, 1, 14, tzinfo=timezone(timedelta(hours=2)))

    ticket = inbox.submit(draft(), "key-0001", shown=(), at=at)

    assert ticket.at == datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert inbox.ticket(ticket.id) == ticket


def test_a_ticket_shows_nothing_personal_in_a_log(inbox: TicketSink) -> None:
    assert repr(inbox.submit(draft(), "key-0001", shown=(), at=NOON)) == "<Ticket 1 of 2026-11-21>"
