"""A database that hangs: its processes are stopped, its connections stay open, and nothing is said."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.database import migrate, open_engine
from bot.errors import StoreUnavailable
from bot.events import SqlEventStore
from bot.patience import hurried, watch
from bot.shared.vectors import open_vector_engine
from bot.spool import Spool
from bot.spooled_events import SpooledEvents
from tests.bot.samples import NOON, asked, solved
from tests.faults.servers import stopped
from tests.postgres import PostgresServer


def test_a_search_of_vectors_ends_where_the_database_hangs(mortal: PostgresServer) -> None:
    engine = open_vector_engine(mortal.create(), wait_s=0.1)
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
    gone = pytest.raises(sa.exc.OperationalError, match=r"no answer within 0\.2 s")
    with stopped(mortal), gone, engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
    engine.dispose()


def test_a_database_whose_connections_are_all_in_use_does_not_hang(postgres: PostgresServer) -> None:
    engine = sa.create_engine(postgres.url(), pool_size=1, max_overflow=0, pool_timeout=0.1)
    breaker = watch(engine)
    with engine.connect() as connection:
        breaker.suspect()
        looker = breaker._looker
        if looker:
            looker.join(5)
        assert not breaker.open
        assert connection.execute(sa.text("SELECT 1")).scalar() == 1
    engine.dispose()


def test_nobody_waits_long_for_a_database_that_hangs_and_nothing_is_lost(
    mortal: PostgresServer, tmp_path: Path
) -> None:
    engine = open_engine(mortal.create())
    migrate(engine)
    store = SqlEventStore(engine)
    events = SpooledEvents(store, Spool(tmp_path / "spool", iter(f"id-{n}" for n in range(99)).__next__))
    events.record_question(asked())
    with stopped(mortal):
        with pytest.raises(StoreUnavailable, match="no answer"), hurried():
            store.question("q1")
        assert events.record_outcome(solved(), NOON) is False
        events.record_question(asked("q2"))
        known = ""
        while "it hangs" not in known:  # a look whether it answers at all has come back without one
            with pytest.raises(StoreUnavailable) as told, hurried():
                store.question("q1")
            known = str(told.value)
        with pytest.raises(StoreUnavailable, match="it hangs"):  # who is in no hurry is told at once, too
            store.questions()
        assert events.spool.depth == 2

    while events.spool.depth:
        events.refresh()

    assert [question.id for question in events.questions()] == ["q1", "q2"]
    assert events.outcomes(["q1"]) == {"q1": [(NOON, solved())]}
    engine.dispose()
