"""The `Inbox` seam: every ticket is kept here before anything else is done with it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

import sqlalchemy as sa

from bot.attachments import Upload
from bot.database import reachable, tickets
from bot.database import ticket_attachments as files
from bot.database import ticket_messages as messages
from bot.errors import AttachmentRefused
from bot.models import Attachment, Author, Ticket, TicketDraft, TicketMessage, TicketState
from bot.tickets import conflict, fingerprint, no_room, taken

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

    def say(self, ticket_id: str, author: Author, text: str, at: datetime) -> None:
        """Adds a message: an agent's answers the ticket, its requester's opens it again.

        The same words said twice in a row by the same person count once.
        """
        ...

    def judge(self, ticket_id: str, verdict: Literal["accepted", "refused"], reason: str, at: datetime) -> bool:
        """What the requester says to the agent's last answer: the ticket is solved, or open again with a reason.

        False where there is no answer that nothing was said to yet.
        """
        ...

    def close(self, ticket_id: str) -> None:
        """The ticket is solved, as an agent says."""
        ...

    def reopen(self, ticket_id: str) -> None:
        """The ticket is not solved after all: it is as its last message left it."""
        ...


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
            "topic": draft.topic,
            "department": draft.department,
            "conversation": list(draft.conversation),
            "state": "received",
        }
        with reachable("The ticket could not be stored"):
            try:
                with self._engine.begin() as connection:
                    number = connection.execute(tickets.insert().values(row).returning(tickets.c.number)).scalar_one()
                    connection.execute(files.update().where(_waiting(idempotency_key)).values(ticket_id=row["id"]))
                    attached = _attachments(connection, files.c.ticket_id == row["id"])
            except sa.exc.IntegrityError:
                return self._sent_before(draft, idempotency_key)
        return taken(draft, str(row["id"]), number, shown, at, attached)

    def _sent_before(self, draft: TicketDraft, idempotency_key: str) -> Ticket:
        with self._engine.begin() as connection:
            row = connection.execute(tickets.select().where(tickets.c.idempotency_key == idempotency_key)).one()
            if row.fingerprint != fingerprint(draft):
                raise conflict(idempotency_key)
            # Who goes back and attaches a file to what was sent means that ticket.
            connection.execute(files.update().where(_waiting(idempotency_key)).values(ticket_id=row.id))
            return _read(connection, row)

    def ticket(self, ticket_id: str) -> Ticket | None:
        with reachable("The ticket could not be read"), self._engine.connect() as connection:
            row = connection.execute(tickets.select().where(tickets.c.id == ticket_id)).first()
            return _read(connection, row) if row else None

    def attach(self, idempotency_key: str, upload: Upload, at: datetime) -> Attachment:
        same = sa.and_(
            files.c.draft_key == idempotency_key, files.c.name == upload.name, files.c.digest == upload.digest
        )
        made = Attachment(self._new_id(), upload.name, upload.media_type, len(upload.content))
        with reachable("The file could not be stored"), self._engine.begin() as connection:
            connection.execute(files.delete().where(files.c.ticket_id.is_(None), files.c.at < at - WAITS))
            if known := _attachments(connection, same):
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
            return _attachments(connection, _waiting(idempotency_key))

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

    def say(self, ticket_id: str, author: Author, text: str, at: datetime) -> None:
        with reachable("The message could not be stored"), self._engine.begin() as connection:
            self._lock(connection, ticket_id)
            last = connection.execute(_last_message(ticket_id)).first()
            if last and (last.author, last.text) == (author, text):
                return
            _write(connection, ticket_id, author, text, at)
            _set_state(connection, ticket_id, "answered" if author == "agent" else "received")

    def judge(self, ticket_id: str, verdict: Literal["accepted", "refused"], reason: str, at: datetime) -> bool:
        with reachable("What you said could not be stored"), self._engine.begin() as connection:
            state = self._lock(connection, ticket_id)
            last = connection.execute(_last_message(ticket_id)).first()
            if state != "answered" or last is None or last.author != "agent" or last.verdict:
                return False
            connection.execute(messages.update().where(messages.c.id == last.id).values(verdict=verdict))
            if reason:
                _write(connection, ticket_id, "requester", reason, at)
            _set_state(connection, ticket_id, "solved" if verdict == "accepted" else "received")
        return True

    def close(self, ticket_id: str) -> None:
        with reachable("The ticket could not be closed"), self._engine.begin() as connection:
            _set_state(connection, ticket_id, "solved")

    def reopen(self, ticket_id: str) -> None:
        with reachable("The ticket could not be opened again"), self._engine.begin() as connection:
            self._lock(connection, ticket_id)
            last = connection.execute(_last_message(ticket_id)).first()
            _set_state(connection, ticket_id, "answered" if last and last.author == "agent" else "received")

    @staticmethod
    def _lock(connection: sa.Connection, ticket_id: str) -> str | None:
        """The state of the ticket, whose row nobody else changes until the transaction ends."""
        same = tickets.update().where(tickets.c.id == ticket_id).values(state=tickets.c.state)
        return connection.execute(same.returning(tickets.c.state)).scalar_one_or_none()


def _read(connection: sa.Connection, row: sa.Row[Any]) -> Ticket:
    values = row._mapping
    written = connection.execute(messages.select().where(messages.c.ticket_id == row.id).order_by(messages.c.id))
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
        topic=values["topic"],
        department=values["department"],
        conversation=tuple(values["conversation"]),
        state=values["state"],
        attachments=_attachments(connection, files.c.ticket_id == row.id),
        messages=tuple(TicketMessage(said.at, said.author, said.text, said.verdict) for said in written),
    )


def _attachments(connection: sa.Connection, which: sa.ColumnElement[bool]) -> tuple[Attachment, ...]:
    query = sa.select(files.c.id, files.c.name, files.c.media_type, files.c.size).where(which)
    return tuple(Attachment(*row) for row in connection.execute(query.order_by(files.c.at, files.c.name)))


def _waiting(idempotency_key: str) -> sa.ColumnElement[bool]:
    return sa.and_(files.c.draft_key == idempotency_key, files.c.ticket_id.is_(None))


def _last_message(ticket_id: str) -> sa.Select[Any]:
    return messages.select().where(messages.c.ticket_id == ticket_id).order_by(messages.c.id.desc()).limit(1)


def _write(connection: sa.Connection, ticket_id: str, author: Author, text: str, at: datetime) -> None:
    row = {"ticket_id": ticket_id, "author": author, "text": text, "at": at, "verdict": ""}
    connection.execute(messages.insert().values(row))


def _set_state(connection: sa.Connection, ticket_id: str, state: TicketState) -> None:
    connection.execute(tickets.update().where(tickets.c.id == ticket_id).values(state=state))
