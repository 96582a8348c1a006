"""What the reports of the API look like."""

from __future__ import annotations

from datetime import date, datetime
from typing import Self

from pydantic import BaseModel, Field

from bot.reports.articles import ArticleCounts
from bot.reports.deflection import Deflection, Rate
from bot.reports.desk import Volume
from bot.reports.hold_out import Effect, Group
from bot.reports.intervals import Interval
from bot.reports.spikes import Spike, SpikeKind

_INTERVAL = Field(
    description="Where the true share lies in 95 of 100 cases (Wilson), from and to. None with no denominator."
)


class RateOut(BaseModel):
    rate: float | None = Field(description="0 to 1; null where the denominator is 0.")
    denominator: int
    count: int
    interval: Interval | None = _INTERVAL

    @classmethod
    def of(cls, rate: Rate) -> Self:
        return cls(rate=rate.share, denominator=rate.of, count=rate.count, interval=rate.interval)


class DeflectionOut(BaseModel):
    """Three rates, each with its denominator."""

    shown: int
    confirmed: RateOut
    assumed: RateOut
    returned: RateOut

    @classmethod
    def of(cls, counted: Deflection) -> Self:
        return cls(shown=counted.shown, **{name: RateOut.of(rate) for name, rate in counted.rates.items()})


class VolumeRowOut(BaseModel):
    key: int | date | str = Field(
        description="An hour (0 to 23), a weekday (Monday is 0), a day, the Monday of a week, the first of a month, or "
        "a name: empty where it has none, `?` for topics of articles you may not read or that are gone."
    )
    questions: int
    unanswered: int
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
    title: str
    topic: str
    changed: date | None
    found: int = Field(description="Questions it was among the ten best articles of; agents' too.")
    shown: int
    opened: int
    solved: int
    rejected: int
    ticketed: int = Field(description="Questions that showed it and that a ticket followed within 24 hours.")
    reads: int
    helpful: int
    unhelpful: int
    flags: int

    @classmethod
    def of(cls, article_id: str, title: str, topic: str, changed: date | None, counts: ArticleCounts) -> Self:
        numbers = {name: getattr(counts, name) for name in ArticleCounts.__dataclass_fields__}
        return cls(article_id=article_id, title=title, topic=topic, changed=changed, **numbers)


class ArticlesReportOut(BaseModel):
    total: int
    articles: list[ArticleReportOut]
    waiting: int


class SpikeOut(BaseModel):
    day: date
    kind: SpikeKind
    name: str
    count: int
    usual: float = Field(description="The median of the same weekday up to the same time.")
    weeks: int = Field(description="Of how many weeks.")
    found: datetime

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
        )


class SpikesOut(BaseModel):
    spikes: list[SpikeOut]


class GroupOut(BaseModel):
    sessions: int
    sent: int
    share: float | None
    interval: Interval | None = _INTERVAL

    @classmethod
    def of(cls, group: Group) -> Self:
        return cls(sessions=group.sessions, sent=group.sent, share=group.share, interval=group.interval)


class HoldOutOut(BaseModel):
    """What suggestions beside the ticket form do, measured."""

    share: float = Field(description="The setting `hold_out`.")
    held_out: GroupOut
    others: GroupOut
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
