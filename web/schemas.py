"""What goes in and out of the HTTP API."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bot import models
from bot.feedback import MAX_COMMENT, Feedback, ReasonName
from bot.models import MAX_BODY, MAX_CHOICE, MAX_REASON, Channel, DecisionName, Nothing, OutcomeName
from kb import languages
from kb.marks import Marks
from kb.stored import Entry


def _language(value: str) -> str:
    lang = languages.normalise(value)
    if lang is None:
        raise ValueError(f"{value!r} is no language; use a two-letter code of ISO 639-1 such as en or pl")
    return lang


def _storable(value: str) -> str:
    """Half of a surrogate pair is no text: no database and no page could take it."""
    return value.encode("utf-8", "replace").decode()


#: Of these years reports can be asked; the ends of the calendar have no day before and after.
_YEARS = (1990, 2100)


def _of_the_day(day: date) -> date:
    year = min(max(day.year, _YEARS[0]), _YEARS[1])
    return day if year == day.year else day.replace(year, 1, 1)


def _of_the_time(at: datetime) -> datetime:
    """A time without a zone is one of the server's clock."""
    year = min(max(at.year, _YEARS[0]), _YEARS[1])
    at = at if year == at.year else at.replace(year, 1, 1)
    return at.astimezone() if at.tzinfo is None else at


Text = Annotated[str, AfterValidator(_storable)]
Day = Annotated[date, AfterValidator(_of_the_day)]
Moment = Annotated[datetime, AfterValidator(_of_the_time)]
Lang = Annotated[str, Field(max_length=16), AfterValidator(_language)]
Identifier = Annotated[str, Field(max_length=200), AfterValidator(_storable)]
Between = Annotated[
    list[str],
    Field(
        description="Two article ids, those of the first two `suggestions`, where one of them is surely meant but not "
        "which: ask the reader. Else empty."
    ),
]
#: Articles that a ticket may name as declined.
MOST_DECLINED = 20
Session = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


class In(BaseModel):
    """What comes in. A key that is none of ours is refused: a typing error is not to pass for a default."""

    model_config = ConfigDict(extra="forbid")


class AskIn(In):
    question: Text = Field(description="The question, or the subject of a ticket.", examples=["I forgot my password"])
    body: Text = Field("", description="The text of a ticket, if there is one.")
    lang: Lang | None = Field(None, description="The reader's language; it decides where the question does not tell.")
    channel: Channel = Field("api", description="Where it was asked.")
    session: Session | None = Field(None, description="Ties the questions and tickets of one visit together.")
    topic: Identifier | None = Field(
        None, description="Only articles of this topic are looked at; with an empty one, those that have none."
    )
    exact: bool = Field(False, description="Every word is meant as it is written; no typing error is mended.")
    after: Identifier = Field(
        "", description="The `id` of the question before this one, so that it can be understood as a follow-up."
    )


class AnswerOut(BaseModel):
    """An article's own words. `html` is sanitised; `text` is the same without markup."""

    article_id: str
    lang: str
    title: str
    heading: str
    url: str = Field(description="Address on this site, with the heading's anchor.")
    html: str
    text: str
    lines: tuple[int, int] = Field(description="First and last line in the article's file.")

    @classmethod
    def of(cls, answer: models.Answer) -> Self:
        return cls(
            article_id=answer.key.id,
            lang=answer.key.lang,
            title=answer.title,
            heading=answer.heading,
            url=answer.path,
            html=answer.html,
            text=answer.text,
            lines=answer.lines,
        )


class MarksOut(BaseModel):
    """Where the words that were asked for stand, each from the first character to behind the last.

    Positions count UTF-16 code units, as the strings of JavaScript do: `title.slice(start, end)`.
    """

    title: list[tuple[int, int]]
    snippet: list[tuple[int, int]]


class SuggestionOut(BaseModel):
    """An article that may help."""

    article_id: str
    lang: str
    title: str
    heading: str
    url: str
    snippet: str
    topic: str = Field(description="Empty where the article has none.")
    marks: MarksOut

    @classmethod
    def of(cls, suggestion: models.Suggestion) -> Self:
        return cls(
            article_id=suggestion.key.id,
            lang=suggestion.key.lang,
            title=suggestion.title,
            heading=suggestion.heading,
            url=suggestion.path,
            snippet=suggestion.snippet,
            topic=suggestion.topic,
            marks=MarksOut(
                title=_utf16(suggestion.title, suggestion.title_marks),
                snippet=_utf16(suggestion.snippet, suggestion.snippet_marks),
            ),
        )


def _utf16(text: str, marks: Marks) -> list[tuple[int, int]]:
    """Positions in code points as positions in UTF-16 code units."""

    def units(end: int) -> int:
        return end + sum(char > "\uffff" for char in text[:end])

    return [(units(start), units(end)) for start, end in marks]


class CompletionOut(SuggestionOut):
    """An article that what was typed so far leads to, with what to call its topic and language."""

    topic_name: str = Field(description="In the reader's language.")
    language: str = Field(description="The name of the article's language in itself.")


class TypeaheadOut(BaseModel):
    suggestions: list[CompletionOut] = Field(description="The best first.")


class ReplyOut(BaseModel):
    """What the bot says to a question."""

    id: str = Field(description="Names this question when its outcome or a ticket follows.")
    decision: DecisionName
    confidence: float = Field(description="Calibrated probability, 0 to 1, that the first article is right.")
    reason: str = Field(description="Why it was decided so.")
    corrected: str = Field(description="The question with typing errors mended, empty where there were none.")
    answer: AnswerOut | None
    suggestions: list[SuggestionOut]
    between: Between
    nothing: Nothing = Field(
        description="Why it is unanswered: no article says it, none of the `topic` does, or none is in the question's "
        "language."
    )
    context: str = Field(
        description="The earlier question that this one was understood to follow up on, empty where it stands alone."
    )
    snapshot: str = Field(description="The snapshot of the articles that was asked.")

    @classmethod
    def of(cls, reply: models.Reply) -> Self:
        return cls(
            id=reply.id,
            decision=reply.decision,
            confidence=reply.confidence,
            reason=reply.reason,
            corrected=reply.corrected,
            answer=AnswerOut.of(reply.answer) if reply.answer else None,
            suggestions=[SuggestionOut.of(suggestion) for suggestion in reply.suggestions],
            between=[suggestion.key.id for suggestion in reply.between],
            nothing=reply.nothing,
            context=reply.context,
            snapshot=reply.snapshot,
        )


class SuggestOut(BaseModel):
    suggestions: list[SuggestionOut]
    between: Between

    @classmethod
    def of(cls, offer: models.Offer) -> Self:
        return cls(
            suggestions=[SuggestionOut.of(suggestion) for suggestion in offer.suggestions],
            between=[suggestion.key.id for suggestion in offer.between],
        )


class OutcomeIn(In):
    outcome: OutcomeName
    article_id: Identifier = ""
    reason: Text = Field("", max_length=MAX_REASON)


class TicketIn(In):
    subject: Text
    body: Text
    email: Text
    question_id: Identifier = Field("", description="The `id` of the question that was asked before, if any.")
    declined: list[Identifier] = Field([], max_length=MOST_DECLINED, description="Ids of articles that did not help.")
    session: Session | None = None
    lang: Lang | None = None
    topic: Text = Field("", max_length=MAX_CHOICE)
    department: Text = Field("", max_length=MAX_CHOICE)


class TicketOut(BaseModel):
    """A ticket as it was taken."""

    id: str = Field(description="Cannot be guessed.")
    number: int = Field(description="What people call it.")
    created: datetime
    url: str = Field(description="Address on this site where the ticket is followed. Who has it can read the ticket.")


class MessageIn(In):
    text: Text = Field(description="What the requester reads or, of an `internal` one, other agents.")
    internal: bool = Field(False, description="A note among agents.")
    revision: int | None = Field(None, ge=0, description="Refused where somebody has answered since then.")


class TicketChangeIn(In):
    """What to change; what is left out stays."""

    state: Literal["received", "on_hold", "solved"] | None = None
    assignee: Text | None = Field(None, max_length=64, description="The id of an agent, `me`, or `nobody`.")
    priority: models.Priority | None = None
    tier: models.Tier | None = None
    reason: Text = Field("", max_length=MAX_REASON, description="Needed with another tier.")
    revision: int | None = Field(None, ge=0, description="That of the ticket as you read it.")


class ResolutionIn(In):
    article_id: Identifier = ""
    text: Text = Field("", max_length=MAX_BODY)


class SectionOut(BaseModel):
    level: int
    heading: str
    anchor: str
    html: str


class ArticleOut(BaseModel):
    """An article in one language."""

    id: str
    lang: str
    title: str
    url: str
    topic: str
    sections: list[SectionOut]
    translations: list[str] = Field(description="Languages this article exists in.")

    @classmethod
    def of(cls, entry: Entry, url: str, translations: list[str]) -> Self:
        article = entry.article
        return cls(
            id=article.id,
            lang=article.lang,
            title=article.title,
            url=url,
            topic=article.topic,
            sections=[
                SectionOut(level=s.level, heading=s.heading, anchor=s.anchor, html=s.html) for s in entry.sections
            ],
            translations=translations,
        )


class FeedbackIn(In):
    helpful: bool
    reason: ReasonName | None = Field(None, description="Why it did not help.")
    comment: Text = Field("", max_length=MAX_COMMENT)
    lang: Lang | None = Field(None, description="The language it was read in.")
    session: Session = Field(description="One word counts for each session and article: the last one.")


class FeedbackOut(BaseModel):
    """What a reader said of an article, personal data masked."""

    article_id: str
    lang: str
    at: datetime
    helpful: bool
    reason: ReasonName | None
    comment: str

    @classmethod
    def of(cls, said: Feedback) -> Self:
        return cls(
            article_id=said.article_id,
            lang=said.lang,
            at=said.at,
            helpful=said.helpful,
            reason=said.reason or None,
            comment=said.comment,
        )


class FeedbackListOut(BaseModel):
    total: int = Field(description="How many fit, on all pages.")
    helpful: int = Field(description="How many of these said yes.")
    feedback: list[FeedbackOut] = Field(description="The newest first.")
