"""Gaps in a SQL database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import sqlalchemy as sa

from bot.database import parts, reachable
from bot.gaps.models import (
    GAP_KINDS,
    Centre,
    Description,
    Event,
    Failure,
    Filter,
    Gap,
    Listing,
    Standing,
    Step,
    Version,
    What,
    Wording,
    Work,
)
from bot.gaps.rows import centre_rows, home_rows, join, put_centres, put_homes, standing
from bot.gaps.store import LEASE, PERIOD, check_revision, handed, last_by_hand, unknown, without
from bot.tables import gap_history, gap_joined, gap_questions, gap_work, gaps
from kb.analysis import fold
from kb.embedding import Vectors

_m = gap_questions.c
_KIND = {"unanswered": _m.unanswered, "rejected": _m.rejected, "ticket": _m.ticketed}
_FIGURES = ("count", "first", "last", "recent", "before", "tickets", "saves")
_TIMES = ("decided", "written_since")
_NO_WORK = {
    name: sa.literal(value, gap_work.c[name].type)
    for name, value in {"revision": 0, "cursor": {}, "articles": {}, "snapshot": "", "owner": ""}.items()
}


class SqlGapStore:
    """Gaps in a SQL database. Whatever changes them takes the lock of one row first."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    # --- the work --------------------------------------------------------------------------------------------------

    def work(self) -> Work:
        with reachable("The gaps could not be read"), self._engine.connect() as connection:
            row = connection.execute(gap_work.select()).first()
        if row is None:  # until the next claim makes it again
            return Work()
        articles = {key: Version(said, datetime.fromisoformat(since)) for key, (said, since) in row.articles.items()}
        return Work(row.revision, row.cursor, row.snapshot, articles, row.anew)

    def claim(self, owner: str, now: datetime) -> bool:
        leased = gap_work.c.leased_until
        ended = sa.or_(leased <= now, leased > now + 2 * LEASE)  # no clock that goes right gave a longer one
        free = sa.or_(gap_work.c.owner.in_(("", owner)), ended)
        # Of several servers that see it free, the first one's update is the only one that finds it so.
        taken = gap_work.update().where(free).values(owner=owner, leased_until=now + LEASE)
        with reachable("The work on gaps could not be claimed"), self._engine.begin() as connection:
            if connection.execute(taken).rowcount:
                return True
            # Somebody deleted the row, and without it nothing would ever be gathered again.
            gone = sa.select(*_NO_WORK.values()).where(~sa.exists(sa.select(gap_work.c.revision)))
            made = gap_work.insert().from_select(list(_NO_WORK), gone)
            return bool(connection.execute(made).rowcount) and connection.execute(taken).rowcount > 0

    def release(self, owner: str) -> None:
        free = gap_work.update().where(gap_work.c.owner == owner).values(owner="", leased_until=None)
        with reachable("The work on gaps could not be released"), self._engine.begin() as connection:
            connection.execute(free)

    def centres(self) -> list[Centre]:
        query = sa.select(gaps.c.id, gaps.c.encoder, gaps.c.vector, gaps.c.weight).order_by(gaps.c.id)
        with reachable("The gaps could not be read"), self._engine.connect() as connection:
            return [
                Centre(row.id, row.encoder, np.frombuffer(row.vector, np.float32), row.weight)
                for row in connection.execute(query)
            ]

    def undecided(self) -> tuple[list[str], int]:
        decided = sa.exists().where(gap_history.c.gap_id == gaps.c.id)
        query = sa.select(gaps.c.id).where(gaps.c.state == "open", ~decided).order_by(gaps.c.id)
        with reachable("The gaps could not be read"), self._engine.connect() as connection:
            ids = list(connection.execute(query).scalars())
            return ids, connection.execute(sa.select(sa.func.count()).select_from(gap_questions)).scalar_one()

    def homes(self, keys: Sequence[str]) -> dict[str, tuple[str, Failure]]:
        with reachable("The gaps could not be read"), self._engine.connect() as connection:
            return {row.key: (row.gap_id, _failure(row)) for row in _rows(connection, gap_questions, _m.key, keys)}

    def of(self, gap_ids: Collection[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        with reachable("The gaps could not be read"), self._engine.connect() as connection:
            for part in parts(gap_ids):
                query = sa.select(_m.key, _m.gap_id).where(_m.gap_id.in_(part))
                found |= {row.key: row.gap_id for row in connection.execute(query)}
        return found

    def save(self, step: Step, revision: int) -> bool:
        values: dict[str, Any] = {"revision": gap_work.c.revision + 1}
        if step.cursor is not None:
            values["cursor"] = step.cursor
        if step.anew is not None:
            values["anew"] = step.anew
        # Made before the lock is taken: that takes longer than writing them, and tickets wait for the lock.
        centres, homes = centre_rows(step), home_rows(step)
        with reachable("The gaps could not be stored"), self._engine.begin() as connection:
            seen = gap_work.update().where(gap_work.c.revision == revision).values(values)
            if not connection.execute(seen).rowcount:
                return False
            if _decided(connection, step.undecided):
                connection.rollback()
                return False
            origins = list(step.split.values())
            stands = {row.id: standing(row) for row in _rows(connection, gaps, gaps.c.id, origins)}
            put_centres(connection, step, centres, stands)
            for gone, kept in step.joined.items():
                join(connection, gone, kept)
            put_homes(connection, step, homes)
            for part in parts(step.dropped):
                connection.execute(gaps.delete().where(gaps.c.id.in_(part)))
        return True

    def look(self, snapshot: str, articles: dict[str, Version]) -> None:
        written = {key: [version.hash, version.since.isoformat()] for key, version in articles.items()}
        with reachable("The articles could not be noted"), self._engine.begin() as connection:
            connection.execute(gap_work.update().values(snapshot=snapshot, articles=written))

    def waiting(self, snapshot: str, limit: int) -> list[str]:
        query = (
            sa.select(gaps.c.id)
            .where(sa.or_(gaps.c.stale, gaps.c.checked != snapshot))
            .order_by(gaps.c.stale.desc(), gaps.c.state != "open", gaps.c.weight.desc(), gaps.c.id)
            .limit(limit)
        )
        with reachable("The gaps could not be read"), self._engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def describe(self, gap_id: str, said: Description, snapshot: str, seen: int) -> None:
        count = sa.select(sa.func.count()).where(_m.gap_id == gap_id).scalar_subquery()
        values = {
            **{name: getattr(said, name) for name in ("name", "lang", "why", "nearest")},
            "wordings": [asdict(wording) for wording in said.wordings],
            "checked": snapshot,
            "stale": count != seen,
            "meaning": None if said.meaning is None else said.meaning.astype(np.float16).tobytes(),
            "meaning_by": said.meaning_by,
        }
        with reachable("A gap could not be described"), self._engine.begin() as connection:
            connection.execute(gaps.update().where(gaps.c.id == gap_id).values(values))

    # --- what people see -------------------------------------------------------------------------------------------

    def count(self, gap_id: str) -> int:
        with reachable("A gap could not be read"), self._engine.connect() as connection:
            return int(connection.execute(sa.select(sa.func.count()).where(_m.gap_id == gap_id)).scalar_one())

    def keys(self, gap_id: str, limit: int) -> list[str]:
        query = sa.select(_m.key).where(_m.gap_id == gap_id).order_by(_m.at.desc(), _m.key).limit(limit)
        with reachable("A gap could not be read"), self._engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def members(self, gap_id: str, limit: int) -> list[Failure]:
        query = gap_questions.select().where(_m.gap_id == gap_id).order_by(_m.at.desc(), _m.key).limit(limit)
        with reachable("A gap could not be read"), self._engine.connect() as connection:
            return [_failure(row) for row in connection.execute(query)]

    def texts(self, limit: int) -> list[tuple[datetime, str, str]]:
        query = sa.select(_m.at, _m.text, _m.lang).order_by(_m.at.desc(), _m.key).limit(limit)
        with reachable("The gaps could not be read"), self._engine.connect() as connection:
            return [(row.at, row.text, row.lang) for row in connection.execute(query)]

    def find(self, wanted: Filter, now: datetime) -> Listing:
        counted = _counted(wanted, now).subquery()
        query = sa.select(gaps, counted).join(counted, counted.c.gap_id == gaps.c.id)
        if wanted.state:
            query = query.where(gaps.c.state == wanted.state)
        if wanted.writer is not None:
            query = query.where(gaps.c.writer == wanted.writer)
        orders = {
            "saves": (counted.c.saves.desc(), counted.c.recent.desc(), counted.c.count.desc()),
            "asked": (counted.c.count.desc(),),
            "new": (counted.c.last.desc(),),
            "growth": ((counted.c.recent - counted.c.before).desc(), counted.c.count.desc()),
            "tickets": (counted.c.tickets.desc(), counted.c.count.desc()),
        }
        page = query.order_by(*orders[wanted.sort], counted.c.last.desc(), gaps.c.id)
        page = page.limit(wanted.limit).offset(wanted.offset)
        whole = query.with_only_columns(sa.func.count(), sa.func.coalesce(sa.func.sum(counted.c.count), 0))
        with reachable("The gaps could not be read"), self._engine.connect() as connection:
            total, asked = connection.execute(whole).one()
            rows = connection.execute(page).all()
            langs = _langs(connection, [row.id for row in rows])
        return Listing(total, asked, tuple(_gap(row, langs.get(row.id, ())) for row in rows))

    def get(self, gap_id: str, now: datetime) -> Gap:
        with reachable("The gap could not be read"), self._engine.connect() as connection:
            found = _some(connection, [_where_it_went(connection, gap_id)], now)
        if not found:
            raise unknown(gap_id)
        return found[0]

    def some(self, gap_ids: Sequence[str], now: datetime) -> list[Gap]:
        with reachable("The gaps could not be read"), self._engine.connect() as connection:
            return _some(connection, gap_ids, now)

    def meanings(self, encoder: str, limit: int) -> tuple[list[str], list[str], Vectors]:
        columns = gaps.c.id, gaps.c.lang, gaps.c.meaning
        query = sa.select(*columns).where(gaps.c.meaning_by == encoder, gaps.c.meaning.is_not(None))
        with reachable("The gaps could not be read"), self._engine.connect() as connection:
            rows = connection.execute(query.order_by(gaps.c.weight.desc(), gaps.c.id).limit(limit)).all()
        vectors = np.frombuffer(b"".join(row.meaning for row in rows), np.float16).astype(np.float32)
        shaped = vectors.reshape(len(rows), -1) if rows else np.empty((0, 0), np.float32)
        return [row.id for row in rows], [row.lang for row in rows], shaped

    def langs(self) -> list[str]:
        query = sa.select(gaps.c.lang).where(gaps.c.lang != "").distinct().order_by(gaps.c.lang)
        with reachable("The gaps could not be read"), self._engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def days(self, gap_ids: Collection[str], since: datetime) -> dict[str, dict[date, tuple[int, int]]]:
        found: dict[str, dict[date, tuple[int, int]]] = {gap_id: {} for gap_id in gap_ids}
        query = sa.select(_m.gap_id, _m.day, sa.func.count().label("count"), _number(_m.ticketed).label("tickets"))
        with reachable("The gaps could not be read"), self._engine.connect() as connection:
            for part in parts(gap_ids):
                some = query.where(_m.gap_id.in_(part), _m.at >= since).group_by(_m.gap_id, _m.day)
                for row in connection.execute(some):
                    found[row.gap_id][row.day] = row._mapping["count"], row.tickets
        return found

    def departments(self, gap_id: str) -> dict[str, int]:
        number = sa.func.count()
        query = sa.select(_m.department, number).where(_m.gap_id == gap_id, _m.department != "")
        query = query.group_by(_m.department).order_by(number.desc(), _m.department)
        with reachable("The gap could not be read"), self._engine.connect() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    # --- what people do --------------------------------------------------------------------------------------------

    def change(self, gap_id: str, what: What, stand: Standing, revision: int | None = None) -> Gap:
        at = stand.decided or datetime.now(UTC)
        with reachable("The gap could not be changed"), self._engine.begin() as connection:
            _lock(connection)
            gap_id = _where_it_went(connection, gap_id)
            before = standing(_one(connection, gap_id))
            if before.state != stand.state or before.reason != stand.reason:
                check_revision(_events(connection, gap_id), revision)
                _stand(connection, gap_id, replace(stand, writer=before.writer, written_since=before.written_since))
                _note(connection, gap_id, Event(0, at, stand.who, what, stand.reason, stand.article, before))
        return self.get(gap_id, at)

    def hand(self, gap_id: str, writer: str, who: str, at: datetime, revision: int | None = None) -> Gap:
        with reachable("The gap could not be changed"), self._engine.begin() as connection:
            _lock(connection)
            gap_id = _where_it_went(connection, gap_id)
            before = standing(_one(connection, gap_id))
            if before.writer != writer:
                check_revision(_events(connection, gap_id), revision)
                _stand(connection, gap_id, handed(before, writer, at))
                _note(connection, gap_id, Event(0, at, who, "take" if writer else "give_back", "", "", before))
        return self.get(gap_id, at)

    def undo(self, gap_id: str, who: str, at: datetime, revision: int | None = None) -> Gap:
        with reachable("The gap could not be changed"), self._engine.begin() as connection:
            _lock(connection)
            gap_id = _where_it_went(connection, gap_id)
            stand = standing(_one(connection, gap_id))
            events = _events(connection, gap_id)
            check_revision(events, revision)
            last = last_by_hand(events, stand)
            _stand(connection, gap_id, without(last, stand))
            connection.execute(gap_history.update().where(gap_history.c.id == last.id).values(undone=True))
            _note(connection, gap_id, Event(0, at, who, "undo", "", "", stand))
        return self.get(gap_id, at)

    def history(self, gap_id: str) -> list[Event]:
        with reachable("The gap could not be read"), self._engine.connect() as connection:
            gap_id = _where_it_went(connection, gap_id)
            _one(connection, gap_id)
            return _events(connection, gap_id)


def _counted(wanted: Filter, now: datetime) -> sa.Select[Any]:
    """The figures of each gap, of the questions that a filter lets through."""
    recent, before = _m.at >= now - PERIOD, sa.and_(_m.at >= now - 2 * PERIOD, _m.at < now - PERIOD)
    query = sa.select(
        _m.gap_id,
        sa.func.count().label("count"),
        sa.func.min(_m.at).label("first"),
        sa.func.max(_m.at).label("last"),
        _number(recent).label("recent"),
        _number(before).label("before"),
        _number(_m.ticketed).label("tickets"),
        _number(sa.and_(_m.ticketed, recent)).label("saves"),
        *(_number(column).label(f"kind_{kind}") for kind, column in _KIND.items()),
    ).group_by(_m.gap_id)
    if wanted.since:
        query = query.where(_m.at >= wanted.since)
    if wanted.kind:
        query = query.where(_KIND[wanted.kind])
    if wanted.lang:
        query = query.where(_m.lang == wanted.lang)
    if wanted.department:
        query = query.where(_m.department == wanted.department)
    if sought := " ".join(fold(wanted.words).split()):
        query = query.where(_m.gap_id.in_(sa.select(_m.gap_id).where(_m.search.contains(sought, autoescape=True))))
    return query


def _some(connection: sa.Connection, gap_ids: Sequence[str], now: datetime) -> list[Gap]:
    counted = _counted(Filter(state=None), now).where(_m.gap_id.in_(gap_ids)).subquery()
    rows = connection.execute(sa.select(gaps, counted).join(counted, counted.c.gap_id == gaps.c.id)).all()
    langs = _langs(connection, [row.id for row in rows])
    found = {row.id: _gap(row, langs.get(row.id, ())) for row in rows}
    return [found[gap_id] for gap_id in gap_ids if gap_id in found]


def _number(is_so: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.sum(sa.case((is_so, 1), else_=0))


def _langs(connection: sa.Connection, gap_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for part in parts(gap_ids):
        query = sa.select(_m.gap_id, _m.lang).where(_m.gap_id.in_(part), _m.lang != "").distinct()
        for row in connection.execute(query.order_by(_m.lang)):
            found[row.gap_id] = (*found.get(row.gap_id, ()), row.lang)
    return found


def _gap(row: Any, langs: tuple[str, ...]) -> Gap:
    kinds = frozenset(kind for kind in GAP_KINDS if row._mapping[f"kind_{kind}"])
    figures = {name: row._mapping[name] for name in _FIGURES}
    said = {name: getattr(row, name) for name in ("id", "name", "lang", "why", "nearest")}
    wordings = tuple(Wording(**wording) for wording in row.wordings)
    return Gap(**said, **figures, standing=standing(row), kinds=kinds, langs=langs, wordings=wordings)


def _failure(row: Any) -> Failure:
    left_out = ("gap_id", "day", "search")
    values = {name: value for name, value in row._mapping.items() if name not in left_out}
    return Failure(**{**values, "shown": tuple(row.shown)})


def _lock(connection: sa.Connection) -> None:
    """Writing before reading takes the lock, so that a step of the grouping and a person's word follow each other."""
    connection.execute(gap_work.update().values(revision=gap_work.c.revision))


def _decided(connection: sa.Connection, gap_ids: Collection[str]) -> bool:
    """Whether anything was decided on one of these gaps."""
    found = (sa.select(gap_history.c.id).where(gap_history.c.gap_id.in_(part)).limit(1) for part in parts(gap_ids))
    return any(connection.execute(query).first() for query in found)


def _where_it_went(connection: sa.Connection, gap_id: str) -> str:
    query = sa.select(gap_joined.c.gap_id).where(gap_joined.c.id == gap_id)
    return connection.execute(query).scalar_one_or_none() or gap_id


def _one(connection: sa.Connection, gap_id: str) -> Any:
    row = connection.execute(gaps.select().where(gaps.c.id == gap_id)).first()
    if row is None:
        raise unknown(gap_id)
    return row


def _stand(connection: sa.Connection, gap_id: str, stand: Standing) -> None:
    connection.execute(gaps.update().where(gaps.c.id == gap_id).values(asdict(stand)))


def _note(connection: sa.Connection, gap_id: str, event: Event) -> None:
    row = asdict(event)
    del row["id"]
    before = {name: _written(value) for name, value in asdict(event.before).items()}
    connection.execute(gap_history.insert().values({**row, "gap_id": gap_id, "before": before}))


def _events(connection: sa.Connection, gap_id: str) -> list[Event]:
    query = gap_history.select().where(gap_history.c.gap_id == gap_id).order_by(gap_history.c.id.desc())
    return [_event(row) for row in connection.execute(query)]


def _event(row: Any) -> Event:
    times = {name: datetime.fromisoformat(row.before[name]) for name in _TIMES if row.before.get(name)}
    return Event(
        row.id, row.at, row.who, row.what, row.reason, row.article, Standing(**{**row.before, **times}), row.undone
    )


def _written(value: str | datetime | None) -> str | None:
    return value.isoformat() if isinstance(value, datetime) else value


def _rows(connection: sa.Connection, table: sa.Table, column: Any, values: Iterable[str]) -> Iterator[Any]:
    for part in parts(values):
        yield from connection.execute(table.select().where(column.in_(part)))
