"""A ticket as the HTTP API shows it to agents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from bot import models


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


class AskedOut(BaseModel):
    """A question of the visit a ticket comes from, personal data masked."""

    id: str
    at: datetime
    question: str
    decision: str
    shown: list[str] = Field(description="Ids of the articles that were shown, the answer first.")


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
    messages: list[MessageOut] = Field(description="In order of time.")

    @classmethod
    def of(cls, ticket: models.Ticket, conversation: Sequence[models.RecordedQuestion]) -> Self:
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
                MessageOut(at=message.at, author=message.author, text=message.text, verdict=message.verdict)
                for message in ticket.messages
            ],
        )
