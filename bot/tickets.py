"""The `TicketSink` seam, and the inbox that comes with the product."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import sqlalchemy as sa

from bot.database import reachable, tickets
from bot.errors import Message, TicketConflict, TicketInvalid
from bot.models import MAX_BODY, MAX_SUBJECT, SentTicket, Ticket, TicketDraft

_EMAIL = re.compile(r"[^@\s<>\"\x00-\x1f\x7f]{1,64}@[^@\s<>\".\x00-\x1f\x7f]+(?:\.[^@\s<>\".\x00-\x1f\x7f]+)+")


class TicketSink(Protocol):
    """Takes tickets. The same idempotency key gives the same ticket, however often it is sent."""

    def submit(self, draft: TicketDraft, idempotency_key: str, *, shown: tuple[str, ...], at: datetime) -> Ticket:
        """The ticket as it was taken.

        Raises TicketConflict where the key was used for another draft, StoreUnavailable where it could not be kept.
        """
        ...

    def ticket(self, ticket_id: str) -> Ticket | None: ...


class MemoryInbox:
    """A fake for tests: a dictionary."""

    def __init__(self) -> None:
        self._tickets: dict[str, tuple[str, Ticket]] = {}
        self._sent: list[SentTicket] = []
        self._lock = threading.Lock()

    def submit(self, draft: TicketDraft, idempotency_key: str, *, shown: tuple[str, ...], at: datetime) -> Ticket:
        with self._lock:
            if (known := self._tickets.get(idempotency_key)) is not None:
                if known[0] != fingerprint(draft):
                    raise _conflict(idempotency_key)
                return known[1]
            number = len(self._tickets) + 1
            ticket = _ticket(draft, f"ticket-{number}", number, shown, at)
            self._tickets[idempotency_key] = fingerprint(draft), ticket
            self._sent.append(SentTicket(at, draft.session, draft.question_id))
            return ticket

    def ticket(self, ticket_id: str) -> Ticket | None:
        return next((ticket for _, ticket in self._tickets.values() if ticket.id == ticket_id), None)

    def sent(self) -> tuple[SentTicket, ...]:
        """What a MemoryEventStore needs to know of the tickets."""
        return tuple(self._sent)


class SqlInbox:
    """Tickets in a SQL database. `new_id` makes ids that cannot be guessed."""

    def __init__(self, engine: sa.Engine, new_id: Callable[[], str]) -> None:
        self._engine, self._new_id = engine, new_id

    def submit(self, draft: TicketDraft, idempotency_key: str, *, shown: tuple[str, ...], at: datetime) -> Ticket:
        row = {
            "id": self._new_id(),
            "idempotency_key": idempotency_key,
            "fingerprint": fingerprint(draft),
            "at": at,
            "subject": draft.subject,
            "body": draft.body,
            "email": draft.email,
            "question_id": draft.question_id,
            "session": draft.session,
            "shown": list(shown),
            "declined": list(draft.declined),
            "lang": draft.lang,
        }
        with reachable("The ticket could not be stored"):
            try:
                with self._engine.begin() as connection:
                    number = connection.execute(tickets.insert().values(row).returning(tickets.c.number)).scalar_one()
            except sa.exc.IntegrityError:
                return self._sent_before(draft, idempotency_key)
        return _ticket(draft, str(row["id"]), number, shown, at)

    def _sent_before(self, draft: TicketDraft, idempotency_key: str) -> Ticket:
        with self._engine.connect() as connection:
            row = connection.execute(tickets.select().where(tickets.c.idempotency_key == idempotency_key)).one()
        if row.fingerprint != fingerprint(draft):
            raise _conflict(idempotency_key)
        return _read(row)

    def ticket(self, ticket_id: str) -> Ticket | None:
        with reachable("The ticket could not be read"), self._engine.connect() as connection:
            row = connection.execute(tickets.select().where(tickets.c.id == ticket_id)).first()
        return _read(row) if row else None


def check(draft: TicketDraft) -> None:
    """Raises TicketInvalid that names every field to mend, in words for the person who filled it in."""
    fields: dict[str, Message] = {}
    if not draft.subject.strip():
        fields["subject"] = Message("Enter a subject, a few words about what you need.")
    elif len(draft.subject) > MAX_SUBJECT:
        fields["subject"] = Message(
            "Shorten the subject to %(limit)s characters or fewer. The details fit below it.", limit=MAX_SUBJECT
        )
    if not draft.body.strip():
        fields["body"] = Message("Describe what happened, so that we can help.")
    elif len(draft.body) > MAX_BODY:
        fields["body"] = Message("Shorten the description to %(limit)s characters or fewer.", limit=MAX_BODY)
    if not draft.email.strip():
        fields["email"] = Message("Enter your e-mail address, so that we can reply.")
    elif not _EMAIL.fullmatch(draft.email.strip()) or len(draft.email) > 254:
        fields["email"] = Message("Enter an e-mail address like name@example.com.")
    if fields:
        raise TicketInvalid(fields)


def fingerprint(draft: TicketDraft) -> str:
    """Tells whether two drafts are the same ticket: what the person typed, not what was shown beside it."""
    typed = [draft.subject, draft.body, draft.email]
    return hashlib.sha256(json.dumps(typed).encode()).hexdigest()


def _conflict(key: str) -> TicketConflict:
    return TicketConflict(f"The idempotency key {key!r} was used for another ticket. Send a new key with a new ticket.")


def _ticket(draft: TicketDraft, ticket_id: str, number: int, shown: tuple[str, ...], at: datetime) -> Ticket:
    return Ticket(
        id=ticket_id,
        number=number,
        at=at,
        subject=draft.subject,
        body=draft.body,
        email=draft.email,
        question_id=draft.question_id,
        shown=shown,
        declined=draft.declined,
        lang=draft.lang,
    )


def _read(row: sa.Row[tuple[object, ...]]) -> Ticket:
    values = row._mapping
    return Ticket(
        id=values["id"],
        number=values["number"],
        at=values["at"],
        subject=values["subject"],
        body=values["body"],
        email=values["email"],
        question_id=values["question_id"],
        shown=tuple(values["shown"]),
        declined=tuple(values["declined"]),
        lang=values["lang"],
    )
