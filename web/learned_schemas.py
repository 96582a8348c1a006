"""What was learned, as the HTTP API shows it to authors."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from bot.learned import Learned, Source, Status, Trace


class LearnedOut(BaseModel):
    """A question that an article is known to have answered, personal data masked."""

    id: str
    article_id: str
    question: str = Field(description="The question, or the subject of a ticket.")
    body: str
    lang: str = Field(description="Empty where it is not known.")
    source: Source = Field(description="Who said it; of several, the most trusted: agent, imported, end_user.")
    status: Status = Field(description="Only active ones move the ranking.")
    created: datetime = Field(description="When it was first said.")
    sessions: int = Field(description="In how many sessions an end user said that the article solved it.")
    rejected: int = Field(description="In how many sessions an end user said that it did not.")

    @classmethod
    def of(cls, row: Learned) -> Self:
        return cls(
            id=row.id,
            article_id=row.article,
            question=row.text,
            body=row.body,
            lang=row.lang,
            source=row.source,
            status=row.status,
            created=row.at,
            sessions=row.confirmed,
            rejected=row.rejected,
        )


class TraceOut(BaseModel):
    """Where a learned question comes from."""

    source: Source
    at: datetime
    ticket_id: str = Field(description="Of an agent's choice, else empty.")
    question_id: str = Field(description="Of an end user's word, else empty.")
    file: str = Field(description="Of an import, else empty.")
    row: str = Field(description="The id of the row in the file.")
    solved: bool

    @classmethod
    def of(cls, trace: Trace) -> Self:
        origin = {"agent": "ticket_id", "end_user": "question_id", "imported": "row"}[trace.source]
        empty = {"ticket_id": "", "question_id": "", "row": ""}
        return cls(
            source=trace.source, at=trace.at, file=trace.file, solved=trace.solved, **{**empty, origin: trace.origin}
        )


class LearnedListOut(BaseModel):
    total: int = Field(description="How many fit, on all pages.")
    learned: list[LearnedOut] = Field(description="The newest first.")


class LearnedTraceOut(LearnedOut):
    """A learned question with where it comes from."""

    traces: list[TraceOut]

    @classmethod
    def of(cls, row: Learned) -> Self:
        return cls(**LearnedOut.of(row).model_dump(), traces=[TraceOut.of(trace) for trace in row.traces])
