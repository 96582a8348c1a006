"""The `Inbox` seam: every ticket is kept here before anything else is done with it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

import sqlalchemy as sa

from bot.attachments import Upload
from bot.database import reachable
from bot.errors import AttachmentRefused
from bot.models import NOBODY, Attachment, Author, Ticket, TicketDraft, TicketMessage, Who
from bot.outgoing import Outgoing
from bot.reports import changes
from bot.response_times import ResponseTimes
from bot.tables import ticket_attachments as files
from bot.tables import ticket_messages as messages
from bot.tables import tickets
from bot.ticket_rows import attachments, columns, history, keep, lock, whole, write
from bot.tickets import conflict, fingerprint, no_room, taken
from bot.work import check_revision, closed, judged, said

#: A file that waits longer than this for its ticket is removed.
WAITS = timedelta(days=1)
#: How many bytes of files may wait in all: whoever sends files and no tickets must not fill the disk.
WAITING_BYTES = 1_000_000_000


class Inbox(Protocol):
    """Takes tickets. The same idempotency key gives the same ticket, however often it is sent.

    Files wait under that key and belong to the ticket from the moment it is taken. Every method may raise
    StoreUnavailable; nothing is kept then.
    """

    def submit(self, draft: TicketDraft, idempotency_key: str, *, shown: tuple[str, ...], at: datetime) -> Ticket:
        """The ticket as it was taken, with the files that waited.

        Raises TicketConflict where the key was used for another draft.
        """
        ...

    def ticket(self, ticket_id: str) -> Ticket | None: ...

    def attach(self, idempotency_key: str, upload: Upload, at: datetime) -> Attachment:
        """Keeps a file until its ticket is sent; the same file under the same name is kept once.

        Files of any key that have waited for longer than WAITS are removed. Raises AttachmentRefused where more than
        WAITING_BYTES would wait.
        """
        ...

    def waiting(self, idempotency_key: str) -> tuple[Attachment, ...]:
        """The files that wait for this ticket, in the order they came."""
        ...

    def detach(self, idempotency_key: str, attachment_id: str) -> None:
        """Removes a file that waits; one that was sent stays."""
        ...

    def carry(self, idempotency_key: str, to: str, at: datetime) -> None:
        """Has all files of one key, sent or not, wait under another key too, as far as there is room for them."""
        ...

    def file(self, ticket_id: str, attachment_id: str) -> tuple[Attachment, bytes] | None:
        """A file of a ticket that was sent."""
        ...

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
        """Adds a message: an agent's answers the ticket, its requester's opens it again.

        `who` is the agent, `name` what the requester may know of them. The same words said twice in a row by the same
        side count once. Raises TicketChanged where somebody else has said something since `revision`.
        """
        ...

    def judge(self, ticket_id: str, verdict: Literal["accepted", "refused"], reason: str, at: datetime) -> bool:
        """What the requester says to the agent's last answer: the ticket is solved, or open again with a reason.

        False where there is no answer that nothing was said to yet.
        """
        ...

    def close(self, ticket_id: str, at: datetime, who: Who = NOBODY) -> None:
        """The ticket is solved, as an agent says."""
        ...


class SqlInbox:
    """Tickets in a SQL database. `new_id` makes ids that cannot be guessed; `times` say when answers are due.

    What has to be sent of them is written in the same transaction, so that nothing accepted is lost on its way.
    """

    def __init__(
        self,
        engine: sa.Engine,
        new_id: Callable[[], str],
        times: ResponseTimes | None = None,
        *,
        outgoing: Outgoing | None = None,
    ) -> None:
        self._engine, self._new_id, self._times = engine, new_id, times or ResponseTimes()
        self._outgoing = outgoing

    def submit(self, draft: TicketDraft, idempotency_key: str, *, shown: tuple[str, ...], at: datetime) -> Ticket:
        made = self._times.timed(taken(draft, self._new_id(), 0, shown, at, ()), "received", at)
        row = {
            "id": made.id,
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
            "topic": draft.topic,
            "department": draft.department,
            "conversation": list(draft.conversation),
            **columns(made),
        }
        with reachable("The ticket could not be stored"):
            # Looked for first: on PostgreSQL every row that is refused takes a ticket's number with it.
            if before := self._sent_before(draft, idempotency_key):
                return before
            try:
                with self._engine.begin() as connection:
                    number = connection.execute(tickets.insert().values(row).returning(tickets.c.number)).scalar_one()
                    connection.execute(files.update().where(_waiting(idempotency_key)).values(ticket_id=made.id))
                    attached = attachments(connection, files.c.ticket_id == made.id)
                    made = replace(made, number=number, attachments=attached)
                    changes.ticketed(connection, draft.session, draft.question_id, at)
                    if self._outgoing:
                        self._outgoing.opened(connection, made)
            except sa.exc.IntegrityError:  # somebody sent the same at the same time
                if before := self._sent_before(draft, idempotency_key):
                    return before
                raise
        self._wake()
        return made

    def _sent_before(self, draft: TicketDraft, idempotency_key: str) -> Ticket | None:
        with self._engine.begin() as connection:
            row = connection.execute(tickets.select().where(tickets.c.idempotency_key == idempotency_key)).first()
            if row is None:
                return None
            if row.fingerprint != fingerprint(draft):
                raise conflict(idempotency_key)
            # Who goes back and attaches a file to what was sent means that ticket.
            connection.execute(files.update().where(_waiting(idempotency_key)).values(ticket_id=row.id))
            return whole(connection, row)

    def ticket(self, ticket_id: str) -> Ticket | None:
        with reachable("The ticket could not be read"), self._engine.connect() as connection:
            row = connection.execute(tickets.select().where(tickets.c.id == ticket_id)).first()
            return whole(connection, row) if row else None

    def attach(self, idempotency_key: str, upload: Upload, at: datetime) -> Attachment:
        same = sa.and_(
            files.c.draft_key == idempotency_key, files.c.name == upload.name, files.c.digest == upload.digest
        )
        made = Attachment(self._new_id(), upload.name, upload.media_type, len(upload.content))
        with reachable("The file could not be stored"), self._engine.begin() as connection:
            connection.execute(files.delete().where(files.c.ticket_id.is_(None), files.c.at < at - WAITS))
            if known := attachments(connection, same):
                return known[0]
            waiting = sa.select(sa.func.coalesce(sa.func.sum(files.c.size), 0)).where(files.c.ticket_id.is_(None))
            if connection.execute(waiting).scalar_one() + made.size > WAITING_BYTES:
                raise no_room(upload)
            connection.execute(
                files.insert().values(
                    **asdict(made), draft_key=idempotency_key, at=at, digest=upload.digest, content=upload.content
                )
            )
        return made

    def waiting(self, idempotency_key: str) -> tuple[Attachment, ...]:
        with reachable("The files could not be read"), self._engine.connect() as connection:
            return attachments(connection, _waiting(idempotency_key))

    def detach(self, idempotency_key: str, attachment_id: str) -> None:
        with reachable("The file could not be removed"), self._engine.begin() as connection:
            connection.execute(files.delete().where(_waiting(idempotency_key), files.c.id == attachment_id))

    def carry(self, idempotency_key: str, to: str, at: datetime) -> None:
        with reachable("The files could not be read"), self._engine.connect() as connection:
            query = sa.select(files.c.name, files.c.content).where(files.c.draft_key == idempotency_key)
            rows = connection.execute(query.order_by(files.c.at, files.c.name))
            carried = [Upload(row.name, row.content) for row in rows]
        for number, upload in enumerate(carried):
            with suppress(AttachmentRefused):
                self.attach(to, upload, at + timedelta(microseconds=number))  # they stay in their order

    def file(self, ticket_id: str, attachment_id: str) -> tuple[Attachment, bytes] | None:
        query = files.select().where(files.c.ticket_id == ticket_id, files.c.id == attachment_id)
        with reachable("The file could not be read"), self._engine.connect() as connection:
            row = connection.execute(query).first()
        return (Attachment(row.id, row.name, row.media_type, row.size), row.content) if row else None

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
        with reachable("The message could not be stored"), self._engine.begin() as connection:
            ticket = lock(connection, ticket_id)
            last = connection.execute(_last_message(ticket_id)).first()
            if ticket is None or (last and (last.author, last.text) == (author, text)):
                return
            check_revision(ticket, revision, history(connection, ticket_id), spoken=True)
            self._write(connection, ticket, author, text, at, name)
            keep(connection, *said(ticket, author, who, at, self._times))
        self._wake()

    def judge(self, ticket_id: str, verdict: Literal["accepted", "refused"], reason: str, at: datetime) -> bool:
        with reachable("What you said could not be stored"), self._engine.begin() as connection:
            ticket = lock(connection, ticket_id)
            last = connection.execute(_last_message(ticket_id)).first()
            if ticket is None or ticket.state != "answered" or last is None or last.author != "agent" or last.verdict:
                return False
            connection.execute(messages.update().where(messages.c.id == last.id).values(verdict=verdict))
            if reason:
                self._write(connection, ticket, "requester", reason, at)
            keep(connection, *judged(ticket, verdict, at, self._times))
            if self._outgoing and verdict == "accepted":
                self._outgoing.accepted(connection, ticket, last.id, at)
        self._wake()
        return True

    def close(self, ticket_id: str, at: datetime, who: Who = NOBODY) -> None:
        with reachable("The ticket could not be closed"), self._engine.begin() as connection:
            if ticket := lock(connection, ticket_id):
                keep(connection, *closed(ticket, who, at, self._times))

    def _write(
        self, connection: sa.Connection, ticket: Ticket, author: Author, text: str, at: datetime, name: str = ""
    ) -> None:
        number = write(connection, ticket.id, author, text, at, name)
        if self._outgoing:
            self._outgoing.said(connection, ticket, number, TicketMessage(at, author, text, name=name))

    def _wake(self) -> None:
        if self._outgoing:
            self._outgoing.written()


def _waiting(idempotency_key: str) -> sa.ColumnElement[bool]:
    return sa.and_(files.c.draft_key == idempotency_key, files.c.ticket_id.is_(None))


def _last_message(ticket_id: str) -> sa.Select[Any]:
    return (
        messages.select()
        .where(messages.c.ticket_id == ticket_id, ~messages.c.internal)
        .order_by(messages.c.id.desc())
        .limit(1)
    )
