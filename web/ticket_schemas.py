"""A ticket as the HTTP API shows it to agents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from bot import models, work
from bot.worklist import Row


class AttachmentOut(BaseModel):
    name: str
    media_type: str
    size: int = Field(description="In bytes.")
    url: str = Field(description="Address of the file on this site.")


class MessageOut(BaseModel):
    """What was written after the ticket."""

    at: datetime
    author: models.Author
    text: str
    verdict: models.Verdict = Field(description="What the requester said to an agent's answer, else empty.")
    name: str = Field(description="Of the agent, or empty.")
    internal: bool = Field(description="A note among agents, which the requester never sees.")


class AskedOut(BaseModel):
    """A question of the visit a ticket comes from, personal data masked."""

    id: str
    at: datetime
    question: str
    decision: str
    shown: list[str] = Field(description="Ids of the articles that were shown, the answer first.")


class WhoOut(BaseModel):
    """Somebody of the desk; both are empty for nobody."""

    id: str
    name: str

    @classmethod
    def of(cls, who: models.Who) -> Self:
        return cls(id=who.id, name=who.name)


class EventOut(BaseModel):
    """One thing that happened to a ticket."""

    at: datetime
    who: WhoOut = Field(description="Empty where it was the requester.")
    what: work.What
    old: str
    new: str
    reason: str


class TicketRowOut(BaseModel):
    """A ticket as a list shows it."""

    id: str
    number: int
    created: datetime
    changed: datetime
    state: models.TicketState
    priority: models.Priority
    tier: models.Tier
    assignee: WhoOut
    due: datetime | None = Field(description="When an answer is due; none while nobody waits for one.")
    revision: int = Field(description="Send it with a change, so that you change what you have read.")
    subject: str
    email: str
    lang: str
    topic: str
    department: str

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(
            id=row.id,
            number=row.number,
            created=row.at,
            changed=row.changed,
            state=row.state,
            priority=row.priority,
            tier=row.tier,
            assignee=WhoOut.of(row.assignee),
            due=row.due,
            revision=row.revision,
            subject=row.subject,
            email=row.email,
            lang=row.lang,
            topic=row.topic,
            department=row.department,
        )


class TicketListOut(BaseModel):
    total: int
    tickets: list[TicketRowOut]


class TicketDetailsOut(BaseModel):
    """A ticket as agents read it."""

    id: str
    number: int
    created: datetime
    state: models.TicketState
    subject: str
    body: str
    email: str
    lang: str = Field(description="Empty where it is not known.")
    topic: str
    department: str
    question_id: str = Field(description="The question it belongs to, or empty.")
    shown: list[str] = Field(description="Ids of the articles its requester was shown.")
    declined: list[str] = Field(description="Ids of the articles that did not help.")
    conversation: list[AskedOut] = Field(description="What was asked before in the same visit, in order of time.")
    attachments: list[AttachmentOut]
    messages: list[MessageOut] = Field(description="With the notes among agents, in order of time.")
    priority: models.Priority
    tier: models.Tier
    assignee: WhoOut
    due: datetime | None = Field(description="When an answer is due; none while nobody waits for one.")
    changed: datetime
    revision: int = Field(description="Send it with a change, so that you change what you have read.")
    history: list[EventOut] = Field(description="In order of time.")

    @classmethod
    def of(cls, done: work.Work, conversation: Sequence[models.RecordedQuestion]) -> Self:
        ticket = done.ticket
        return cls(
            id=ticket.id,
            number=ticket.number,
            created=ticket.at,
            state=ticket.state,
            subject=ticket.subject,
            body=ticket.body,
            email=ticket.email,
            lang=ticket.lang,
            topic=ticket.topic,
            department=ticket.department,
            question_id=ticket.question_id,
            shown=list(ticket.shown),
            declined=list(ticket.declined),
            conversation=[
                AskedOut(
                    id=asked.id, at=asked.at, question=asked.text, decision=asked.decision, shown=list(asked.shown)
                )
                for asked in conversation
            ],
            attachments=[
                AttachmentOut(
                    name=file.name,
                    media_type=file.media_type,
                    size=file.size,
                    url=f"/ticket/{ticket.id}/files/{file.id}",
                )
                for file in ticket.attachments
            ],
            messages=[
                MessageOut(
                    at=message.at,
                    author=message.author,
                    text=message.text,
                    verdict=message.verdict,
                    name=message.name,
                    internal=message.internal,
                )
                for message in sorted((*ticket.messages, *done.notes), key=lambda message: message.at)
            ],
            priority=ticket.priority,
            tier=ticket.tier,
            assignee=WhoOut.of(ticket.assignee),
            due=ticket.due,
            changed=ticket.changed or ticket.at,
            revision=ticket.revision,
            history=[
                EventOut(
                    at=event.at,
                    who=WhoOut.of(event.who),
                    what=event.what,
                    old=event.old,
                    new=event.new,
                    reason=event.reason,
                )
                for event in done.history
            ],
        )
