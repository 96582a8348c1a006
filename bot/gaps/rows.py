"""A step of the grouping as rows of the tables, and how these are written."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import UTC
from typing import Any

import numpy as np
import sqlalchemy as sa

from bot.database import insert, parts
from bot.gaps.models import Failure, Standing, Step
from bot.gaps.store import joined
from bot.tables import gap_history, gap_joined, gap_questions, gaps
from kb.analysis import fold

_KEPT_OF_FAILURES = tuple(field.name for field in fields(Failure) if field.name not in ("body", "shown"))
_STANDING = tuple(field.name for field in fields(Standing))


def centre_rows(step: Step) -> list[dict[str, Any]]:
    first, open_ = step.first_words(), asdict(Standing())
    return [
        {
            "id": centre.id,
            "encoder": centre.encoder,
            "vector": np.ascontiguousarray(centre.vector, np.float32).tobytes(),
            "weight": centre.weight,
            **open_,
            "name": first[centre.id].text if centre.id in first else "",
            "lang": first[centre.id].lang if centre.id in first else "",
            **{"why": "no_article", "nearest": "", "wordings": []},
            "stale": True,
            "checked": "",
        }
        for centre in step.centres
    ]


def home_rows(step: Step) -> list[dict[str, Any]]:
    return [
        {
            **{name: getattr(failure, name) for name in _KEPT_OF_FAILURES},
            "shown": list(failure.shown),
            "gap_id": gap_id,
            "day": failure.at.astimezone(UTC).date(),
            "search": " ".join(fold(failure.text).split()),
        }
        for failure, gap_id in step.homes
    ]


def standing(row: Any) -> Standing:
    """How the gap of a row stands."""
    return Standing(*(getattr(row, name) for name in _STANDING))


def put_centres(connection: sa.Connection, step: Step, rows: list[dict[str, Any]], stands: dict[str, Standing]) -> None:
    """Writes new and changed gaps; `rows` are those of `centre_rows`, `stands` how those stand that some come from."""
    if not rows:
        return
    for row in rows:
        if before := stands.get(step.split.get(row["id"], "")):
            row |= asdict(before)
    made = insert(connection, gaps)
    changed = {name: made.excluded[name] for name in ("encoder", "vector", "weight", "stale")}
    connection.execute(made.on_conflict_do_update(index_elements=["id"], set_=changed), rows)


def join(connection: sa.Connection, gone: str, kept: str) -> None:
    """Gives questions, history and address of one gap to another."""
    found = connection.execute(gaps.select().where(gaps.c.id.in_([gone, kept])))
    rows = {row.id: row for row in found}
    if gone not in rows:
        return
    connection.execute(gap_questions.update().where(gap_questions.c.gap_id == gone).values(gap_id=kept))
    connection.execute(gap_history.update().where(gap_history.c.gap_id == gone).values(gap_id=kept))
    connection.execute(gap_joined.update().where(gap_joined.c.gap_id == gone).values(gap_id=kept))
    stand = joined(standing(rows[kept]), standing(rows[gone]))
    connection.execute(gaps.update().where(gaps.c.id == kept).values(asdict(stand)))
    connection.execute(gaps.delete().where(gaps.c.id == gone))
    connection.execute(gap_joined.insert().values(id=gone, gap_id=kept))


def put_homes(connection: sa.Connection, step: Step, rows: list[dict[str, Any]]) -> None:
    """Writes which question belongs to which gap; `rows` are those of `home_rows`."""
    for part in parts(step.gone):
        left = sa.select(gap_questions.c.gap_id).where(gap_questions.c.key.in_(part))
        connection.execute(gaps.update().where(gaps.c.id.in_(left)).values(stale=True))
        connection.execute(gap_questions.delete().where(gap_questions.c.key.in_(part)))
    if not rows:
        return
    made = insert(connection, gap_questions)
    changed = {column.name: made.excluded[column.name] for column in gap_questions.c if column.name != "key"}
    connection.execute(made.on_conflict_do_update(index_elements=["key"], set_=changed), rows)
    for part in parts({row["gap_id"] for row in rows}):
        connection.execute(gaps.update().where(gaps.c.id.in_(part)).values(stale=True))
