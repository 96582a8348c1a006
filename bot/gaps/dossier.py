"""All that is known of one gap, for somebody who may read some articles: the page, the API and the command show it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from bot.decide import Policy
from bot.errors import GapInvalid
from bot.gaps.alike import alike
from bot.gaps.evidence import Near, nearest, readable
from bot.gaps.models import Event, Gap
from bot.gaps.store import GapStore, last_by_hand, revision_of
from bot.gaps.trend import REACH, UNITS, Count, Unit, trend
from kb.models import Article
from kb.search import Searcher

#: How many of a gap's failures are looked at for the articles beside it.
_LOOKED_AT = 500


@dataclass(frozen=True, slots=True)
class Dossier:
    """A gap with what stands beside it. `article` is the one that closed it, if it may be read.

    `alike` are gaps like it, the most alike first. `undoable` says whether the last decision can be taken back.
    `revision` is the number of the last thing that happened.
    """

    gap: Gap
    article: Article | None
    departments: dict[str, int]
    counts: dict[Unit, list[Count]]
    articles: tuple[Near, ...]
    history: tuple[tuple[Event, Article | None], ...]
    tickets: tuple[tuple[int, str], ...]
    alike: tuple[Gap, ...]
    undoable: bool
    revision: int


def dossier(
    store: GapStore, searcher: Searcher, policy: Policy, gap_id: str, audiences: Collection[str], now: datetime
) -> Dossier:
    """The dossier of a gap as far as `audiences` may read the articles in it. Raises GapUnknown, StoreUnavailable."""
    history = store.history(gap_id)  # before the gap: what is decided in between counts as not read
    gap, may_read = store.get(gap_id, now), frozenset(audiences)
    failures = store.members(gap.id, _LOOKED_AT)
    days = store.days([gap.id], now - REACH)[gap.id]

    def seen(article_id: str) -> Article | None:
        return readable(searcher, article_id, gap.lang, may_read) if article_id else None

    return Dossier(
        gap=gap,
        article=seen(gap.standing.article),
        departments=store.departments(gap.id),
        counts={unit: trend(days, now.date(), unit) for unit in UNITS},
        articles=nearest(searcher, policy, gap, failures, may_read),
        history=tuple((event, seen(event.article)) for event in history),
        tickets=tuple((failure.ticket, failure.text) for failure in failures if failure.ticket),
        alike=alike(store, searcher, gap, now),
        undoable=_undoable(history, gap),
        revision=revision_of(history),
    )


def _undoable(history: list[Event], gap: Gap) -> bool:
    try:
        last_by_hand(history, gap.standing)
    except GapInvalid:
        return False
    return True
