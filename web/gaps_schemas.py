"""What goes in and out of the gaps' part of the API."""

from __future__ import annotations

from datetime import date, datetime
from typing import Self

from pydantic import BaseModel, Field

from bot.gaps.dossier import Dossier
from bot.gaps.evidence import Near, Role
from bot.gaps.models import Event, Gap, GapKind, GapState, Listing, What, Why
from bot.gaps.trend import Count
from kb.links import article_path
from kb.models import Article
from web import gaps_words
from web.schemas import Identifier, In, Text


class GapOut(BaseModel):
    id: str
    text: str = Field(description="Its name: the most central of its questions.")
    lang: str = Field(description="Of the name; empty where nobody knows.")
    state: GapState
    count: int = Field(description="How many of its questions the filter lets through.")
    recent: int = Field(description="Those of the last 30 days.")
    before: int = Field(description="Those of the 30 days before.")
    tickets: int = Field(description="Those that a ticket followed.")
    saves: int = Field(description="Those of them in the last 30 days: at most so many an answer would have saved.")
    first: datetime
    last: datetime
    kinds: list[GapKind]
    langs: list[str]
    why: Why = Field(
        description="No article (`no_article`), none in its language (`language`), the right one was not found "
        "(`not_found`), what was shown did not help (`rejected`) or most sent a ticket and saw none (`not_shown`)."
    )
    nearest: str = Field(description="The id of the public article that this is about; empty where there is none.")
    in_words: str = Field(description="State and reason as an English sentence, for people.")
    writer: str = Field(description="Who writes an article for it; empty where nobody does.")
    writes_since: datetime | None

    @classmethod
    def of(cls, gap: Gap) -> Self:
        return cls(
            id=gap.id,
            text=gap.name,
            lang=gap.lang,
            state=gap.state,
            count=gap.count,
            recent=gap.recent,
            before=gap.before,
            tickets=gap.tickets,
            first=gap.first,
            last=gap.last,
            kinds=sorted(gap.kinds),
            langs=list(gap.langs),
            why=gap.why,
            nearest=gap.nearest,
            in_words=f"{gaps_words.state_in_english(gap)}. {gaps_words.why_in_english(gap)}.",
            writer=gap.standing.writer,
            writes_since=gap.standing.written_since if gap.standing.writer else None,
            saves=gap.saves,
        )


class GapsOut(BaseModel):
    total: int = Field(description="How many gaps fit, on all pages.")
    asked: int = Field(description="How many questions they have together.")
    gaps: list[GapOut]

    @classmethod
    def of(cls, found: Listing) -> Self:
        return cls(total=found.total, asked=found.asked, gaps=[GapOut.of(gap) for gap in found.rows])


class WordingOut(BaseModel):
    text: str
    count: int
    lang: str


class CountOut(BaseModel):
    start: date
    count: int
    tickets: int

    @classmethod
    def of(cls, counted: Count) -> Self:
        return cls(start=counted.start, count=counted.count, tickets=counted.tickets)


class NearOut(BaseModel):
    article_id: str
    title: str
    url: str
    why: Role = Field(
        description="It was shown in vain (rejected), agents solved tickets with it though it was not shown "
        "(not_found), it is found now (answers), or it is the nearest and not near enough (far)."
    )
    count: int = Field(description="How often it solved a ticket or was shown; else for how many wordings it is first.")
    of: int = Field(description="How many wordings were looked up; 0 where `count` counts questions.")

    @classmethod
    def from_near(cls, near: Near) -> Self:
        key = near.article.key
        return cls(
            article_id=key.id,
            title=near.article.title,
            url=article_path(key),
            why=near.role,
            count=near.count,
            of=near.of,
        )


class EventOut(BaseModel):
    at: datetime
    who: str = Field(description="Empty where it happened by itself.")
    what: What
    reason: str
    article_id: str = Field(description="Empty where there is none, or you may not read it.")
    undone: bool

    @classmethod
    def of(cls, event: Event, article: Article | None) -> Self:
        return cls(
            at=event.at,
            who=event.who,
            what=event.what,
            reason=event.reason,
            article_id=article.id if article else "",
            undone=event.undone,
        )


class GapDetailOut(GapOut):
    revision: int = Field(description="Send it with a decision, so that you decide on what you have read.")
    reason: str
    article_id: str = Field(description="The article that closed it; empty where none did, or you may not read it.")
    snapshot: str = Field(description="The snapshot that first had that article.")
    who: str
    decided: datetime | None
    wordings: list[WordingOut] = Field(description="The most central first.")
    departments: dict[str, int] = Field(description="Of the tickets.")
    days: list[CountOut]
    weeks: list[CountOut]
    months: list[CountOut]
    articles: list[NearOut]
    alike: list[GapOut] = Field(description="Gaps like this one, in whatever language, the most alike first.")
    history: list[EventOut] = Field(description="The newest first.")

    @classmethod
    def of_dossier(cls, found: Dossier) -> Self:
        gap, standing = found.gap, found.gap.standing
        return cls(
            **GapOut.of(gap).model_dump(),
            reason=standing.reason,
            revision=found.revision,
            article_id=found.article.id if found.article else "",
            snapshot=standing.snapshot,
            who=standing.who,
            decided=standing.decided,
            wordings=[WordingOut(text=each.text, count=each.count, lang=each.lang) for each in gap.wordings],
            departments=found.departments,
            days=[CountOut.of(count) for count in found.counts["day"]],
            weeks=[CountOut.of(count) for count in found.counts["week"]],
            months=[CountOut.of(count) for count in found.counts["month"]],
            articles=[NearOut.from_near(near) for near in found.articles],
            alike=[GapOut.of(each) for each in found.alike],
            history=[EventOut.of(event, article) for event, article in found.history],
        )


class ReasonIn(In):
    reason: Text = Field("", max_length=20_000)
    article_id: Identifier = ""
    revision: int | None = Field(None, description="The one you read: 409 `gap_changed` where the gap has another.")
