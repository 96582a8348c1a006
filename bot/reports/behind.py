"""What stands behind a number: the questions themselves, and what they are about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from bot import privacy
from bot.database import parts, reachable
from bot.gaps.failures import QUESTION, TICKET
from bot.models import Outcome
from bot.reports.counting import AGENTS, Asked, words_on
from bot.reports.days import Days
from bot.reports.spikes import Spike
from bot.tables import gap_questions, gaps, outcomes, questions, report_articles, tickets
from kb.analysis import fold

#: Of more than so many different wordings, the newest say which are typical.
_MOST_COMPARED = 300


@dataclass(frozen=True, slots=True)
class Question:
    """Something a person asked, masked; `gap` is the id of the gap it lies in, "" where it is in none."""

    text: str
    lang: str
    channel: str
    at: datetime
    gap: str


@dataclass(frozen=True, slots=True)
class Group:
    """Questions or tickets that are about one thing: a `gap`, else the `article` that was shown first, else neither.

    `called` is the gap's name; `examples` are the most typical wordings, masked.
    """

    gap: str
    called: str
    article: str
    count: int
    examples: tuple[str, ...]


class Behind:
    """Reads events as they are kept: what was erased since is not in it. Every method may raise StoreUnavailable."""

    def __init__(self, engine: sa.Engine, days: Days) -> None:
        self._engine, self._days = engine, days

    def rejected(self, article_id: str, first: date | None, last: date, most: int) -> list[Question]:
        """The questions whose person said last of this article that it did not help, the newest first.

        Days are looked into that were counted, and of these as many as it takes.
        """
        found: list[Any] = []
        with reachable("The questions could not be read"), self._engine.connect() as connection:
            for day in _days_rejected(connection, article_id, first, last):
                start, end = self._days.span(day)
                found += _rejected(connection, article_id, start, end)
                if len(found) >= most:
                    break
            homes = _homes(connection, [QUESTION + row.id for row in found[:most]])
        return [Question(row.text, row.lang, row.channel, row.at, homes.get(QUESTION + row.id, ("", ""))[0])
                for row in found[:most]]  # fmt: skip

    def spike(
        self, spike: Spike, topic_of: Callable[[str], str | None], most: int, examples: int
    ) -> tuple[Sequence[Group], int]:
        """What a spike is about, the largest group first, at most so many; and of how many groups."""
        start = self._days.starts(spike.day)
        with reachable("The questions could not be read"), self._engine.connect() as connection:
            read = _asked if spike.kind in ("questions", "topic") else _sent
            rows = read(connection, start, spike.looked_at, spike, topic_of)
            homes = _homes(connection, [key for key, _, _ in rows])
        members: dict[tuple[str, str, str], list[str]] = {}
        for key, text, article in rows:
            gap, called = homes.get(key, ("", ""))
            members.setdefault((gap, called, "" if gap else article), []).append(text)
        largest = sorted(members.items(), key=lambda found: (-len(found[1]), found[0][0], found[0][2]))[:most]
        return [Group(*about, len(texts), typical(texts, examples)) for about, texts in largest], len(members)


def typical(texts: Iterable[str], most: int) -> tuple[str, ...]:
    """The wordings that share most words with the others, each once however it is written; at most `most`."""
    counted: Counter[str] = Counter()
    first: dict[str, str] = {}
    for text in texts:
        key = " ".join(sorted(set(fold(text).split())))
        first.setdefault(key, text)
        counted[key] += 1
    known = list(first)[:_MOST_COMPARED]
    words = {key: frozenset(key.split()) for key in known}

    def shared(key: str) -> float:
        return sum(counted[other] * _likeness(words[key], words[other]) for other in known)

    return tuple(first[key] for key in sorted(known, key=lambda key: -shared(key))[:most])


def _likeness(one: frozenset[str], two: frozenset[str]) -> float:
    """Of the words of both, the share that both have (Jaccard)."""
    return len(one & two) / len(one | two) if one or two else 1.0


def _days_rejected(connection: sa.Connection, article_id: str, first: date | None, last: date) -> Sequence[date]:
    """The days on which somebody rejected an article, the latest first."""
    of = report_articles.c
    query = sa.select(of.day).where(of.article_id == article_id, of.rejected > 0, of.day <= last)
    query = query.where(of.day >= first) if first else query
    return connection.execute(query.order_by(of.day.desc())).scalars().all()


def _rejected(connection: sa.Connection, article_id: str, start: datetime, end: datetime) -> list[Any]:
    """The rows of questions from `start` to before `end` whose person rejected an article, the newest first."""
    of, said = questions.c, outcomes.c
    told = sa.exists().where(said.question_id == of.id, said.outcome == "not_solved")
    query = questions.select().where(of.at >= start, of.at < end, of.channel != AGENTS, told)
    rows = {row.id: row for row in connection.execute(query.order_by(of.at.desc(), of.id))}
    words: dict[str, list[Outcome]] = {}
    for part in parts(list(rows)):
        every = sa.select(said.question_id, said.outcome, said.article_id).where(said.question_id.in_(part))
        for row in connection.execute(every.order_by(said.at, said.id)):
            words.setdefault(row.question_id, []).append(Outcome(*row))
    return [row for row in rows.values() if "rejected" in _words(row, words[row.id]).get(article_id, ())]


def _words(row: Any, told: Sequence[Outcome]) -> Mapping[str, Sequence[str]]:
    asked = Asked(row.id, row.at, row.lang, row.channel, row.session, row.decision, tuple(row.shown),
                  tuple(row.further), tuple(told))  # fmt: skip
    return words_on(asked)


def _asked(
    connection: sa.Connection, start: datetime, end: datetime, spike: Spike, topic_of: Callable[[str], str | None]
) -> list[tuple[str, str, str]]:
    """(key as gaps have it, text, the article shown first) of each question of a spike, the newest first."""
    of = questions.c
    query = sa.select(of.id, of.text, of.shown).where(of.at >= start, of.at < end, of.channel != AGENTS)
    rows = [
        (QUESTION + row.id, row.text, row.shown[0] if row.shown else "")
        for row in connection.execute(query.order_by(of.at.desc(), of.id))
    ]
    if spike.kind == "questions":
        return rows
    return [row for row in rows if row[2] and topic_of(row[2]) == spike.name]


def _sent(
    connection: sa.Connection,
    start: datetime,
    end: datetime,
    spike: Spike,
    topic_of: Callable[[str], str | None],  # noqa: ARG001 - tickets are counted by their department
) -> list[tuple[str, str, str]]:
    """The same of tickets; one that names a question lies in the gap of that."""
    of = tickets.c
    query = (
        sa.select(of.id, of.question_id, of.subject, questions.c.shown)
        .join(questions, questions.c.id == of.question_id, isouter=True)
        .where(of.at >= start, of.at < end, *([of.department == spike.name] if spike.kind == "department" else []))
    )
    return [
        (
            QUESTION + row.question_id if row.question_id else TICKET + row.id,
            privacy.mask(row.subject),
            row.shown[0] if row.shown else "",
        )
        for row in connection.execute(query.order_by(of.at.desc(), of.id))
    ]


def _homes(connection: sa.Connection, keys: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The (id, name) of the gap that each of these lies in; those that lie in none are left out."""
    found: dict[str, tuple[str, str]] = {}
    for part in parts(keys):
        query = sa.select(gap_questions.c.key, gaps.c.id, gaps.c.name).join(gaps).where(gap_questions.c.key.in_(part))
        found.update({row.key: (row.id, row.name) for row in connection.execute(query)})
    return found
