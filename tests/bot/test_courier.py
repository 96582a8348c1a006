"""The outbox and the courier, over a real SQLite file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import count
from threading import Barrier

import pytest
import sqlalchemy as sa

from bot.attachments import upload
from bot.courier import ATTEMPTS, BASE, CAP, Courier, Route, wait
from bot.errors import DeliveryFailed, Message, SendingUnknown
from bot.handoff import HandedTicket, Receipt
from bot.handoff.mail import Mailer
from bot.handoff.memory import MemorySink
from bot.handoff.zammad import ZammadSink
from bot.inbox import SqlInbox
from bot.models import Ticket, TicketMessage
from bot.outbox import KEPT, LEASE, Letter, Sending, SqlOutbox
from bot.outgoing import Outgoing, Written
from bot.tables import outbox
from tests.bot.samples import NOON, after, draft
from tests.receivers import LOOPBACK, Mailbox, ZammadDesk, mail_server, running, words_of

DOWN = DeliveryFailed(Message("%(host)s does not answer: Connection refused.", host="desk.example"))
WRONG = DeliveryFailed(Message("%(host)s answered 422.", host="desk.example"), permanent=True)


class Words:
    """Letters in no language."""

    def details(self, ticket: Ticket) -> str:
        return f"details of {ticket.number}"

    def accepted(self, ticket: Ticket) -> str:
        return f"{ticket.number} is solved"

    def answered(self, message: TicketMessage) -> str:
        return f"{message.name or 'Somebody'} answered"

    def confirmation(self, ticket: Ticket) -> Written:
        return Written(f"Ticket {ticket.number}", "We have it.")

    def answer(self, ticket: Ticket, message: TicketMessage) -> Written:
        return Written(f"Answer to {ticket.number}", message.text)


class Moody(MemorySink):
    """A desk that fails for the tickets it is told to, as often as it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.moods: dict[int, list[DeliveryFailed]] = {}
        self.order: list[str] = []

    def submit(self, handed: HandedTicket, idempotency_key: str) -> Receipt:
        if moods := self.moods.get(handed.ticket.number):
            raise moods.pop(0)
        self.order.append(idempotency_key)
        return super().submit(handed, idempotency_key)


class Office:
    """An inbox whose tickets are handed on to `sink`, and a clock that stands still until it is moved."""

    def __init__(self, engine: sa.Engine, sink: Moody, name: str = "zammad", *, mailer: Mailer | None = None) -> None:
        self.now = NOON
        self.outbox = SqlOutbox(engine)
        self.sink = sink
        ids = (f"id-{n}" for n in count(1))
        mails = mailer is not None
        outgoing = Outgoing(self.outbox, Words(), name, mails=mails, own=frozenset({"desk@help.example"}))
        self.inbox = SqlInbox(engine, ids.__next__, outgoing=outgoing)
        self.route = Route(self.inbox, self.outbox, {name: sink} if name else {}, mailer)
        self.courier = self.another("server-1")

    def another(self, owner: str) -> Courier:
        return Courier(self.outbox, self.route, owner=owner, now=lambda: self.now, random=lambda: 1.0)

    def send(self, key: str = "key-0001", at: datetime = NOON) -> Ticket:
        return self.inbox.submit(draft(), key, shown=(), at=at)

    def pass_time(self, **span: float) -> None:
        self.now += timedelta(**span)

    @property
    def rows(self) -> list[Sending]:
        return list(reversed(self.outbox.find().rows))

    @property
    def states(self) -> list[tuple[str, str]]:
        return [(row.letter.kind, row.state) for row in self.rows]


@pytest.fixture
def office(engine: sa.Engine) -> Office:
    return Office(engine, Moody())


# --- what is written -------------------------------------------------------------------------------------------


def test_a_ticket_its_messages_and_its_end_go_over_in_order(office: Office) -> None:
    ticket = office.send()
    office.inbox.say(ticket.id, "requester", "And now it smokes.", after(minutes=1))
    office.inbox.say(ticket.id, "agent", "Pull the plug.", after(minutes=2), name="Kim Nowak")
    assert office.inbox.judge(ticket.id, "accepted", "", after(minutes=3))
    office.pass_time(minutes=5)

    assert office.courier.work() == 4

    assert [handed.ticket.subject for handed in office.sink.tickets.values()] == ["The printer is offline"]
    assert [(ref, said.author, said.heading, said.text) for ref, said in office.sink.remarks.values()] == [
        ("1", "requester", "", "And now it smokes."),
        ("1", "agent", "Kim Nowak answered", "Pull the plug."),
    ]
    assert list(office.sink.notes.values()) == [("1", "1 is solved")]
    assert {row.state for row in office.rows} == {"delivered"}


def test_files_and_details_go_along(office: Office) -> None:
    office.inbox.attach("key-0001", upload("notes.txt", b"offline"), NOON)
    office.send()
    office.courier.work()

    ((handed),) = office.sink.tickets.values()
    assert [(file.name, file.content) for file in handed.files] == [("notes.txt", b"offline")]
    assert handed.text.endswith("-- \ndetails of 1")


def test_a_ticket_that_is_not_stored_is_not_sent_either(office: Office, engine: sa.Engine) -> None:
    office.send()
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE outbox RENAME COLUMN payload TO gone")
    with pytest.raises(Exception, match="payload"):
        office.inbox.submit(draft(), "key-0002", shown=(), at=NOON)

    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM tickets").scalar_one() == 1


def test_a_ticket_older_than_the_hand_off_goes_over_before_what_is_written_to_it(engine: sa.Engine) -> None:
    plain = Office(engine, Moody(), "")
    ticket = plain.send()
    assert plain.rows == []

    office = Office(engine, Moody())
    office.inbox.say(ticket.id, "requester", "Any news?", after(minutes=1))
    office.pass_time(minutes=2)
    office.courier.work()

    assert office.states == [("ticket", "delivered"), ("message", "delivered")]


# --- trying again ----------------------------------------------------------------------------------------------


def test_a_wait_doubles_up_to_six_hours_and_is_anything_below_that() -> None:
    assert [wait(n, lambda: 1.0).total_seconds() for n in (1, 2, 3, 12, 13, 27)] == [10, 20, 40, 20_480, 21_600, 21_600]
    assert wait(5, lambda: 0.0) == timedelta(0)
    mean = sum((wait(n, lambda: 0.5) for n in range(1, ATTEMPTS)), timedelta())
    assert (BASE, CAP, round(mean / timedelta(hours=1))) == (timedelta(seconds=10), timedelta(hours=6), 48)


def test_a_desk_that_is_down_for_five_tries_gets_the_ticket_on_the_sixth(office: Office) -> None:
    office.sink.moods[1] = [DOWN] * 5
    ticket = office.send()

    tried = []
    for _ in range(6):
        tried.append(office.courier.work())
        assert office.courier.work() == 0  # not before it is due
        assert office.outbox.stuck(ticket.id) is (len(tried) < 6)
        office.now = office.rows[0].next_at

    assert tried == [1] * 6
    (row,) = office.rows
    assert (row.state, row.attempts, row.reference, row.at + timedelta(seconds=310)) == (
        "delivered", 6, "1", row.next_at,
    )  # fmt: skip


def test_a_requester_is_told_so_also_while_a_failed_ticket_is_tried_again(office: Office) -> None:
    office.sink.moods[1] = [DOWN]
    ticket = office.send()
    told = [office.outbox.stuck(ticket.id)]
    office.courier.work()
    office.now = office.rows[0].next_at

    assert office.outbox.claim(["zammad"], "server-1", office.now) is not None
    told.append(office.outbox.stuck(ticket.id))

    assert (told, office.outbox.counts()["failing"]) == ([False, True], 1)


def test_what_a_desk_asks_for_is_waited_but_not_longer_than_a_day(office: Office) -> None:
    office.sink.moods[1] = [
        DeliveryFailed(Message("busy"), retry_after=600),
        DeliveryFailed(Message("busy"), retry_after=10**8),
    ]
    office.send()

    office.courier.work()
    assert office.rows[0].next_at == after(minutes=10)
    office.now = office.rows[0].next_at
    office.courier.work()
    assert office.rows[0].next_at == office.now + timedelta(days=1)


def test_after_the_last_try_a_letter_is_dead_and_one_that_is_refused_at_once(office: Office) -> None:
    office.sink.moods = {1: [DOWN] * ATTEMPTS, 2: [WRONG]}
    office.send("key-0001")
    office.send("key-0002")

    for _ in range(ATTEMPTS):
        office.courier.work()
        office.pass_time(hours=7)

    assert [(row.state, row.attempts, str(row.error)) for row in office.rows] == [
        ("dead", ATTEMPTS, "desk.example does not answer: Connection refused."),
        ("dead", 1, "desk.example answered 422."),
    ]
    assert office.outbox.dead() == 2
    assert office.courier.work() == 0


def test_a_dead_ticket_holds_up_its_own_messages_and_no_other_ticket(office: Office) -> None:
    office.sink.moods[1] = [WRONG]
    first, second = office.send("key-0001"), office.send("key-0002")
    for ticket in (first, second):
        office.inbox.say(ticket.id, "requester", "Any news?", NOON)
    office.courier.work()

    assert office.states == [
        ("ticket", "dead"), ("ticket", "delivered"), ("message", "waiting"), ("message", "delivered"),
    ]  # fmt: skip
    assert (office.outbox.stuck(first.id), office.outbox.stuck(second.id)) == (True, False)

    assert office.outbox.retry_dead(office.now) == 1
    office.courier.work()
    assert {row.state for row in office.rows} == {"delivered"}


def test_messages_of_a_ticket_that_was_discarded_are_discarded_too(office: Office) -> None:
    office.sink.moods[1] = [WRONG]
    ticket = office.send()
    office.inbox.say(ticket.id, "requester", "Any news?", NOON)
    office.courier.work()

    office.outbox.discard(office.rows[0].id, "Told by phone.", office.now)
    office.courier.work()

    assert [(row.state, str(row.error)) for row in office.rows] == [
        ("discarded", "Told by phone."),
        ("discarded", "The ticket it belongs to was never handed over."),
    ]
    assert [row.letter.payload for row in office.rows] == [{}, {}]


def test_a_person_can_try_now_and_has_all_tries_again(office: Office) -> None:
    office.sink.moods[1] = [DOWN]
    office.send()
    office.courier.work()
    assert office.courier.work() == 0

    office.outbox.retry(office.rows[0].id, office.now)
    assert (office.rows[0].attempts, office.outbox.woken.is_set()) == (0, True)
    assert office.courier.work() == 1
    office.outbox.retry(office.rows[0].id, office.now)  # nothing happens to what arrived
    assert office.rows[0].state == "delivered"
    with pytest.raises(SendingUnknown, match="with the id 7"):
        office.outbox.retry(7, office.now)


def test_what_arrived_is_emptied_after_a_week(office: Office) -> None:
    office.send()
    office.courier.work()
    office.pass_time(days=KEPT.days)
    office.courier.tidy()
    assert office.rows[0].letter.payload == {"details": "details of 1"}

    office.pass_time(hours=1)
    office.courier.tidy()
    assert (office.rows[0].letter.payload, office.rows[0].reference) == ({}, "1")


def test_an_answer_nobody_expected_is_tried_again_and_ends_nothing(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.sink.moods = {1: [KeyError("id")]}  # type: ignore[list-item]
    office.send("key-0001")
    office.send("key-0002")

    assert office.courier.work() == 2

    assert [row.state for row in office.rows] == ["waiting", "delivered"]
    assert str(office.rows[0].error) == "We did not understand its answer (KeyError)."
    assert "anna" not in caplog.text


# --- several servers -------------------------------------------------------------------------------------------


def test_couriers_of_several_servers_deliver_each_letter_once_and_in_order(engine: sa.Engine) -> None:
    office = Office(engine, Moody())
    for n in range(12):
        ticket = office.send(f"key-{n:04}")
        office.inbox.say(ticket.id, "requester", f"more {n}", NOON)
    start = Barrier(4)

    def deliver(name: int) -> int:
        start.wait()
        return sum(iter(office.another(f"server-{name}").work, 0))

    with ThreadPoolExecutor(4) as threads:
        tried = list(threads.map(deliver, range(4)))
    office.courier.work()

    assert {row.state for row in office.rows} == {"delivered"}
    assert (sum(tried), len(office.sink.order), len(set(office.sink.order))) == (24, 12, 12)
    assert len(office.sink.remarks) == 12


def test_a_letter_whose_server_died_is_taken_by_another_once_its_lease_is_over(office: Office) -> None:
    office.send()
    claimed = office.outbox.claim(["zammad"], "dead-server", office.now)
    assert claimed is not None

    assert office.courier.work() == 0
    office.pass_time(seconds=LEASE.total_seconds())
    assert office.courier.work() == 1

    # Should the other one live after all, its late word changes nothing.
    office.outbox.fail(claimed, "dead-server", Message("late"), None)
    assert office.rows[0].state == "delivered"


def test_a_letter_that_kills_every_server_is_given_up(office: Office) -> None:
    office.send()
    for _ in range(ATTEMPTS):
        assert office.outbox.claim(["zammad"], "dead-server", office.now) is not None
        office.pass_time(seconds=LEASE.total_seconds())

    office.courier.work()

    assert (office.rows[0].state, str(office.rows[0].error)) == (
        "dead",
        "The server stopped each time while it was sent.",
    )


def test_letters_for_a_sink_that_is_not_set_up_wait(engine: sa.Engine) -> None:
    Office(engine, Moody(), "zendesk").send()

    office = Office(engine, Moody(), "zammad")

    assert (office.courier.work(), office.states) == (0, [("ticket", "waiting")])


def test_the_thread_is_woken_by_a_ticket_and_stops_when_it_is_told(engine: sa.Engine) -> None:
    with running(ZammadDesk()) as desk:
        assert isinstance(desk, ZammadDesk)
        office = Office(engine, ZammadSink(desk.url, ZammadDesk.TOKEN, "Users", LOOPBACK))  # type: ignore[arg-type]
        arrived = Barrier(2, timeout=30)
        answer = desk.answer

        def told(asked: object) -> tuple[int, object]:
            said = answer(asked)  # type: ignore[arg-type]
            if getattr(asked, "method", "") == "POST":
                arrived.wait()
            return said

        desk.answer = told  # type: ignore[method-assign, assignment]
        office.courier.start()
        office.send()
        arrived.wait()
        office.courier.stop()

        assert office.states == [("ticket", "delivered")]
        assert office.rows[0].url == f"{desk.url}/#ticket/zoom/7"


# --- mail to requesters ----------------------------------------------------------------------------------------


@pytest.fixture
def posting(engine: sa.Engine) -> Iterator[Callable[[], tuple[Office, Mailbox]]]:
    with mail_server(Mailbox()) as box:
        mailer = Mailer(f"smtp://127.0.0.1:{box.port}", "desk@help.example", lambda: NOON)
        yield lambda: (Office(engine, Moody(), "", mailer=mailer), box)


def test_a_requester_gets_a_confirmation_and_each_answer_in_one_thread(
    posting: Callable[[], tuple[Office, Mailbox]],
) -> None:
    office, box = posting()
    ticket = office.send()
    office.inbox.say(ticket.id, "agent", "Pull the plug.\nThen wait.", NOON)
    office.inbox.say(ticket.id, "requester", "It works.", NOON)
    office.courier.work()

    confirmation, answer = box.mails
    assert [(mail["To"], mail["Subject"], words_of(mail)) for mail in box.mails] == [
        ("anna@example.com", "Ticket 1", "We have it."),
        ("anna@example.com", "Answer to 1", "Pull the plug.\nThen wait."),
    ]
    assert answer["In-Reply-To"] == answer["References"] == confirmation["Message-ID"]
    assert {mail["Auto-Submitted"] for mail in box.mails} == {"auto-generated"}


@pytest.mark.parametrize("address", ["desk@help.example", "MAILER-DAEMON@x.example", "no-reply+1@x.example"])
def test_programs_and_our_own_addresses_get_no_mail(
    posting: Callable[[], tuple[Office, Mailbox]], address: str
) -> None:
    office, _ = posting()
    office.inbox.submit(draft(email=address), "key-0001", shown=(), at=NOON)

    assert office.rows == []


def test_a_failing_mailbox_does_not_hold_up_the_desk_nor_count_as_stuck(engine: sa.Engine) -> None:
    mailer = Mailer("smtp://127.0.0.1:1", "desk@help.example", lambda: NOON)
    office = Office(engine, Moody(), mailer=mailer)
    ticket = office.send()
    office.courier.work()

    assert office.states == [("ticket", "delivered"), ("mail", "waiting")]
    assert not office.outbox.stuck(ticket.id)


def test_rows_go_with_their_ticket(office: Office, engine: sa.Engine) -> None:
    office.send()
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM tickets")
        assert connection.execute(sa.select(sa.func.count()).select_from(outbox)).scalar_one() == 0
    assert office.outbox.counts() == dict.fromkeys(("waiting", "failing", "dead", "delivered", "discarded"), 0)


def test_a_letter_is_written_once_by_its_key(office: Office) -> None:
    for _ in range(2):
        office.outbox.post(Letter("zammad", "note", "zammad-note-1", "desk:7", payload={"text": "x", "to": "7"}), NOON)
    office.courier.work()

    assert list(office.sink.notes.values()) == [("7", "x")]
