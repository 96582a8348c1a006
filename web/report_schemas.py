"""What the reports of the API look like."""

from __future__ import annotations

from datetime import date, datetime
from typing import Self

from pydantic import BaseModel, Field

from bot.reports.articles import ArticleCounts
from bot.reports.before import Change, Comparison, Number, Share
from bot.reports.deflection import Deflection, Rate
from bot.reports.desk import Volume
from bot.reports.hold_out import Effect, Group
from bot.reports.intervals import Interval
from bot.reports.spikes import Spike, SpikeKind

_INTERVAL = Field(
    description="Where the true share lies in 95 of 100 cases (Wilson), from and to. None with no denominator."
)

_CHANGE = Field(description="`higher` or `lower` where the difference is more than chance, else empty.")


class RateOut(BaseModel):
    rate: float | None = Field(description="0 to 1; null where the denominator is 0.")
    denominator: int = Field(description="How many questions it is a share of.")
    count: int = Field(description="How many of them it counts.")
    interval: Interval | None = _INTERVAL

    @classmethod
    def of(cls, rate: Rate) -> Self:
        return cls(rate=rate.share, denominator=rate.of, count=rate.count, interval=rate.interval)


class DeflectionOut(BaseModel):
    """Three rates, each with its denominator."""

    shown: int = Field(description="Questions that were shown an article, without those of agents.")
    confirmed: RateOut = Field(description="The person said last that it solved it, of all that were shown an article.")
    assumed: RateOut = Field(
        description="No word and no ticket within 24 hours, of all that were shown an answer at least 24 hours ago."
    )
    returned: RateOut = Field(description="A ticket within 7 days after all, of the confirmed and the assumed.")

    @classmethod
    def of(cls, counted: Deflection) -> Self:
        return cls(shown=counted.shown, **{name: RateOut.of(rate) for name, rate in counted.rates.items()})


class VolumeRowOut(BaseModel):
    key: int | date | str = Field(
        description="An hour (0 to 23), a weekday (Monday is 0), a day, the Monday of a week, the first of a month, or "
        "a name: empty where it has none, `?` for topics of articles you may not read or that are gone."
    )
    questions: int = Field(description="Those of agents only where `channel` or `by` asks for them.")
    unanswered: int = Field(description="Questions that no article was found for; 0 by topic.")
    tickets: int

    @classmethod
    def of(cls, row: Volume) -> Self:
        return cls(key=row.key, questions=row.questions, unanswered=row.unanswered, tickets=row.tickets)


class VolumeOut(BaseModel):
    by: str
    rows: list[VolumeRowOut]
    waiting: int = Field(description="Days that changed and are still to be counted.")


class ArticleReportOut(BaseModel):
    article_id: str
    title: str = Field(description="In the first language it is written in.")
    topic: str = Field(description="The slug of its topic.")
    changed: date | None = Field(description="When its newest translation was committed; null outside git.")
    found: int = Field(description="Questions it was among the ten best articles of; agents' too.")
    shown: int = Field(description="Questions it was the answer of, or one of the suggestions.")
    opened: int = Field(description="Questions somebody opened it from.")
    solved: int = Field(description="Questions whose person said last of it that it solved it.")
    rejected: int = Field(description="Questions whose person said last of it that it did not.")
    ticketed: int = Field(description="Questions that showed it and that a ticket followed within 24 hours.")
    reads: int = Field(description="Views of its page by people, on days of UTC.")
    helpful: int = Field(description="Readers who said below it that it helped.")
    unhelpful: int = Field(description="Readers who said that it did not.")
    flags: int = Field(description="What agents flagged in this time.")

    @classmethod
    def of(cls, article_id: str, title: str, topic: str, changed: date | None, counts: ArticleCounts) -> Self:
        numbers = {name: getattr(counts, name) for name in ArticleCounts.__dataclass_fields__}
        return cls(article_id=article_id, title=title, topic=topic, changed=changed, **numbers)


class ArticlesReportOut(BaseModel):
    total: int = Field(description="How many there are on all pages.")
    articles: list[ArticleReportOut]
    waiting: int = Field(description="Days that changed and are still to be counted.")


class SpikeOut(BaseModel):
    day: date = Field(description="On the desk's clock.")
    kind: SpikeKind
    name: str = Field(description="The slug of the topic, or the department; empty where it is all of them.")
    count: int = Field(description="From midnight on, when it was last looked at.")
    usual: float = Field(description="The median of the same weekday up to the same time.")
    weeks: int = Field(description="Of how many weeks.")
    found: datetime
    seen_by: str = Field(description="Who has seen to it; empty while nobody has.")
    seen_at: datetime | None

    @classmethod
    def of(cls, spike: Spike) -> Self:
        return cls(
            day=spike.day,
            kind=spike.kind,
            name=spike.name,
            count=spike.count,
            usual=spike.usual,
            weeks=spike.weeks,
            found=spike.found_at,
            seen_by=spike.seen_by,
            seen_at=spike.seen_at,
        )


class SpikesOut(BaseModel):
    spikes: list[SpikeOut]


class GroupOut(BaseModel):
    sessions: int = Field(description="Sessions that came to the ticket form.")
    sent: int = Field(description="Of them, those that sent a ticket.")
    share: float | None = Field(description="0 to 1; null without a session.")
    interval: Interval | None = _INTERVAL

    @classmethod
    def of(cls, group: Group) -> Self:
        return cls(sessions=group.sessions, sent=group.sent, share=group.share, interval=group.interval)


class NumberBesideOut(BaseModel):
    now: int
    before: int
    change: Change = _CHANGE

    @classmethod
    def of(cls, number: Number) -> Self:
        return cls(now=number.now, before=number.before, change=number.change)


class RateBesideOut(BaseModel):
    now: RateOut
    before: RateOut
    change: Change = _CHANGE

    @classmethod
    def of(cls, share: Share) -> Self:
        return cls(now=RateOut.of(share.now), before=RateOut.of(share.before), change=share.change)


class ComparisonOut(BaseModel):
    """The last days beside the same weekdays before them."""

    first: date = Field(description="The first of the days before.")
    last: date = Field(description="The last of them, which ends at the time of day it is now.")
    questions: NumberBesideOut
    tickets: NumberBesideOut
    unanswered: RateBesideOut = Field(description="No article was found, of all questions.")
    confirmed: RateBesideOut
    assumed: RateBesideOut
    returned: RateBesideOut = Field(description="Never `lower`: of the last 7 days, more may still return.")

    @classmethod
    def of(cls, beside: Comparison) -> Self:
        numbers = {name: NumberBesideOut.of(number) for name, number in beside.numbers.items()}
        shares = {name: RateBesideOut.of(share) for name, share in beside.shares.items()}
        return cls(first=beside.first, last=beside.last, **numbers, **shares)  # type: ignore[arg-type]


class ComparedOut(BaseModel):
    comparison: ComparisonOut | None = Field(description="Null where not all of the days before are known of.")
    waiting: int = Field(description="Days that changed and are still to be counted.")


class HoldOutOut(BaseModel):
    """What suggestions beside the ticket form do, measured."""

    share: float = Field(description="The setting `hold_out`.")
    held_out: GroupOut = Field(description="Saw no suggestions.")
    others: GroupOut = Field(description="Saw suggestions.")
    difference: float | None = Field(description="Tickets in a session that suggestions spare.")
    interval: Interval | None = Field(description="95 % of the difference (Newcombe's method 10).")
    needed: int | None = Field(description="Sessions more until a difference of 0.05 is told from chance.")

    @classmethod
    def of(cls, effect: Effect) -> Self:
        return cls(
            share=effect.share,
            held_out=GroupOut.of(effect.held_out),
            others=GroupOut.of(effect.others),
            difference=effect.difference,
            interval=effect.interval,
            needed=effect.needed,
        )
