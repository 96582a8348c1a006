"""What every SolvedStore does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pytest

from bot.events import EventStore, MemoryEventStore, SqlEventStore
from bot.inbox import Inbox, SqlInbox
from bot.learning import LearningStore, MemoryLearningStore, SqlLearningStore
from bot.memory_inbox import MemoryInbox
from bot.solved import MemorySolvedStore, SolvedStore, SolvedTicket, SqlSolvedStore
from tests.bot.samples import NOON, after, draft, heard, lesson
from tests.databases import STORES, engine_of


@dataclass(frozen=True, slots=True)
class Kept:
    solved: SolvedStore
    events: EventStore
    inbox: Inbox
    learning: LearningStore

    def ticket(self, key: str, article: str = "", text: str = "", at: datetime = NOON, **given: str) -> str:
        ticket = self.inbox.submit(draft(**given), key, shown=(), at=NOON)
        self.events.record_resolution(ticket.id, article, text, at)
        return ticket.id

    def all(self) -> list[SolvedTicket]:
        return self.solved.read(self.solved.keys())


@pytest.fixture(params=STORES)
def kept(request: pytest.FixtureRequest) -> Kept:
    if request.param == "memory":
        inbox, learning = MemoryInbox(), MemoryLearningStore()
        events = MemoryEventStore(inbox.sent)
        return Kept(MemorySolvedStore(events, inbox, learning), events, inbox, learning)
    engine = engine_of(request)
    new_id = iter(f"ticket-{n}" for n in range(1, 100)).__next__
    return Kept(SqlSolvedStore(engine), SqlEventStore(engine), SqlInbox(engine, new_id), SqlLearningStore(engine))


def test_a_ticket_that_was_solved_comes_with_its_words_and_how(kept: Kept) -> None:
    kept.inbox.submit(draft(), "key-0000", shown=(), at=NOON)
    ticket = kept.ticket("key-0001", "vpn", "Restarted it.", lang="pl", body="Call 600 700 800, ann@example.com.")

    (solved,) = kept.all()
    assert (solved.origin, solved.number, solved.article, solved.text) == (ticket, 2, "vpn", "Restarted it.")
    assert (solved.subject, solved.body, solved.lang, solved.at) == (
        "The printer is offline",
        "Call [phone], [email].",
        "pl",
        NOON,
    )


def test_the_last_solved_comes_first_and_a_ticket_solved_again_is_another_one(kept: Kept) -> None:
    first = kept.ticket("key-0001", "vpn")
    kept.ticket("key-0002", "wifi", at=after(hours=1))
    before, revision = kept.solved.keys(), kept.solved.revision()
    kept.events.record_resolution(first, "printer", "", after(hours=2))

    assert [solved.article for solved in kept.all()] == ["printer", "wifi"]
    assert kept.solved.revision() != revision
    assert kept.solved.keys()[0] not in before
    assert [solved.article for solved in kept.solved.read([*reversed(kept.solved.keys()), "learned-none"])] == [
        "wifi",
        "printer",
    ]


def test_one_that_was_withdrawn_and_solved_otherwise_is_told_from_the_first(kept: Kept) -> None:
    ticket = kept.ticket("key-0001", "vpn")
    seen = {(kept.solved.revision(), *kept.solved.keys())}
    kept.events.withdraw_resolution(ticket)
    assert kept.all() == []
    kept.events.record_resolution(ticket, "wifi", "", after(hours=1))

    assert [solved.article for solved in kept.all()] == ["wifi"]
    if isinstance(kept.solved, SqlSolvedStore):
        assert (kept.solved.revision(), *kept.solved.keys()) not in seen


def test_past_tickets_of_other_desks_are_there_and_what_readers_said_is_not(kept: Kept) -> None:
    kept.learning.learn([lesson("vpn drops", "imported", article="vpn", body="Each hour.", at=after(days=-9))])
    kept.learning.learn([lesson("no network", article="wifi", origin="their-7")])
    for session in ("one", "two", "three"):
        kept.learning.hear(heard("is the wifi down", session))

    found = kept.all()
    assert [(solved.origin, solved.number, solved.subject, solved.body, solved.article) for solved in found] == [
        ("their-7", None, "no network", "", "wifi"),
        ("row-1", None, "vpn drops", "Each hour.", "vpn"),
    ]
    (removed,) = [row.id for row in kept.learning.find().rows if row.text == "vpn drops"]
    kept.learning.remove(removed)
    assert [solved.origin for solved in kept.all()] == ["their-7"]


def test_what_was_taught_with_a_ticket_of_this_desk_is_there_once(kept: Kept) -> None:
    ticket = kept.ticket("key-0001", "vpn")
    kept.learning.learn([lesson("The printer is offline", article="vpn", origin=ticket)])
    assert [solved.number for solved in kept.all()] == [1]
