"""An inbox that forgets everything when the process ends: the fake of the `Inbox` seam."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from typing import Any, Literal

from bot import inbox
from bot.attachments import Upload
from bot.errors import AttachmentRefused
from bot.inbox import WAITS
from bot.models import Attachment, Author, SentTicket, Ticket, TicketDraft, TicketMessage, TicketState
from bot.tickets import conflict, fingerprint, no_room, taken


class MemoryInbox:
    """A fake for tests: dictionaries."""

    def __init__(self) -> None:
        self._tickets: dict[str, tuple[str, Ticket]] = {}
        self._files: list[_File] = []
        self._numbers = count(1)
        self._sent: list[SentTicket] = []
        self._lock = threading.Lock()

    def submit(self, draft: TicketDraft, idempotency_key: str, *, shown: tuple[str, ...], at: datetime) -> Ticket:
        with self._lock:
            if (known := self._tickets.get(idempotency_key)) is not None:
                if known[0] != fingerprint(draft):
                    raise conflict(idempotency_key)
                ticket = known[1]
            else:
                number = len(self._tickets) + 1
                ticket = taken(draft, f"ticket-{number}", number, shown, at, ())
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

    def say(self, ticket_id: str, author: Author, text: str, at: datetime) -> None:
        messages = self._known(ticket_id).messages
        if messages and (messages[-1].author, messages[-1].text) == (author, text):
            return
        state: TicketState = "answered" if author == "agent" else "received"
        self._change(ticket_id, messages=(*messages, TicketMessage(at, author, text)), state=state)

    def judge(self, ticket_id: str, verdict: Literal["accepted", "refused"], reason: str, at: datetime) -> bool:
        ticket = self._known(ticket_id)
        if (answer := ticket.open_answer) is None:
            return False
        said = (TicketMessage(at, "requester", reason),) if reason else ()
        messages = (*ticket.messages[:-1], replace(answer, verdict=verdict), *said)
        self._change(ticket_id, messages=messages, state="solved" if verdict == "accepted" else "received")
        return True

    def close(self, ticket_id: str) -> None:
        self._change(ticket_id, state="solved")

    def reopen(self, ticket_id: str) -> None:
        messages = self._known(ticket_id).messages
        self._change(ticket_id, state="answered" if messages and messages[-1].author == "agent" else "received")

    def sent(self) -> tuple[SentTicket, ...]:
        """What a MemoryEventStore needs to know of the tickets."""
        return tuple(self._sent)

    def _known(self, ticket_id: str) -> Ticket:
        return next(ticket for _, ticket in self._tickets.values() if ticket.id == ticket_id)

    def _change(self, ticket_id: str, **changed: Any) -> None:
        with self._lock:
            for key, (said, ticket) in self._tickets.items():
                if ticket.id == ticket_id:
                    self._tickets[key] = said, replace(ticket, **changed)


@dataclass(slots=True)
class _File:
    key: str
    attachment: Attachment
    upload: Upload
    at: datetime
    ticket_id: str = ""
