"""What stands beside a ticket, flags and drafts as they go in and out of the HTTP API."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, Field

from bot.beside import Beside, Placed
from bot.draft import Draft
from bot.flags import MAX_COMMENT, Flag, FlagKind, FlagState
from bot.models import DecisionName
from kb.links import article_path
from web.schemas import AnswerOut, Identifier, In, Lang, SuggestionOut, Text


class AgentSuggestionsIn(In):
    subject: Text
    body: Text = Field("", description="The ticket's text, with what its requester wrote later.")
    lang: Lang | None = None


class FlagOut(BaseModel):
    """What an agent says is wrong with an article, personal data masked."""

    id: str
    article_id: str
    lang: str
    kind: FlagKind
    comment: str
    by: str = Field(description="The agent's name.")
    at: datetime
    ticket_id: str = Field(description="The ticket it was found with, or empty.")
    state: FlagState
    reason: str = Field(description="Why it was closed so.")
    closed_by: str
    closed_at: datetime | None
    changed: bool = Field(description="Whether the article has changed since.")

    @classmethod
    def of(cls, flag: Flag, *, changed: bool) -> Self:
        return cls(
            id=flag.id,
            article_id=flag.article_id,
            lang=flag.lang,
            kind=flag.kind,
            comment=flag.comment,
            by=flag.who_name,
            at=flag.at,
            ticket_id=flag.ticket_id,
            state=flag.state,
            reason=flag.reason,
            closed_by=flag.closed_by,
            closed_at=flag.closed_at,
            changed=changed,
        )


class FlagsOut(BaseModel):
    flags: list[FlagOut] = Field(description="The newest first.")


class FlagIn(In):
    kind: FlagKind
    comment: Text = Field("", max_length=MAX_COMMENT)
    lang: Lang | None = Field(None, description="The language it was read in.")
    ticket_id: Identifier = ""


class FlagCloseIn(In):
    state: Literal["done", "rejected"]
    reason: Text = Field("", max_length=MAX_COMMENT, description="Needed where it is rejected.")


class PlacedOut(BaseModel):
    """An article beside a ticket, with the passage that may answer it."""

    article_id: str
    lang: str
    title: str
    url: str = Field(description="Address on this site.")
    internal: bool = Field(description="Not for requesters: neither link it nor send its words unasked.")
    link: str = Field(description="What to send the requester, in their language if it exists; empty if internal.")
    confidence: float | None = Field(
        description="Calibrated probability, 0 to 1, that it answers; only the likeliest article has one."
    )
    passage: AnswerOut
    seen: Literal["", "shown", "declined"] = Field(
        description="Whether the requester was shown it, or said that it did not help."
    )
    asked_before: int = Field(description="How many of the solved tickets nearest to this one it solved.")
    words: list[str] = Field(description="Some words that it shares with the ticket.")
    flags: list[FlagOut] = Field(description="Open ones.")

    @classmethod
    def of(cls, placed: Placed) -> Self:
        key = placed.article.key
        return cls(
            article_id=key.id,
            lang=key.lang,
            title=placed.article.title,
            url=article_path(key),
            internal=placed.internal,
            link=article_path(placed.link.key) if placed.link else "",
            confidence=placed.confidence,
            passage=AnswerOut.of(placed.passage),
            seen=placed.seen,
            asked_before=placed.asked_before,
            words=list(placed.words),
            flags=[FlagOut.of(flagged.flag, changed=flagged.changed) for flagged in placed.flags],
        )


class SolvedWithOut(BaseModel):
    article_id: str
    title: str
    url: str


class SimilarOut(BaseModel):
    """A solved ticket like this one, personal data masked."""

    number: int | None = Field(description="Its number here; none for a ticket of another desk.")
    reference: str = Field(description="What it is called where it comes from.")
    subject: str
    solved: datetime
    similarity: float = Field(description="0.65 to 1. Of random pairs of tickets about one in a hundred is as near.")
    articles: list[SolvedWithOut] = Field(description="Those that solved it.")
    text: str = Field(description="How the agent said it was solved, or empty.")


class AgentSuggestionsOut(BaseModel):
    """Articles and solved tickets beside a ticket, internal articles included as far as the caller may read them."""

    decision: DecisionName
    confidence: float
    answer: AnswerOut | None
    suggestions: list[SuggestionOut]
    articles: list[PlacedOut] = Field(
        description="All that the panel lists, those that the requester declined last: also where nothing is sure."
    )
    similar: list[SimilarOut] = Field(description="The nearest first.")
    similar_complete: bool = Field(description="False while solved tickets are still being read after a start.")

    @classmethod
    def of(cls, found: Beside) -> Self:
        by_key = {placed.article.key: placed for placed in found.articles}
        shown = [by_key[key] for key in found.suggested if key in by_key]
        answer = shown.pop(0) if found.decision == "answer" and shown else None
        return cls(
            decision=found.decision,
            confidence=found.confidence,
            answer=AnswerOut.of(answer.passage) if answer else None,
            suggestions=[SuggestionOut.of(placed.suggestion) for placed in shown],
            articles=[PlacedOut.of(placed) for placed in found.articles],
            similar=[
                SimilarOut(
                    number=alike.ticket.number,
                    reference=alike.ticket.origin,
                    subject=alike.ticket.subject,
                    solved=alike.ticket.at,
                    similarity=round(alike.similarity, 2),
                    articles=[
                        SolvedWithOut(article_id=a, title=found.titles[a].title, url=article_path(found.titles[a].key))
                        for a in alike.articles
                        if a in found.titles
                    ],
                    text=alike.ticket.text,
                )
                for alike in found.alike
            ],
            similar_complete=found.similar.whole,
        )


class DraftOut(BaseModel):
    """A Markdown file to go on writing with."""

    path: str = Field(description="Where it belongs below the folder of articles.")
    title: str
    markdown: str

    @classmethod
    def of(cls, made: Draft) -> Self:
        return cls(path=made.path, title=made.title, markdown=made.text)
