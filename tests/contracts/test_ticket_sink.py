"""What every ticket sink does, each over a real socket to a desk of its shape."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bot.errors import DeliveryFailed
from bot.handoff import File, HandedTicket, Remark, TicketSink
from bot.handoff.mail import Mailer, SmtpSink
from bot.handoff.memory import MemorySink
from bot.handoff.webhook import WebhookSink
from bot.handoff.zammad import ZammadSink
from bot.handoff.zendesk import ZendeskSink
from bot.tickets import taken
from tests.bot.samples import NOON, draft
from tests.receivers import LOOPBACK, Mailbox, Seen, WebhookDesk, ZammadDesk, ZendeskDesk, mail_server, running

KEY = b"k" * 32
SCREEN = File("screen żółw.png", "image/png", b"\x89PNG\r\n\x1a\n\x00")
NOTES = File("notes.txt", "text/plain", b"offline since noon")
SMTP_SECRET = "mail-password"


@dataclass
class Pair:
    """A sink and the desk behind it; `busy`, `refuses` and `lost` are what goes wrong there, None in memory."""

    sink: TicketSink
    desk: Any
    busy: Any = 503
    refuses: Any = 422
    secret: str = ""


class _Memory:
    def __init__(self, sink: MemorySink) -> None:
        self.sink = sink

    def tickets(self) -> list[Seen]:
        return [
            Seen(t.ticket.subject, t.text, t.ticket.email, tuple((file.name, file.content) for file in t.files))
            for t in self.sink.tickets.values()
        ]

    def public(self) -> list[str]:
        return [said.text for _, said in self.sink.remarks.values() if said.author == "requester"]

    def internal(self) -> list[str]:
        answers = [said.text for _, said in self.sink.remarks.values() if said.author == "agent"]
        return answers + [text for _, text in self.sink.notes.values()]


@contextmanager
def _open(name: str) -> Iterator[Pair]:
    match name:
        case "memory":
            sink = MemorySink()
            yield Pair(sink, _Memory(sink))
        case "smtp":
            with mail_server(Mailbox()) as box:
                mailer = Mailer(f"smtp://127.0.0.1:{box.port}", "desk@help.example", lambda: NOON)
                yield Pair(SmtpSink(mailer, "queue@desk.example"), box, 451, 550)
        case "webhook":
            with running(WebhookDesk()) as desk:
                secret = base64.b64encode(KEY).decode()
                yield Pair(WebhookSink(desk.url, KEY, lambda: NOON, LOOPBACK), desk, secret=secret)
        case "zammad":
            with running(ZammadDesk()) as desk:
                yield Pair(ZammadSink(desk.url, ZammadDesk.TOKEN, "Users", LOOPBACK), desk, secret=ZammadDesk.TOKEN)
        case "zendesk":
            with running(ZendeskDesk()) as desk:
                sink = ZendeskSink(desk.url, ZendeskDesk.USER, ZendeskDesk.TOKEN, "", LOOPBACK)
                yield Pair(sink, desk, secret=ZendeskDesk.TOKEN)


@pytest.fixture(params=["memory", "smtp", "webhook", "zammad", "zendesk"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    with _open(request.param) as made:
        yield made


@pytest.fixture(params=["smtp", "webhook", "zammad", "zendesk"])
def real(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """A sink that a desk can refuse."""
    with _open(request.param) as made:
        yield made


def handed(**given: Any) -> HandedTicket:
    ticket = taken(draft(**given), "ticket-1", 1, (), NOON, ())
    return HandedTicket(ticket, "", "", (SCREEN, NOTES))


def test_a_ticket_arrives_with_its_words_its_files_and_who_asked(pair: Pair) -> None:
    receipt = pair.sink.submit(handed(subject="Drukarka żółta", body="Nie działa.\n\nOd rana."), "k-ticket-1")

    (seen,) = pair.desk.tickets()
    assert seen.subject.startswith("Drukarka żółta")
    assert (seen.text, seen.email) == ("Nie działa.\n\nOd rana.", "anna@example.com")
    assert [name for name, _ in seen.files] == [SCREEN.name, NOTES.name]
    if not isinstance(pair.sink, WebhookSink):  # names and addresses of files are all that a webhook has
        assert [content for _, content in seen.files] == [SCREEN.content, NOTES.content]
    assert receipt.reference


def test_the_same_key_is_the_same_ticket(pair: Pair) -> None:
    receipts = [pair.sink.submit(handed(), "k-ticket-1") for _ in range(3)]

    assert len(pair.desk.tickets()) == 1
    assert len(set(receipts)) == 1
    pair.sink.submit(handed(), "k-ticket-2")
    assert len(pair.desk.tickets()) == 2


def test_a_desk_that_knows_no_external_ids_and_lists_all_its_tickets_gets_the_ticket() -> None:
    with _open("zendesk") as pair:
        pair.sink.submit(handed(), "k-ticket-1")
        pair.desk.filters = False

        references = [pair.sink.submit(handed(), f"k-ticket-{n}").reference for n in (1, 2, 3)]

        assert references == ["35", "36", "37"]


def test_only_the_address_of_a_page_becomes_a_link() -> None:
    with _open("webhook") as pair:
        for told, url in (("https://desk.example/1", "https://desk.example/1"), ("javascript:alert(1)", "")):
            pair.desk.answer = lambda _asked, told=told: (200, {"reference": "1", "url": told})
            assert pair.sink.submit(handed(), "k-ticket-1").url == url


def test_what_is_written_later_is_added_once_and_what_agents_write_stays_internal(pair: Pair) -> None:
    reference = pair.sink.submit(handed(), "k-ticket-1").reference
    asked = Remark("requester", "And now it smokes.", "The printer is offline", "anna@example.com")
    for _ in range(2):
        pair.sink.say(reference, asked, "k-message-1-1")
        pair.sink.say(reference, replace(asked, author="agent", text="Pull the plug."), "k-message-1-2")
        pair.sink.note(reference, "The requester says that this is solved.", "k-note-1")

    assert pair.desk.public() == ["And now it smokes."]
    assert pair.desk.internal() == ["Pull the plug.", "The requester says that this is solved."]
    assert len(pair.desk.tickets()) == 1


def test_where_the_reply_is_lost_the_ticket_is_there_once(real: Pair) -> None:
    fault: Any = "lost"
    # Zendesk takes the two files first.
    real.desk.faults = [None, None, fault] if isinstance(real.sink, ZendeskSink) else [fault]

    with pytest.raises(DeliveryFailed) as caught:
        real.sink.submit(handed(), "k-ticket-1")
    assert not caught.value.permanent
    reference = real.sink.submit(handed(), "k-ticket-1").reference

    assert len(real.desk.tickets()) == 1
    real.desk.faults = [fault]
    with pytest.raises(DeliveryFailed):
        real.sink.note(reference, "Solved.", "k-note-1")
    real.sink.note(reference, "Solved.", "k-note-1")
    assert real.desk.internal() == ["Solved."]


def test_a_desk_that_is_busy_is_worth_another_try_and_one_that_refuses_is_not(real: Pair) -> None:
    real.desk.faults = [real.busy, real.refuses]

    with pytest.raises(DeliveryFailed) as busy:
        real.sink.submit(handed(), "k-ticket-1")
    with pytest.raises(DeliveryFailed) as refused:
        real.sink.submit(handed(), "k-ticket-1")

    assert (busy.value.permanent, refused.value.permanent) == (False, True)
    assert (str(real.busy) in str(busy.value), str(real.refuses) in str(refused.value)) == (True, True)
    assert "anna" not in str(busy.value) + str(refused.value)
    assert real.desk.tickets() == []


def test_nothing_a_person_types_becomes_a_header_or_an_address(real: Pair) -> None:
    hostile = "Hello\r\nBcc: eve@example.com\r\n\r\n<script>"

    real.sink.submit(handed(subject=hostile, body="Line\r\n.\r\nRCPT TO:<eve@example.com>\r\n"), "k-ticket-1")

    (seen,) = real.desk.tickets()
    assert "RCPT TO:<eve@example.com>" in seen.text
    if isinstance(real.desk, Mailbox):
        assert real.desk.mails[0]["Bcc"] is None
        assert real.desk.envelopes == [("desk@help.example", ["queue@desk.example"])]


def test_neither_a_sink_nor_its_errors_show_a_secret(real: Pair) -> None:
    if isinstance(real.sink, ZammadSink | ZendeskSink):
        wrong = replace(real.sink, token=f"{real.secret}x")
        with pytest.raises(DeliveryFailed) as caught:
            wrong.submit(handed(), "k-ticket-1")
        assert "401" in str(caught.value)
        assert f"{real.secret}x" not in str(caught.value)
        assert caught.value.permanent
    assert not real.secret or real.secret not in repr(real.sink)


def test_a_desk_that_is_not_there_is_worth_another_try(real: Pair) -> None:
    if isinstance(real.sink, SmtpSink):
        gone: TicketSink = SmtpSink(replace(real.sink.mailer, url=f"smtp://u:{SMTP_SECRET}@127.0.0.1:1"), "q@d.example")
    else:
        gone = replace(real.sink, url="http://127.0.0.1:1")  # type: ignore[type-var]

    with pytest.raises(DeliveryFailed) as caught:
        gone.submit(handed(), "k-ticket-1")

    assert str(caught.value).startswith("127.0.0.1")
    assert str(caught.value).endswith("does not answer: Connection refused.")
    assert (caught.value.permanent, SMTP_SECRET in repr(gone)) == (False, False)
