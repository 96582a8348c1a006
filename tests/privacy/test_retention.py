"""What is old goes, what is not stays, and what was counted of it is not counted again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from bot.audit import AuditEntry, SqlAuditLog
from bot.database import open_engine, sqlite_url
from bot.events import SqlEventStore
from bot.feedback import Feedback, SqlFeedbackStore
from bot.gaps.models import Centre, Failure, Step
from bot.gaps.sql import SqlGapStore
from bot.inbox import SqlInbox
from bot.outbox import Letter, SqlOutbox
from bot.reports import changes
from bot.reports.days import Days
from bot.reports.desk import DeskReports, Wanted
from bot.reports.rollup import Rollup
from bot.retention import Keep, Retention
from bot.tables import gaps, metadata, questions, retention
from tests import built
from tests.bot.samples import NOON, after, asked, draft, solved, unanswered

DAYS = Days(ZoneInfo("UTC"))
OLD, NEW = after(days=-40), after(days=-20)
KEEP = Keep(questions=30, tickets=30, feedback=30, outbox=30, sessions=30, audit=30)


@pytest.fixture
def sqlite_engine(database: Path) -> Iterator[sa.Engine]:
    built.database(database)
    made = open_engine(sqlite_url(database))
    yield made
    made.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> sa.Engine:
    made: sa.Engine = request.getfixturevalue("postgres_engine" if request.param == "postgresql" else "sqlite_engine")
    return made


@pytest.fixture
def keeper(engine: sa.Engine) -> Retention:
    return Retention(engine, KEEP, DAYS, lambda: NOON)


def _count(engine: sa.Engine, *names: str) -> dict[str, int]:
    with engine.connect() as connection:
        return {
            name: connection.execute(sa.select(sa.func.count()).select_from(metadata.tables[name])).scalar_one()
            for name in names
        }


def _desk(engine: sa.Engine) -> None:
    """Two of everything: one old, one new."""
    events, log, outbox = SqlEventStore(engine), SqlAuditLog(engine), SqlOutbox(engine)
    ids = iter(("t-old", "t-new", "t-open"))
    inbox = SqlInbox(engine, ids.__next__)
    for name, at in (("old", OLD), ("new", NEW)):
        events.record_question(unanswered(f"q-{name}", at=at, text=f"the {name} question"))
        events.record_outcome(solved(f"q-{name}"), at)
        ticket = inbox.submit(draft(session=f"session-{name}"), f"key-{name}", shown=(), at=at)
        events.record_resolution(ticket.id, "vpn", "as always", at)
        inbox.close(ticket.id, at)
        SqlFeedbackStore(engine).keep(Feedback("vpn", f"session-{name}", at, "en", True, "", "thanks"))
        log.write(AuditEntry(at, "signed_in", "agent@example.com"))
        outbox.post(Letter("mail", "mail", f"mail-{name}", name, payload={"to": "x@example.com"}), at)
        sending = outbox.claim(["mail"], "server", at)
        assert sending
        outbox.deliver(sending, "server", "", "", at)
    inbox.submit(draft(session="session-open"), "key-open", shown=(), at=OLD)
    _gap(engine, "gap-old", "q-old")
    _gap(engine, "gap-new", "q-new")


def _gap(engine: sa.Engine, gap_id: str, question: str) -> None:
    import numpy as np

    store = SqlGapStore(engine)
    failure = Failure(f"q{question}", OLD, f"words of {question}", "", "en", "web", unanswered=True)
    centre = Centre(gap_id, "encoder", np.ones(3, np.float32), 1)
    assert store.save(Step((centre,), {}, ((failure, gap_id),), (), None), store.work().revision)


def test_rows_older_than_the_settings_say_are_removed_and_the_others_stay(engine: sa.Engine, keeper: Retention) -> None:
    _desk(engine)
    Rollup(engine, DAYS).refresh(60)
    due = {name: number for name, number in keeper.due().items() if number}
    assert due == {"tickets": 1, "questions": 1, "article_feedback": 1, "outbox": 1, "audit_log": 1}
    assert keeper.sweep() == (due, True)
    assert _count(
        engine, "questions", "outcomes", "tickets", "resolutions", "article_feedback", "outbox", "audit_log"
    ) == {
        "questions": 1,
        "outcomes": 1,
        "tickets": 2,  # one is not solved
        "resolutions": 1,
        "article_feedback": 1,
        "outbox": 1,
        "audit_log": 1,
    }
    with engine.connect() as connection:
        assert connection.execute(sa.select(gaps.c.id)).scalars().all() == ["gap-new"]
    assert keeper.sweep() == ({}, True)


def test_what_was_counted_of_days_that_are_gone_stays_also_where_all_is_counted_anew(
    engine: sa.Engine, keeper: Retention
) -> None:
    _desk(engine)
    Rollup(engine, DAYS).refresh(60)
    before = DeskReports(engine, DAYS).volume("day", Wanted(), date(2026, 11, 22))
    keeper.sweep()
    with engine.begin() as connection:
        changes.asked(connection, OLD)  # somebody whose question of that day is erased
    Rollup(engine, DAYS).refresh(60)
    assert DeskReports(engine, DAYS).volume("day", Wanted(), date(2026, 11, 22)) == before
    warsaw = Days(ZoneInfo("Europe/Warsaw"))
    Rollup(engine, warsaw).refresh(60)
    after_zone = DeskReports(engine, warsaw).volume("day", Wanted(), date(2026, 11, 22))
    assert sum(row.questions for row in after_zone) == sum(row.questions for row in before)


def test_nothing_is_removed_before_the_reports_have_counted_it(engine: sa.Engine, keeper: Retention) -> None:
    _desk(engine)
    removed, done = keeper.sweep()
    assert not done
    assert "questions" not in removed
    assert "tickets" not in removed
    Rollup(engine, DAYS).refresh(60)
    removed, done = keeper.sweep()
    assert (removed, done) == ({"tickets": 1, "questions": 1}, True)


def test_where_nothing_is_set_nothing_goes(engine: sa.Engine) -> None:
    _desk(engine)
    Rollup(engine, DAYS).refresh(60)
    assert Retention(engine, Keep(), DAYS, lambda: NOON + timedelta(days=9_000)).sweep() == ({}, True)


def test_of_two_servers_one_removes_and_looks_again_an_hour_later(engine: sa.Engine, keeper: Retention) -> None:
    other = Retention(engine, KEEP, DAYS, lambda: NOON)
    keeper.refresh()
    with engine.connect() as connection:
        assert connection.execute(sa.select(retention.c.next_at)).scalar_one() == after(hours=1)
    SqlEventStore(engine).record_question(asked("q-old", at=OLD))
    Rollup(engine, DAYS).refresh(60)
    other.refresh()
    assert _count(engine, "questions") == {"questions": 1}
    Retention(engine, KEEP, DAYS, lambda: after(hours=1)).refresh()
    assert _count(engine, "questions") == {"questions": 0}


def test_a_long_list_is_removed_in_batches_and_goes_on_where_time_ran_out(engine: sa.Engine) -> None:
    rows = [{**_row(n), "shown": [], "further": []} for n in range(450)]
    with engine.begin() as connection:
        connection.execute(questions.insert(), rows)
    seconds = iter(range(1_000))
    keeper = Retention(engine, KEEP, DAYS, lambda: NOON, lambda: float(next(seconds)))
    assert keeper.sweep(1.0) == ({"questions": 200}, False)
    assert keeper.sweep() == ({"questions": 250}, True)


def _row(number: int) -> dict[str, object]:
    from dataclasses import asdict

    return asdict(asked(f"q-{number}", at=OLD))
