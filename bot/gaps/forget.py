"""Takes questions and tickets out of the gaps they belong to, in the transaction of what removes them."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from bot.database import parts
from bot.tables import gap_questions, gap_work, gaps

_m = gap_questions.c


def forget(connection: sa.Connection, keys: Sequence[str], numbers: Sequence[int] = ()) -> int:
    """Removes the rows of these questions and tickets, their words in what a gap is called, and gaps without any.

    `numbers` are those of tickets that are gone. Returns how many rows there were. What is left of a gap is described
    anew by whoever gathers gaps.
    """
    # Writing first takes the lock; with the new revision, what another server has gathered meanwhile is not stored.
    connection.execute(gap_work.update().values(revision=gap_work.c.revision + 1))
    touched: set[str] = set()
    removed = 0
    for part in parts(keys):
        found = connection.execute(sa.select(_m.gap_id).where(_m.key.in_(part)))
        touched.update(found.scalars())
        removed += connection.execute(gap_questions.delete().where(_m.key.in_(part))).rowcount
    for few in parts(numbers):
        connection.execute(gap_questions.update().where(_m.ticket.in_(few)).values(ticket=0))
    for gap_id in sorted(touched):
        _rename(connection, gap_id)
    return removed


def _rename(connection: sa.Connection, gap_id: str) -> None:
    """Only words of questions that are still there are left, until the gap is described anew."""
    left = sa.select(_m.text, _m.lang).where(_m.gap_id == gap_id).order_by(_m.at.desc(), _m.key)
    rows = connection.execute(left).all()
    if not rows:
        connection.execute(gaps.delete().where(gaps.c.id == gap_id))
        return
    texts = {row.text for row in rows}
    known = connection.execute(sa.select(gaps.c.name, gaps.c.lang, gaps.c.wordings).where(gaps.c.id == gap_id)).one()
    name, lang = (known.name, known.lang) if known.name in texts else (rows[0].text, rows[0].lang)
    wordings = [wording for wording in known.wordings if wording["text"] in texts]
    values = {"name": name, "lang": lang, "wordings": wordings, "stale": True}
    connection.execute(gaps.update().where(gaps.c.id == gap_id).values(values))
