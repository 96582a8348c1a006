"""All reports of one desk, and what keeps them true while the server runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from bot.outbox import SqlOutbox
from bot.reports.articles import ArticleReports
from bot.reports.behind import Behind
from bot.reports.days import Days
from bot.reports.desk import DeskReports
from bot.reports.hold_out import HoldOut
from bot.reports.rollup import Rollup
from bot.reports.spikes import Spike, Spikes

#: How long somebody who opens a report may wait for what changed to be counted first, in seconds; and how long one day
#: may take for that.
_MAY_WAIT_S, _TOO_LONG_S = 0.25, 1.0
#: How long the watcher counts before it looks at other things again, and how long it rests at least.
_SLICE_S, _REST_S = 1.0, 5.0
#: Once all is counted, it takes at most one part in so many of a processor to keep it so.
_RESTS = 20
_LOOK_EVERY = timedelta(minutes=5)


class Reports:
    """`outbox` is where spikes are told of, None where nobody is, with the `address` of their page; `clock` gives
    seconds.

    `topic_of` gives the topic of an article id, whoever may read it; None where there is no such article.
    """

    def __init__(
        self,
        engine: sa.Engine,
        zone: ZoneInfo,
        hold_out: HoldOut,
        topic_of: Callable[[str], str | None],
        outbox: SqlOutbox | None = None,
        address: Callable[[Spike], str] = lambda _: "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.days, self.hold_out, self.topic_of, self._clock = Days(zone), hold_out, topic_of, clock
        self.rollup = Rollup(engine, self.days, clock)
        self.desk, self.articles = DeskReports(engine, self.days), ArticleReports(engine, self.days)
        self.spikes = Spikes(engine, self.days, topic_of, outbox, address)
        self.behind = Behind(engine, self.days)
        self._took = self._rests_until = 0.0
        self._looked: datetime | None = None

    def current(self) -> int:
        """Counts what changed, for somebody who opens a report; how many days are left. Raises StoreUnavailable.

        Where a day takes longer than anybody should wait, what the watcher counted last is shown.
        """
        if self._took <= _TOO_LONG_S:
            self._count(_MAY_WAIT_S)
        return self.rollup.waiting()

    def watch(self, now: datetime) -> None:
        """To be called every few seconds: counts what changed, and looks for spikes. Raises StoreUnavailable."""
        if self._clock() >= self._rests_until:
            started = self._clock()
            self._count(_SLICE_S)
            ended = self._clock()
            # Where all is counted anew, the report is worth half a processor until that is done.
            rest = max(_REST_S, _RESTS * (ended - started)) if not self.rollup.waiting() else ended - started
            self._rests_until = ended + rest
        if self._looked is None or abs(now - self._looked) >= _LOOK_EVERY:
            self._looked = now
            self.spikes.look(now)

    def _count(self, seconds: float) -> None:
        started = self._clock()
        if counted := self.rollup.refresh(seconds):
            self._took = (self._clock() - started) / counted
