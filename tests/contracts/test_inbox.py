"""What every inbox does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from threading import Barrier

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.attachments import upload
from bot.errors import AttachmentRefused, TicketConflict
from bot.inbox import Inbox, SqlInbox
from bot.memory_inbox import MemoryInbox
from bot.models import STOPPED, Clock, Ticket, TicketMessage
from tests.bot.samples import NOON, after, draft
from tests.databases import STORES, engine_of

HOSTILE = (
    "'); DROP TABLE tickets; --",
    'Robert"); DELETE FROM tickets WHERE (1=1',
    "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "{{ 7 * 7 }} ${7*7} %s %(subject)s :subject ?",
    "żółć 😀 \u202eright to left\u202c",
    "line one\nline two\n\n  indented",
    "\\x27 \\' \\\\",
)

SCREEN, NOTES = upload("screen.png", b"\x89P\x00"), upload("notes.txt", "żółć".encode())


@pytest.fixture(params=STORES)
def inbox(request: pytest.FixtureRequest) -> Inbox:
    if request.param == "memory":
        return MemoryInbox()
    return SqlInbox(engine_of(request), iter(f"ticket-{n}" for n in range(1, 10_000)).__next__)


def test_a_ticket_comes_back_as_it_was_sent(inbox: Inbox) -> None:
    sent = draft(
        question_id="q1",
        declined=("slow-computer",),
        session="visit",
        lang="pl",
        topic="Hardware",
        department="Sales",
        conversation=("q0", "q1"),
    )

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
        topic="Hardware",
        department="Sales",
        conversation=("q0", "q1"),
        state="received",
        due=after(hours=8),
        clock=Clock(NOON),
        changed=NOON,
    )
    assert inbox.ticket("ticket-1") == ticket


def test_an_unknown_ticket_is_none(inbox: Inbox) -> None:
    assert inbox.ticket("ticket-1") is None


def test_tickets_are_numbered_from_one(inbox: Inbox) -> None:
    numbers = [inbox.submit(draft(), f"key-{n}", shown=(), at=NOON).number for n in range(4)]

    assert numbers == [1, 2, 3, 4]


def test_the_same_key_gives_the_same_ticket_however_often_it_is_sent(inbox: Inbox) -> None:
    first = inbox.submit(draft(), "key-0001", shown=("paper-jam",), at=NOON)
    again = [inbox.submit(draft(), "key-0001", shown=(), at=after(hours=n)) for n in (1, 2, 3)]

    assert again == [first, first, first]


def test_the_same_text_with_another_key_is_another_ticket(inbox: Inbox) -> None:
    numbers = {inbox.submit(draft(), key, shown=(), at=NOON).number for key in ("key-0001", "key-0002")}

    assert numbers == {1, 2}


@pytest.mark.parametrize("field", ["subject", "body", "email", "topic", "department"])
def test_the_same_key_with_another_text_is_a_conflict(inbox: Inbox, field: str) -> None:
    first = inbox.submit(draft(), "key-0001", shown=(), at=NOON)

    with pytest.raises(TicketConflict) as caught:
        inbox.submit(replace(draft(), **{field: "another"}), "key-0001", shown=(), at=NOON)

    assert str(caught.value) == (
        "The idempotency key 'key-0001' was used for another ticket. Send a new key with a new ticket."
    )
    assert inbox.submit(draft(), "key-0001", shown=(), at=NOON) == first
    assert inbox.ticket("ticket-2") is None


def test_what_was_shown_beside_it_does_not_make_it_another_ticket(inbox: Inbox) -> None:
    first = inbox.submit(draft(), "key-0001", shown=(), at=NOON)
    again = inbox.submit(draft(question_id="q1", declined=("x",)), "key-0001", shown=("x",), at=NOON)

    assert again == first


def test_eight_threads_that_send_one_key_at_once_make_one_ticket(inbox: Inbox) -> None:
    start = Barrier(8)

    def send(_number: int) -> Ticket:
        start.wait(timeout=30)
        return inbox.submit(draft(), "key-0001", shown=(), at=NOON)

    with ThreadPoolExecutor(8) as threads:
        tickets = list(threads.map(send, range(8)))

    assert tickets == [tickets[0]] * 8
    # PostgreSQL leaves out the numbers that the others had been given before they met the key.
    assert inbox.submit(draft(), "key-0002", shown=(), at=NOON).number > tickets[0].number


def test_eight_threads_that_send_eight_keys_at_once_make_eight_tickets(inbox: Inbox) -> None:
    start = Barrier(8)

    def send(number: int) -> Ticket:
        start.wait(timeout=30)
        return inbox.submit(draft(), f"key-{number}", shown=(), at=NOON)

    with ThreadPoolExecutor(8) as threads:
        tickets = list(threads.map(send, range(8)))

    assert sorted(ticket.number for ticket in tickets) == [1, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize("text", HOSTILE)
def test_sql_and_html_in_every_field_come_back_as_the_same_text(inbox: Inbox, text: str) -> None:
    short, lang = text[:32], text[:8]  # as long as any that pages and API take
    sent = draft(subject=text, body=text, email=text, question_id=short, declined=(text, text), session=text, lang=lang)

    inbox.submit(sent, text, shown=(text,), at=NOON)
    ticket = inbox.ticket("ticket-1")

    assert ticket is not None
    typed = replace(ticket, due=None, clock=STOPPED, changed=None)
    assert typed == Ticket("ticket-1", 1, NOON, text, text, text, short, (text,), (text, text), lang)
    assert inbox.submit(draft(), "another key", shown=(), at=NOON).number == 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=("Cc", "Cs"))))
def test_any_text_comes_back_as_it_was_sent(inbox: Inbox, text: str) -> None:
    ticket = inbox.submit(draft(subject=text, body=text * 3), f"key of {text}", shown=(text,), at=NOON)

    assert inbox.ticket(ticket.id) == ticket
    assert (ticket.subject, ticket.body, ticket.shown) == (text, text * 3, (text,))


def test_a_ticket_of_twenty_thousand_words_is_kept_whole(inbox: Inbox) -> None:
    body = "offline again " * 14_000

    ticket = inbox.submit(draft(body=body), "key-0001", shown=(), at=NOON)

    assert ticket.body == body
    assert inbox.ticket(ticket.id) == ticket


def test_the_time_of_a_ticket_comes_back_in_utc(inbox: Inbox) -> None:
    at = datetime(2026, 7, 1, 14, tzinfo=timezone(timedelta(hours=2)))

    ticket = inbox.submit(draft(), "key-0001", shown=(), at=at)

    assert ticket.at == datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert inbox.ticket(ticket.id) == ticket


def test_a_ticket_shows_nothing_personal_in_a_log(inbox: Inbox) -> None:
    assert repr(inbox.submit(draft(), "key-0001", shown=(), at=NOON)) == "<Ticket 1 of 2026-11-21>"


# --- files -------------------------------------------------------------------------------------------------------


def test_a_file_waits_for_its_ticket_and_belongs_to_it_then(inbox: Inbox) -> None:
    waits = inbox.attach("key-0001", SCREEN, NOON)
    notes = inbox.attach("key-0001", NOTES, after(seconds=1))
    inbox.attach("key-0002", upload("another.txt", b"of somebody else"), NOON)
    assert inbox.waiting("key-0001") == (waits, notes)
    assert (waits.name, waits.media_type, waits.size) == ("screen.png", "image/png", 3)

    ticket = inbox.submit(draft(), "key-0001", shown=(), at=NOON)

    assert ticket.attachments == (waits, notes)
    assert inbox.ticket(ticket.id) == ticket
    assert inbox.waiting("key-0001") == ()
    assert inbox.file(ticket.id, waits.id) == (waits, b"\x89P\x00")


def test_the_same_file_is_kept_once_and_one_sent_later_under_the_key_joins_the_ticket(inbox: Inbox) -> None:
    first = inbox.attach("key-0001", SCREEN, NOON)
    inbox.submit(draft(), "key-0001", shown=(), at=NOON)
    assert inbox.attach("key-0001", SCREEN, NOON) == first
    late = inbox.attach("key-0001", NOTES, after(seconds=1))

    assert inbox.submit(draft(), "key-0001", shown=(), at=NOON).attachments == (first, late)


def test_a_waiting_file_can_be_removed_by_its_key_alone_and_a_sent_one_cannot(inbox: Inbox) -> None:
    screen, notes = inbox.attach("key-0001", SCREEN, NOON), inbox.attach("key-0001", NOTES, after(seconds=1))
    inbox.detach("key-0002", screen.id)
    inbox.detach("key-0001", notes.id)
    ticket = inbox.submit(draft(), "key-0001", shown=(), at=NOON)
    inbox.detach("key-0001", screen.id)

    assert inbox.file(ticket.id, screen.id) == (screen, SCREEN.content)
    assert inbox.file(ticket.id, notes.id) is None
    assert inbox.file("another", screen.id) is None


def test_files_can_wait_under_another_key_too(inbox: Inbox) -> None:
    inbox.attach("key-0001", SCREEN, NOON)
    ticket = inbox.submit(draft(), "key-0001", shown=(), at=NOON)
    inbox.carry("key-0001", "key-0002", NOON)

    assert [file.name for file in inbox.waiting("key-0002")] == ["screen.png"]
    assert [file.name for file in inbox.submit(draft(), "key-0002", shown=(), at=NOON).attachments] == ["screen.png"]
    assert len(inbox.ticket(ticket.id).attachments) == 1


def test_carried_files_keep_their_order_and_those_there_is_no_room_for_stay_behind(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox.attach("key-0001", SCREEN, NOON)
    inbox.attach("key-0001", NOTES, after(seconds=1))
    inbox.carry("key-0001", "key-0002", after(seconds=2))
    monkeypatch.setattr("bot.inbox.WAITING_BYTES", 2 * (3 + 8) + 5)
    inbox.carry("key-0001", "key-0003", after(seconds=2))

    assert [file.name for file in inbox.waiting("key-0002")] == ["screen.png", "notes.txt"]
    assert [file.name for file in inbox.waiting("key-0003")] == ["screen.png"]


def test_a_file_that_follows_a_removed_one_is_another_one(inbox: Inbox) -> None:
    screen, notes = inbox.attach("key-0001", SCREEN, NOON), inbox.attach("key-0001", NOTES, after(seconds=1))
    inbox.detach("key-0001", screen.id)
    late = inbox.attach("key-0001", SCREEN, after(seconds=2))
    inbox.detach("key-0001", late.id)

    assert inbox.waiting("key-0001") == (notes,)


def test_a_file_that_waits_for_more_than_a_day_is_removed_and_a_sent_one_stays(inbox: Inbox) -> None:
    sent = inbox.attach("key-0001", SCREEN, NOON)
    ticket = inbox.submit(draft(), "key-0001", shown=(), at=NOON)
    inbox.attach("key-0002", SCREEN, NOON)
    inbox.attach("key-0003", SCREEN, after(hours=24))
    assert len(inbox.waiting("key-0002")) == 1
    inbox.attach("key-0003", NOTES, after(hours=24, seconds=1))

    assert inbox.waiting("key-0002") == ()
    assert len(inbox.waiting("key-0003")) == 2
    assert inbox.file(ticket.id, sent.id) is not None


def test_only_so_many_bytes_wait_in_all_and_sent_ones_do_not_count(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.inbox.WAITING_BYTES", 10)
    inbox.attach("key-0001", SCREEN, NOON)
    inbox.submit(draft(), "key-0001", shown=(), at=NOON)
    inbox.attach("key-0002", SCREEN, NOON)
    inbox.attach("key-0003", SCREEN, NOON)
    with pytest.raises(AttachmentRefused, match=r"^We cannot take “notes.txt” at the moment\."):
        inbox.attach("key-0003", NOTES, NOON)

    assert len(inbox.waiting("key-0003")) == 1


# --- afterwards --------------------------------------------------------------------------------------------------


def test_an_answer_that_is_accepted_solves_the_ticket_and_one_that_is_refused_opens_it_again(inbox: Inbox) -> None:
    inbox.submit(draft(), "key-0001", shown=(), at=NOON)
    inbox.say("ticket-1", "agent", "Switch it on.", after(hours=1))
    assert inbox.ticket("ticket-1").state == "answered"
    assert inbox.judge("ticket-1", "refused", "It is on.", after(hours=2))
    assert inbox.ticket("ticket-1").state == "received"
    inbox.say("ticket-1", "agent", "Then <b>off</b> and on.", after(hours=3))
    assert inbox.judge("ticket-1", "accepted", "", after(hours=4))

    ticket = inbox.ticket("ticket-1")
    assert ticket.state == "solved"
    assert ticket.messages == (
        TicketMessage(after(hours=1), "agent", "Switch it on.", "refused"),
        TicketMessage(after(hours=2), "requester", "It is on."),
        TicketMessage(after(hours=3), "agent", "Then <b>off</b> and on.", "accepted"),
    )


def test_only_an_answer_that_nothing_was_said_to_can_be_judged(inbox: Inbox) -> None:
    inbox.submit(draft(), "key-0001", shown=(), at=NOON)
    assert not inbox.judge("ticket-1", "accepted", "", NOON)
    inbox.say("ticket-1", "agent", "Switch it on.", NOON)
    assert inbox.judge("ticket-1", "accepted", "", NOON)
    assert not inbox.judge("ticket-1", "refused", "Too late.", NOON)
    inbox.say("ticket-1", "requester", "It is off again.", NOON)
    assert not inbox.judge("ticket-1", "accepted", "", NOON)

    ticket = inbox.ticket("ticket-1")
    assert (ticket.state, len(ticket.messages), ticket.open_answer) == ("received", 2, None)


def test_the_same_words_in_a_row_count_once_and_an_agent_may_close_a_ticket(inbox: Inbox) -> None:
    inbox.submit(draft(), "key-0001", shown=(), at=NOON)
    for author, text in (
        ("requester", "Hello?"),
        ("requester", "Hello?"),
        ("agent", "Hello?"),
        ("requester", "Hello?"),
    ):
        inbox.say("ticket-1", author, text, NOON)
    assert [message.author for message in inbox.ticket("ticket-1").messages] == ["requester", "agent", "requester"]
    inbox.close("ticket-1", NOON)

    assert inbox.ticket("ticket-1").state == "solved"
