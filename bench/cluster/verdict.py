"""What became of all that was acknowledged: looked up in the database itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from bench.cluster.load import Book
from bench.cluster.members import Replica
from bot.database import open_engine, parts
from bot.tables import learned_traces, outcomes, questions, tickets

#: Of the log of questions, what a killed server was told in its last second may be gone.
LAST_S = 1.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many acknowledged writes are not there, or there more than once, by kind."""

    acknowledged: dict[str, int]
    lost: dict[str, int]
    twice: dict[str, int]
    last_second: int

    @property
    def sound(self) -> bool:
        return not any(self.lost.values()) and not any(self.twice.values())


def look_up(book: Book, replicas: Iterable[Replica], database: str) -> Verdict:
    """Looks for everything in the book. Raises a DatabaseError where the database does not answer."""
    engine = open_engine(database)
    with engine.connect() as connection:
        kept = Counter[str]()
        for part in parts(book.questions):
            kept.update(connection.scalars(sa.select(questions.c.id).where(questions.c.id.in_(part))))
        sent = Counter[tuple[str, str]]()
        for row in connection.execute(sa.select(tickets.c.idempotency_key, tickets.c.id)):
            sent[row.idempotency_key, row.id] += 1
        told = Counter(
            (row.reason, row.question_id)
            for row in connection.execute(sa.select(outcomes.c.reason, outcomes.c.question_id))
        )
        learned = Counter(connection.scalars(sa.select(learned_traces.c.origin)))
    engine.dispose()
    killed = {replica.name: replica.ended for replica in replicas}
    missing = [book.questions[question] for question in book.questions if not kept[question]]
    excused = [at for at, replica in missing if any(at <= ended <= at + LAST_S for ended in killed.get(replica, ()))]
    return Verdict(
        acknowledged={
            "questions": len(book.questions),
            "outcomes": len(book.outcomes),
            "tickets": len(book.tickets),
            "learned questions": len(book.resolved),
        },
        lost={
            "questions": len(missing) - len(excused),
            "outcomes": sum(not told[pair] for pair in book.outcomes.items()),
            "tickets": sum(not sent[pair] for pair in book.tickets.items()),
            "learned questions": sum(not learned[ticket] for ticket in book.resolved),
        },
        twice={
            "questions": 0,
            "outcomes": sum(told[pair] > 1 for pair in book.outcomes.items()),
            "tickets": sum(sent[pair] > 1 for pair in book.tickets.items()),
            "learned questions": sum(learned[ticket] > 1 for ticket in book.resolved),
        },
        last_second=len(excused),
    )
