"""What is sent where when something happens to a ticket: to the desk it is handed on to, and to its requester."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import sqlalchemy as sa

from bot.models import Ticket, TicketMessage
from bot.outbox import MAIL, Kind, Letter, SqlOutbox

#: Mailboxes that programs write from: what is sent there comes back, or starts a loop of two programs (RFC 3834).
_PROGRAMS = re.compile(r"(mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?)([+.-].*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Written:
    """A message in somebody's language."""

    subject: str
    text: str


class Letters(Protocol):
    """Finds the words, in the language of the requester or the desk."""

    def details(self, ticket: Ticket) -> str:
        """What an agent of another desk should know beside the ticket."""
        ...

    def accepted(self, ticket: Ticket) -> str:
        """That the requester says it is solved, for agents."""
        ...

    def answered(self, message: TicketMessage) -> str:
        """Who answered the requester here, for agents."""
        ...

    def confirmation(self, ticket: Ticket) -> Written: ...

    def answer(self, ticket: Ticket, message: TicketMessage) -> Written: ...


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Writes into the outbox, in the transaction of what happened.

    `sink` is the other desk, "" where there is none; `mails` says whether requesters are written to; `own` are our own
    addresses, which never get mail of ours.
    """

    outbox: SqlOutbox
    letters: Letters
    sink: str = ""
    mails: bool = False
    own: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.sink) or self.mails

    def opened(self, connection: sa.Connection, ticket: Ticket) -> None:
        letters = [*self._handed(ticket)]
        if self._reachable(ticket):
            written = self.letters.confirmation(ticket)
            letters.append(self._mail(ticket, written, f"mail-{ticket.id}"))
        self.outbox.put(connection, letters, ticket.at)

    def said(self, connection: sa.Connection, ticket: Ticket, number: int, message: TicketMessage) -> None:
        """`number` is the message's own id."""
        letters = [*self._handed(ticket)]
        if self.sink:
            payload = {"author": message.author, "text": message.text}
            if message.author == "agent":
                payload["heading"] = self.letters.answered(message)
            letters.append(self._letter("message", ticket, f"message-{ticket.id}-{number}", payload))
        if message.author == "agent" and self._reachable(ticket):
            written = self.letters.answer(ticket, message)
            letters.append(self._mail(ticket, written, f"mail-{ticket.id}-{number}"))
        self.outbox.put(connection, letters, message.at)

    def accepted(self, connection: sa.Connection, ticket: Ticket, number: int, at: datetime) -> None:
        """The requester said that the answer with this id solved it."""
        if self.sink:
            note = self._letter("note", ticket, f"note-{ticket.id}-{number}", {"text": self.letters.accepted(ticket)})
            self.outbox.put(connection, [*self._handed(ticket), note], at)

    def note(self, reference: str, text: str, key: str, at: datetime) -> None:
        """A note on a ticket that was opened at the other desk."""
        letter = Letter(
            self.sink, "note", f"{self.sink}-note-{key}", f"desk:{reference}", payload={"text": text, "to": reference}
        )
        self.outbox.post(letter, at)

    def written(self) -> None:
        """The transaction is through: what it wrote can be sent at once."""
        self.outbox.woken.set()

    def _handed(self, ticket: Ticket) -> Sequence[Letter]:
        """The ticket itself, where it is not on its way already: it may be older than the setting."""
        if not self.sink:
            return ()
        return [self._letter("ticket", ticket, f"ticket-{ticket.id}", {"details": self.letters.details(ticket)})]

    def _letter(self, kind: Kind, ticket: Ticket, key: str, payload: dict[str, str]) -> Letter:
        return Letter(self.sink, kind, f"{self.sink}-{key}", ticket.id, ticket.id, payload)

    def _mail(self, ticket: Ticket, written: Written, key: str) -> Letter:
        payload = {"to": ticket.email, "subject": written.subject, "text": written.text}
        return Letter(MAIL, "mail", key, ticket.id, ticket.id, payload)

    def _reachable(self, ticket: Ticket) -> bool:
        """Whether mail to the requester is on and cannot go round in circles."""
        address = ticket.email.lower()
        return self.mails and address not in self.own and not _PROGRAMS.fullmatch(address.partition("@")[0])
