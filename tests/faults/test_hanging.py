"""A database that hangs: its processes are stopped, its connections stay open, and nothing is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.database import migrate, open_engine
from bot.errors import StoreUnavailable
from bot.events import SqlEventStore
from bot.patience import hurried
from bot.spool import Spool
from bot.spooled_events import SpooledEvents
from tests.bot.samples import NOON, asked, solved
from tests.faults.servers import stopped
from tests.postgres import PostgresServer


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
