"""How much waits in the database: a few counts that are cheap enough to be asked for again and again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bot.database import reachable
from bot.tables import gaps, outbox


@dataclass(frozen=True, slots=True)
class Pulse:
    """Letters that are not delivered by how they stand, the age of the oldest in seconds, and gaps that are open."""

    outbox: Mapping[str, int]
    oldest_s: float
    gaps_open: int


def pulse(engine: sa.Engine, now: datetime) -> Pulse:
    """Raises StoreUnavailable."""
    # The first attempt is under way as long as somebody has the lease.
    failed = sa.or_(outbox.c.attempts > 1, sa.and_(outbox.c.attempts == 1, outbox.c.leased_until.is_(None)))
    stands = sa.case((outbox.c.state == "dead", "dead"), (failed, "failing"), else_="waiting")
    letters = sa.select(stands, sa.func.count(), sa.func.min(outbox.c.at)).where(
        outbox.c.state.in_(("waiting", "dead"))
    )
    open_gaps = sa.select(sa.func.count()).select_from(gaps).where(gaps.c.state == "open")
    with reachable("What waits could not be counted"), engine.connect() as connection:
        rows = connection.execute(letters.group_by(stands)).all()
        waiting = connection.execute(open_gaps).scalar_one()
    oldest = min((at for name, _, at in rows if name != "dead"), default=now)
    counts = {"waiting": 0, "failing": 0, "dead": 0} | {name: count for name, count, _ in rows}
    return Pulse(counts, max(0.0, (now - oldest).total_seconds()), waiting)
