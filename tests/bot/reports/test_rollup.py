from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from itertools import count as numbers
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.report_events import Events, made, topic_of
from bench.report_recount import Recount
from bench.reports import compare
from bot.errors import StoreUnavailable
from bot.events import SqlEventStore
from bot.inbox import SqlInbox
from bot.models import Outcome
from bot.reports import changes, rollup
from bot.reports.counting import Counts
from bot.reports.days import Days
from bot.reports.desk import DeskReports, Wanted
from bot.reports.hold_out import HoldOut
from bot.reports.reports import Reports
from bot.reports.rollup import Rollup
from bot.tables import (
    outcomes,
    questions,
    report_articles,
    report_hours,
    report_log,
    report_subjects,
    report_tickets,
    tickets,
)
from tests.bot.reports.database import empty_database
from tests.bot.samples import NOON, after, asked, draft, solved

UTC_DAYS = Days(ZoneInfo("UTC"))
COUNTED = (report_hours, report_articles, report_subjects, report_tickets)


def _tables(engine: sa.Engine) -> list[list[Any]]:
    """All that was counted, in one order."""
    with engine.connect() as connection:
        return [sorted(map(tuple, connection.execute(table.select()))) for table in COUNTED]


def _noted(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(report_log)).scalar_one())


def _questions(engine: sa.Engine, days: Days = UTC_DAYS) -> int:
    return sum(row.questions for row in DeskReports(engine, days).volume("day", Wanted(), date(2026, 11, 22)))


class _Desk:
    """What happens at a desk, through the stores that a server uses."""

    def __init__(self, engine: sa.Engine) -> None:
        self.events = SqlEventStore(engine)
        self.ids = (f"ticket-{n}" for n in numbers(1))
        self.inbox = SqlInbox(engine, self.ids.__next__)
        self.asked: list[str] = []

    def ask(self, hours: float, session: int, shown: int, decision: str) -> None:
        name = f"q{len(self.asked)}"
        articles = tuple(f"article-{n}" for n in range(shown))
        self.events.record_question(
            asked(name, at=after(hours=hours), session=f"s{session}", shown=articles, decision=decision)
        )
        self.asked.append(name)

    def say(self, which: int, outcome: Any, article: int) -> None:
        if self.asked:
            named = Outcome(self.asked[which % len(self.asked)], outcome, f"article-{article}" if article else "")
            self.events.record_outcome(named, after(days=30))

    def send(self, hours: float, session: int, which: int) -> None:
        question = self.asked[which % len(self.asked)] if self.asked and which % 3 else ""
        sent = draft(session=f"s{session}" if session else "", question_id=question, department=f"d{session}")
        self.inbox.submit(sent, f"key-{hours}-{session}-{which}", shown=(), at=after(hours=hours))


_HOURS = st.floats(0, 24 * 12).map(lambda hours: round(hours, 3))
_SMALL = st.integers(0, 3)
_STEPS = st.one_of(
    st.tuples(st.just("ask"), _HOURS, _SMALL, _SMALL, st.sampled_from(["answer", "suggest", "unanswered"])),
    st.tuples(st.just("say"), _SMALL, st.sampled_from(["opened", "solved", "not_solved"]), _SMALL),
    st.tuples(st.just("send"), _HOURS, _SMALL, st.integers(0, 9)),
    st.tuples(st.just("count"), st.integers(0, 1)),
)


@given(st.lists(_STEPS, max_size=20))
@settings(max_examples=25, deadline=None)
def test_what_was_counted_step_by_step_is_what_is_counted_at_once(steps: list[tuple[Any, ...]]) -> None:
    """Whatever comes late, in any order, over two servers."""
    engine = empty_database()
    desk, servers = _Desk(engine), [Rollup(engine, UTC_DAYS), Rollup(engine, UTC_DAYS)]
    for name, *given_ in steps:
        if name == "count":
            servers[given_[0]].refresh(0)
        else:
            getattr(desk, name)(*given_)
    servers[0].refresh(60)
    with engine.connect() as connection:
        everything = rollup.count(connection, UTC_DAYS, after(days=-1), after(days=40))

    expected = [sorted(tuple(row[column.name] for column in table.columns) for row in rows)
                for table, rows in rollup._rows(everything)]  # fmt: skip
    assert _tables(engine) == expected
    assert (_noted(engine), servers[0].waiting()) == (0, 0)


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("America/Sao_Paulo", datetime(2018, 10, 26, tzinfo=ZoneInfo("America/Sao_Paulo"))),  # a day begins at one
        ("Europe/Warsaw", datetime(2026, 10, 16, tzinfo=ZoneInfo("Europe/Warsaw"))),
        ("Australia/Lord_Howe", datetime(2026, 3, 27, tzinfo=ZoneInfo("Australia/Lord_Howe"))),
        ("Asia/Kathmandu", datetime(2026, 5, 1, tzinfo=ZoneInfo("Asia/Kathmandu"))),
    ],
)
def test_every_report_agrees_with_a_recount_in_sql(
    engine: sa.Engine, zone: str, start: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollup, "_PART", 150)  # no day is read at once
    events = made(7, 500, start, 20, articles=30)
    # Half of it is there when first counted; outcomes and tickets of the rest come late.
    early, late = Events(), Events()
    for table, rows in events.rows.items():
        for n, row in enumerate(rows):
            (late if n % 2 and table in (outcomes, tickets) else early).add(table, **row)
    reports = Reports(engine, ZoneInfo(zone), HoldOut(engine, 0.1, b"key"), topic_of)
    with engine.begin() as connection:
        early.insert(connection)
    reports.rollup.refresh(60)
    with engine.begin() as connection:
        late.insert(connection)
        for row in late.rows[outcomes]:
            changes.told(connection, row["question_id"])
        for row in late.rows[tickets]:
            changes.ticketed(connection, row["session"], row["question_id"], row["at"])
    reports.rollup.refresh(60)
    now = (start + timedelta(days=18, hours=15, minutes=23)).astimezone(UTC)
    with engine.connect() as connection:
        compared, wrong = compare(
            reports, Recount(connection, zone), now, spans=(7, 19), filters=(("", ""), ("pl", "web"), ("", "agent"))
        )

    assert wrong == []
    assert compared > 1_000


def test_a_day_of_any_size_is_read_in_parts_that_a_statement_has_time_for(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = empty_database()
    store, inbox = SqlEventStore(engine), SqlInbox(engine, iter(f"t{n}" for n in range(99)).__next__)
    for n in range(7):  # all at one moment: then the id tells where a part ends
        store.record_question(asked(f"q{n}", session=f"s{n}"))
        store.record_outcome(Outcome(f"q{n}", "not_solved"), after(minutes=2))
        store.record_outcome(Outcome(f"q{n}", "solved"), after(minutes=1))
        inbox.submit(draft(session=f"s{n}"), f"key-{n:04}", shown=(), at=after(minutes=3))
    at_once = Rollup(engine, UTC_DAYS)
    at_once.refresh(60)
    counted = _tables(engine)
    with engine.begin() as connection:
        changes.asked(connection, NOON)
    read: list[str] = []

    @sa.event.listens_for(engine, "before_cursor_execute")
    def _limited(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("SELECT") and any(
            f"FROM {name}" in statement for name in ("questions", "outcomes", "tickets")
        ):
            assert "LIMIT" in statement
            read.append(statement)

    monkeypatch.setattr(rollup, "_PART", 2)
    Rollup(engine, UTC_DAYS).refresh(60)

    assert _tables(engine) == counted
    assert len(read) == 4 + 8 + 4 + 4


def test_of_two_servers_that_count_a_day_at_once_the_one_that_missed_a_change_keeps_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = empty_database()
    events, mine, other = SqlEventStore(engine), Rollup(engine, UTC_DAYS), Rollup(engine, UTC_DAYS)
    mine.refresh(60)
    events.record_question(asked("q1"))
    count = rollup.count

    def overtaken(*args: Any) -> Counts:
        found = count(*args)
        monkeypatch.setattr(rollup, "count", count)
        events.record_question(asked("q2"))
        other.refresh(60)
        return found

    monkeypatch.setattr(rollup, "count", overtaken)
    mine.refresh(60)

    assert (_questions(engine), _noted(engine)) == (2, 0)


def test_a_day_that_another_server_counted_before_it_was_read_is_left_to_that_one() -> None:
    engine = empty_database()
    events, mine, other = SqlEventStore(engine), Rollup(engine, UTC_DAYS), Rollup(engine, UTC_DAYS)
    mine.refresh(60)
    events.record_question(asked("q1"))
    noted = mine._next()
    other.refresh(60)

    assert noted is not None
    with pytest.raises(rollup._Overtaken):
        mine._count(UTC_DAYS.of(noted))


def test_a_ticket_after_many_questions_of_one_session_notes_their_days_and_no_more() -> None:
    engine, zone = empty_database(), Days(ZoneInfo("Asia/Kathmandu"))
    times = [NOON + timedelta(minutes=7 * n) for n in range(-600, 0)]
    rows = [asdict(asked(f"q{n}", at=at, session="s")) for n, at in enumerate(times)]
    with engine.begin() as connection:
        connection.execute(questions.insert(), rows)
        changes.ticketed(connection, "s", "", NOON)
        noted = connection.execute(sa.select(report_log.c.at)).scalars().all()

    assert {zone.of(at) for at in noted} == {zone.of(at) for at in (*times, NOON)}
    assert len(noted) < 30


def test_a_change_that_comes_while_a_day_is_counted_is_counted_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = empty_database()
    events, server = SqlEventStore(engine), Rollup(engine, UTC_DAYS)
    server.refresh(60)
    events.record_question(asked("q1"))
    count = rollup.count

    def meanwhile(*args: Any) -> Counts:
        found = count(*args)
        monkeypatch.setattr(rollup, "count", count)
        events.record_question(asked("q2"))
        return found

    monkeypatch.setattr(rollup, "count", meanwhile)
    server.refresh(0)
    assert (_questions(engine), _noted(engine), server.waiting()) == (1, 1, 1)
    server.refresh(0)
    assert (_questions(engine), _noted(engine), server.waiting()) == (2, 0, 0)


def test_a_count_that_breaks_off_in_the_middle_loses_nothing() -> None:
    engine = empty_database()
    events, server = SqlEventStore(engine), Rollup(engine, UTC_DAYS)
    events.record_question(asked("q1"))
    server.refresh(60)
    before = _tables(engine)
    events.record_outcome(solved("q1"), NOON)

    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON report_subjects BEGIN SELECT raise(ABORT, 'disk full'); END"
        )
    with pytest.raises((StoreUnavailable, sa.exc.IntegrityError)):
        server.refresh(60)
    assert (_tables(engine), _noted(engine)) == (before, 1)

    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER full")
    server.refresh(60)
    assert DeskReports(engine, UTC_DAYS).deflection(after(days=1)).confirmed == 1


def test_another_time_zone_has_everything_counted_again() -> None:
    engine = empty_database()
    SqlEventStore(engine).record_question(asked(at=datetime(2026, 11, 20, 20, 10, tzinfo=UTC)))
    Rollup(engine, UTC_DAYS).refresh(60)

    there = Days(ZoneInfo("Asia/Kolkata"))
    Rollup(engine, there).refresh(60)

    desk = DeskReports(engine, there)
    found = [row.key for row in desk.volume("day", Wanted(), date(2026, 11, 21)) if row.questions]
    assert found == [date(2026, 11, 21)]
    assert [row.key for row in desk.volume("hour", Wanted(), date(2026, 11, 21)) if row.questions] == [1]


def test_what_is_erased_is_counted_no_more() -> None:
    engine = empty_database()
    events, server = SqlEventStore(engine), Rollup(engine, UTC_DAYS)
    events.record_question(asked("q1"))
    events.record_question(asked("q2"))
    server.refresh(60)

    with engine.begin() as connection:
        connection.execute(questions.delete().where(questions.c.id == "q1"))
        changes.asked(connection, NOON)
    server.refresh(60)

    assert _questions(engine) == 1
