"""A made-up desk: questions with what became of them, tickets, reads, votes, flags and visits to the form, by chance.

The same seed makes the same rows. Times are whole seconds; more is asked by day, on weekdays and of a few articles.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bot.tables import (
    article_feedback,
    article_flags,
    article_reads,
    form_sessions,
    outcomes,
    questions,
    tickets,
)

CHANNELS, CHANNEL_WEIGHTS = ("web", "widget", "ticket_form", "api", "agent"), (45, 25, 15, 10, 5)
LANGS, LANG_WEIGHTS = ("en", "pl", "de", ""), (68, 20, 10, 2)
DEPARTMENTS = ("", "Sales", "Finance", "Operations", "Research", "=HYPERLINK")
TOPICS = ("", "Hardware", "Accounts", "Network", "Telephones", "Something else")
_HOURS = (1, 1, 1, 1, 1, 2, 4, 9, 16, 20, 20, 18, 14, 17, 18, 16, 12, 8, 5, 4, 3, 3, 2, 1)
#: Of all questions, so many have one of these next to them; together with the questions, events.
_PER_QUESTION = {"tickets": 0.22, "sessions": 0.12, "votes": 0.1}


@dataclass
class Events:
    """Rows by table, as they are inserted."""

    rows: dict[sa.Table, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, table: sa.Table, **row: Any) -> None:
        self.rows.setdefault(table, []).append(row)

    def __len__(self) -> int:
        return sum(map(len, self.rows.values()))

    def insert(self, connection: sa.Connection, at_once: int = 20_000) -> None:
        for table, rows in self.rows.items():
            for start in range(0, len(rows), at_once):
                connection.execute(table.insert(), rows[start : start + at_once])


def topic_of(article: str) -> str:
    """Every made-up article belongs to one of 24 topics."""
    return f"topic-{int(article.removeprefix('article-')) % 24:02}"


def made(seed: int, number: int, start: datetime, days: int, articles: int = 600, *, reads: bool = True) -> Events:
    """`number` questions between `start` and so many days later, with all that follows them.

    Several seeds fit into one database; reads are a row an article and day, so one of them brings these.
    """
    chance, events = random.Random(seed), Events()  # noqa: S311 - the same rows every time, no secret
    ids = [f"article-{n}" for n in range(articles)]
    popular = [1 / (n + 3) for n in range(articles)]
    pick: Callable[[int], list[str]] = lambda k: chance.choices(ids, popular, k=k)  # noqa: E731
    session = ""
    for n in range(number):
        at = _moment(chance, start, days)
        if not session or chance.random() < 0.7:
            session = f"session-{seed}-{n}" if chance.random() < 0.97 else ""
        asked = _question(chance, f"{seed:04x}{n:012x}", at, session, pick(8))
        events.add(questions, **asked)
        _what_became_of_it(chance, events, asked)
        if chance.random() < _PER_QUESTION["tickets"]:
            _ticket(chance, events, f"{seed:04x}t{n:012x}", asked)
        if session and asked["channel"] == "ticket_form" and chance.random() < 0.8:
            events.add(form_sessions, session=session, at=at, held_out=chance.random() < 0.1)
        if chance.random() < _PER_QUESTION["votes"]:
            _vote(chance, events, pick(1)[0], f"voter-{seed}-{n}", at)
        if chance.random() < 0.002:
            _flag(events, f"{seed:04x}f{n:012x}", pick(1)[0], at)
    seen: set[str] = set()
    events.rows[form_sessions] = [
        row for row in events.rows.get(form_sessions, []) if row["session"] not in seen and not seen.add(row["session"])
    ]
    for day in range(days if reads else 0):
        for article in set(pick(min(articles, 150))):
            events.add(article_reads, day=(start + timedelta(days=day)).date(), article_id=article,
                       reads=chance.randint(1, 60))  # fmt: skip
    return events


def _moment(chance: random.Random, start: datetime, days: int) -> datetime:
    while True:
        day = start + timedelta(days=chance.randrange(days))
        if day.weekday() < 5 or chance.random() < 0.25:
            hour = chance.choices(range(24), _HOURS)[0]
            return day.replace(hour=hour, minute=chance.randrange(60), second=chance.randrange(60)).astimezone(UTC)


def _question(chance: random.Random, id: str, at: datetime, session: str, best: Sequence[str]) -> dict[str, Any]:  # noqa: A002
    best = list(dict.fromkeys(best))
    decision = chance.choices(("answer", "suggest", "unanswered"), (50, 33, 17))[0]
    shown = [] if decision == "unanswered" else best[: chance.randint(1, 3)]
    return {
        "id": id,
        "at": at,
        "text": "how do I do this",
        "body": "",
        "lang": chance.choices(LANGS, LANG_WEIGHTS)[0],
        "channel": chance.choices(CHANNELS, CHANNEL_WEIGHTS)[0],
        "session": session,
        "decision": decision,
        "confidence": 0.5,
        "reason": "",
        "snapshot": "0" * 16,
        "shown": shown,
        "after": "",
        "further": best[len(shown) :] if shown else best[:4],
    }


def _what_became_of_it(chance: random.Random, events: Events, asked: dict[str, Any]) -> None:
    listed = [*asked["shown"], *asked["further"]]
    while chance.random() < 0.32:
        late = chance.choice((30, 300, 4_000, 90_000, 700_000))
        article = chance.choice([*listed, "", "article-0"]) if listed else ""
        events.add(
            outcomes,
            question_id=asked["id"],
            at=asked["at"] + timedelta(seconds=chance.randint(1, late)),
            outcome=chance.choice(("opened", "opened", "solved", "not_solved")),
            article_id=article,
            reason="",
        )


def _ticket(chance: random.Random, events: Events, id: str, asked: dict[str, Any]) -> None:  # noqa: A002
    wait = chance.choice((0, 60, 3_600, 86_399, 86_400, 86_401, 300_000, 604_799, 604_800, 900_000))
    at = asked["at"] + timedelta(seconds=wait)
    named = chance.random() < 0.6
    events.add(
        tickets,
        id=id,
        idempotency_key=id,
        fingerprint="",
        at=at,
        subject="Help",
        body="Please.",
        email="ann@example.com",
        question_id=asked["id"] if named else "",
        session=asked["session"] if not named or chance.random() < 0.8 else "",
        shown=[],
        declined=[],
        lang=asked["lang"],
        topic=chance.choice(TOPICS),
        department=chance.choice(DEPARTMENTS),
        conversation=[],
        state="received",
        priority=2,
        tier=1,
        assignee_id="",
        assignee_name="",
        due=datetime(9999, 1, 1, tzinfo=UTC),
        spent_s=0,
        revision=0,
        spoken=0,
        changed=at,
    )


def _vote(chance: random.Random, events: Events, article: str, session: str, at: datetime) -> None:
    events.add(
        article_feedback,
        article_id=article,
        session=session,
        at=at,
        lang="en",
        helpful=chance.random() < 0.7,
        reason="",
        comment="",
    )


def _flag(events: Events, id: str, article: str, at: datetime) -> None:  # noqa: A002
    events.add(
        article_flags,
        id=id,
        article_id=article,
        lang="en",
        kind="wrong",
        comment="",
        who="agent",
        who_name="",
        ticket_id="",
        at=at,
        version="",
        state="open",
        reason="",
        closed_by="",
        open_key=id,
    )
