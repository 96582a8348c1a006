"""The hold-out: a share of the sessions that come to the ticket form sees no suggestions there.

Whom it falls on is chance, so the two groups differ in nothing else, and the difference between their tickets is what
the suggestions do.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from bot.database import insert, reachable
from bot.reports.intervals import Interval, newcombe, sessions_needed, wilson
from bot.tables import form_sessions, tickets

#: The smallest difference that has to be told from chance, as a share of the sessions.
WORTH_KNOWING = 0.05
#: How long a session counts: a year and some, so that a month can be held against the same one a year ago.
KEPT_FOR = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Group:
    """Sessions that came to the form, and those of them that sent a ticket from then on."""

    sessions: int
    sent: int

    @property
    def share(self) -> float | None:
        return self.sent / self.sessions if self.sessions else None

    @property
    def interval(self) -> Interval | None:
        return wilson(self.sent, self.sessions)


@dataclass(frozen=True, slots=True)
class Effect:
    """What the hold-out shows. `difference` is the share of the held-out that sent a ticket minus that of the others:
    so many tickets in a session the suggestions spare. `needed` is how many sessions more it takes to tell a
    difference of `WORTH_KNOWING` from chance four times of five: 0 where there are enough, None where that cannot be
    said yet.
    """

    held_out: Group
    others: Group
    share: float

    @property
    def difference(self) -> float | None:
        one, two = self.held_out.share, self.others.share
        return None if one is None or two is None else one - two

    @property
    def interval(self) -> Interval | None:
        return newcombe((self.held_out.sent, self.held_out.sessions), (self.others.sent, self.others.sessions))

    @property
    def needed(self) -> int | None:
        came, sent = self.held_out.sessions + self.others.sessions, self.held_out.sent + self.others.sent
        if not self.share or not sent or sent == came:
            return None
        return max(0, sessions_needed(sent / came, WORTH_KNOWING, self.share) - came)


class HoldOut:
    """Which sessions are held out, and what came of it. `share` is 0 to 1; `key` is the same on every server."""

    def __init__(self, engine: sa.Engine, share: float, key: bytes) -> None:
        self._engine, self.share, self._key = engine, share, key
        self._tidied = date.min

    def holds_out(self, session: str) -> bool:
        """The same for a session on every server and at any time, as long as the share stays."""
        drawn = hmac.digest(self._key, session.encode(), hashlib.sha256)
        return int.from_bytes(drawn[:8]) < self.share * 2**64

    def enter(self, session: str, at: datetime) -> None:
        """A session came to the form: it counts from its first time on, for `KEPT_FOR`. Raises StoreUnavailable."""
        row = {"session": session, "at": at, "held_out": self.holds_out(session)}
        with reachable("The visit to the form could not be stored"), self._engine.begin() as connection:
            new = insert(connection, form_sessions).values(row)
            connection.execute(new.on_conflict_do_nothing(index_elements=["session"]))
            if self._tidied != at.date():  # once a day, by each server
                connection.execute(form_sessions.delete().where(form_sessions.c.at < at - KEPT_FOR))
        self._tidied = at.date()

    def effect(self, since: datetime | None = None) -> Effect:
        """Of the sessions that first came since then. Raises StoreUnavailable."""
        of = form_sessions.c
        mine = sa.and_(tickets.c.session == of.session, tickets.c.at >= of.at)
        query = sa.select(of.held_out, sa.func.count(), sa.func.sum(sa.case((sa.exists().where(mine), 1), else_=0)))
        query = query.group_by(of.held_out)
        if since:
            query = query.where(of.at >= since)
        with reachable("The hold-out could not be read"), self._engine.connect() as connection:
            found = {bool(held): Group(int(came), int(sent)) for held, came, sent in connection.execute(query)}
        nobody = Group(0, 0)
        return Effect(found.get(True, nobody), found.get(False, nobody), self.share)
