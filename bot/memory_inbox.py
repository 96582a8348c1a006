"""An inbox that forgets everything when the process ends: the fake of the `Inbox` seam."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from typing import Literal

from bot import inbox
from bot.attachments import Upload
from bot.errors import AttachmentRefused
from bot.inbox import WAITS
from bot.models import NOBODY, Attachment, Author, SentTicket, Ticket, TicketDraft, TicketMessage, Who
from bot.response_times import ResponseTimes
from bot.tickets import conflict, fingerprint, no_room, taken
from bot.work import Event, check_revision, closed, judged, said


class MemoryInbox:
    """A fake for tests: dictionaries."""

    def __init__(self, times: ResponseTimes | None = None) -> None:
        self._times = times or ResponseTimes()
        self._tickets: dict[str, tuple[str, Ticket]] = {}
        self._files: list[_File] = []
        self._numbers = count(1)
        self._sent: list[SentTicket] = []
        self._history: dict[str, list[Event]] = {}
        self._lock = threading.Lock()

    def submit(self, draft: TicketDraft, idempotency_key: str, *, shown: tuple[str, ...], at: datetime) -> Ticket:
        with self._lock:
            if (known := self._tickets.get(idempotency_key)) is not None:
                if known[0] != fingerprint(draft):
                    raise conflict(idempotency_key)
                ticket = known[1]
            else:
                number = len(self._tickets) + 1
                made = taken(draft, f"ticket-{number}", number, shown, at, ())
                ticket = self._times.timed(made, "received", at)
                self._sent.append(SentTicket(at, draft.session, draft.question_id))
            claimed = [file for file in self._files if file.key == idempotency_key and not file.ticket_id]
            for file in claimed:
                file.ticket_id = ticket.id
            ticket = replace(ticket, attachments=(*ticket.attachments, *(file.attachment for file in claimed)))
            self._tickets[idempotency_key] = fingerprint(draft), ticket
            return ticket

    def ticket(self, ticket_id: str) -> Ticket | None:
        return next((ticket for _, ticket in self._tickets.values() if ticket.id == ticket_id), None)

    def attach(self, idempotency_key: str, upload: Upload, at: datetime) -> Attachment:
        with self._lock:
            self._files = [file for file in self._files if file.ticket_id or file.at >= at - WAITS]
            for file in self._files:
                if (file.key, file.upload) == (idempotency_key, upload):
                    return file.attachment
            waiting = sum(file.attachment.size for file in self._files if not file.ticket_id)
            if waiting + len(upload.content) > inbox.WAITING_BYTES:
                raise no_room(upload)
            made = Attachment(f"file-{next(self._numbers)}", upload.name, upload.media_type, len(upload.content))
            self._files.append(_File(idempotency_key, made, upload, at))
            return made

    def waiting(self, idempotency_key: str) -> tuple[Attachment, ...]:
        return tuple(file.attachment for file in self._files if file.key == idempotency_key and not file.ticket_id)

    def detach(self, idempotency_key: str, attachment_id: str) -> None:
        with self._lock:
            gone = (idempotency_key, attachment_id, "")
            self._files = [file for file in self._files if (file.key, file.attachment.id, file.ticket_id) != gone]

    def carry(self, idempotency_key: str, to: str, at: datetime) -> None:
        for file in [file for file in self._files if file.key == idempotency_key]:
            with suppress(AttachmentRefused):
                self.attach(to, file.upload, at)

    def file(self, ticket_id: str, attachment_id: str) -> tuple[Attachment, bytes] | None:
        wanted = (ticket_id, attachment_id)
        found = (file for file in self._files if (file.ticket_id, file.attachment.id) == wanted)
        return next(((file.attachment, file.upload.content) for file in found), None)

    def say(
        self,
        ticket_id: str,
        author: Author,
        text: str,
        at: datetime,
        who: Who = NOBODY,
        *,
        name: str = "",
        revision: int | None = None,
    ) -> None:
        with self._lock:
            ticket = self._known(ticket_id)
            if ticket.messages and (ticket.messages[-1].author, ticket.messages[-1].text) == (author, text):
                return
            check_revision(ticket, revision, self.history(ticket_id), spoken=True)
            after, events = said(ticket, author, who, at, self._times)
            self.keep(replace(after, messages=(*ticket.messages, TicketMessage(at, author, text, name=name))), events)

    def judge(self, ticket_id: str, verdict: Literal["accepted", "refused"], reason: str, at: datetime) -> bool:
        with self._lock:
            ticket = self._known(ticket_id)
            if (answer := ticket.open_answer) is None:
                return False
            more = (TicketMessage(at, "requester", reason),) if reason else ()
            messages = (*ticket.messages[:-1], replace(answer, verdict=verdict), *more)
            after, events = judged(ticket, verdict, at, self._times)
            self.keep(replace(after, messages=messages), events)
            return True

    def close(self, ticket_id: str, at: datetime, who: Who = NOBODY) -> None:
        with self._lock:
            self.keep(*closed(self._known(ticket_id), who, at, self._times))

    def sent(self) -> tuple[SentTicket, ...]:
        """What a MemoryEventStore needs to know of the tickets."""
        return tuple(self._sent)

    def tickets(self) -> tuple[Ticket, ...]:
        """What a MemoryWorklist needs to know of them: all, in order of their numbers."""
        return tuple(ticket for _, ticket in self._tickets.values())

    def history(self, ticket_id: str) -> tuple[Event, ...]:
        return tuple(self._history.get(ticket_id, ()))

    def keep(self, ticket: Ticket, events: Iterable[Event]) -> None:
        """Puts a ticket in the place of the one with its id, and adds to its history."""
        for key, (same, known) in self._tickets.items():
            if known.id == ticket.id:
                self._tickets[key] = same, ticket
        self._history.setdefault(ticket.id, []).extend(events)

    def _known(self, ticket_id: str) -> Ticket:
        return next(ticket for _, ticket in self._tickets.values() if ticket.id == ticket_id)


@dataclass(slots=True)
class _File:
    key: str
    attachment: Attachment
    upload: Upload
    at: datetime
    ticket_id: str = ""
