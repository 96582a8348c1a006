from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot import question_log
from bot.errors import QuestionUnknown, StoreUnavailable
from bot.events import MemoryEventStore, SqlEventStore
from bot.models import Outcome, RecordedQuestion
from bot.question_log import QuestionLog
from bot.spool import Spool
from bot.spooled_events import SpooledEvents
from bot.tables import report_log
from tests.bot.samples import NOON, after, asked, solved

#: As long as a test may wait for a thread; it never does.
_LONG_S = 30.0


class _Slow(MemoryEventStore):
    """Keeps the groups it was given; the first one takes until `go` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.groups: list[list[str]] = []
        self.began, self.go, self.done = threading.Event(), threading.Event(), threading.Event()

    def record_questions(self, asked: Sequence[RecordedQuestion]) -> None:
        self.began.set()
        assert self.go.wait(_LONG_S)
        self.groups.append([question.id for question in asked])
        super().record_questions(asked)
        self.done.set()


def test_what_comes_while_a_group_is_written_is_the_next_group_and_nobody_waits_for_it() -> None:
    store = _Slow()
    log = QuestionLog(store, pause_s=0)
    log.record_question(asked("alone"))
    assert store.began.wait(_LONG_S)
    for n in range(5):
        log.record_question(asked(f"q{n}"))
    assert (log.waiting, store.groups) == (6, [])

    store.go.set()
    log.close()

    assert store.groups == [["alone"], ["q0", "q1", "q2", "q3", "q4"]]
    assert log.waiting == 0


def test_an_outcome_of_a_question_that_waits_is_kept_behind_it() -> None:
    store = _Slow()
    log = QuestionLog(store, pause_s=3600)
    log.record_question(asked("q1"))
    assert store.began.wait(_LONG_S)
    telling = threading.Thread(target=log.record_outcome, args=(solved("q1"), NOON))
    telling.start()
    store.go.set()
    telling.join(_LONG_S)

    assert store.outcomes(["q1"]) == {"q1": [(NOON, solved("q1"))]}
    log.close()


def test_after_a_group_the_log_pauses_so_that_the_next_one_is_larger() -> None:
    store = _Slow()
    store.go.set()
    log = QuestionLog(store, pause_s=3600)
    log.record_question(asked("q0"))
    assert store.done.wait(_LONG_S)
    for n in range(1, 4):
        log.record_question(asked(f"q{n}"))

    assert store.groups == [["q0"]]
    log.close()
    assert store.groups == [["q0"], ["q1", "q2", "q3"]]


def test_a_database_that_is_away_costs_a_group_and_not_the_next_one(caplog: pytest.LogCaptureFixture) -> None:
    class Away(MemoryEventStore):
        away = True

        def record_questions(self, asked: Sequence[RecordedQuestion]) -> None:
            if self.away:
                raise StoreUnavailable("The question could not be recorded: locked.")
            super().record_questions(asked)

    store = Away()
    log = QuestionLog(store, pause_s=3600)
    for name in ("q1", "q2"):
        log.record_question(asked(name))
    log.flush()
    store.away = False
    log.record_question(asked("q3"))
    log.close()

    assert [question.id for question in store.questions()] == ["q3"]
    lost = [int(record.getMessage().split()[0]) for record in caplog.records]
    assert sum(lost) == 2
    assert "questions were answered but not recorded: The question could" in caplog.text


def test_a_question_after_the_end_is_written_by_whoever_asks_it() -> None:
    store = MemoryEventStore()
    log = QuestionLog(store)
    log.close()
    log.record_question(asked("late"))
    assert (store.question("late"), log.waiting) == (asked("late"), 0)


def test_no_more_wait_than_memory_is_meant_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(question_log, "MOST_WAITING", 2)
    store = _Slow()
    log = QuestionLog(store)
    for name in ("q1", "q2"):
        log.record_question(asked(name))
    with pytest.raises(StoreUnavailable, match=r"^2 questions wait for the database, which is too slow\.$"):
        log.record_question(asked("q3"))
    store.go.set()
    log.close()
    assert [question.id for question in store.questions()] == ["q1", "q2"]


def test_a_group_notes_its_first_and_last_moment_for_the_reports_and_a_long_one_all(engine: sa.Engine) -> None:
    store = SqlEventStore(engine)
    store.record_questions([asked(f"q{n}", at=after(minutes=n)) for n in (2, 0, 1)])
    store.record_questions([asked(f"r{n}", at=after(hours=30 * n)) for n in range(3)])

    with engine.connect() as connection:
        noted = connection.execute(sa.select(report_log.c.at).order_by(report_log.c.id)).scalars().all()
    assert list(noted) == [after(minutes=0), after(minutes=2), NOON, after(hours=30), after(hours=60)]


class _Elsewhere:
    """Another server's log, which writes its question after so many looks of this one."""

    def __init__(self, store: MemoryEventStore, looks: int) -> None:
        self._store, self._looks = store, looks
        self.waited_s = 0.0

    def sleep(self, seconds: float) -> None:
        self.waited_s += seconds
        self._looks -= 1
        if self._looks == 0:
            self._store.record_question(asked())


def test_an_outcome_that_comes_before_another_server_has_written_its_question_is_kept() -> None:
    store = MemoryEventStore()
    elsewhere = _Elsewhere(store, 3)
    log = QuestionLog(store, sleep=elsewhere.sleep)

    assert log.record_outcome(solved(), NOON) is True

    assert store.outcomes(["q1"]) == {"q1": [(NOON, solved())]}
    assert elsewhere.waited_s == pytest.approx(0.15)


def test_a_question_of_another_server_is_waited_for_where_a_ticket_names_it_and_nowhere_else() -> None:
    store = MemoryEventStore()
    elsewhere = _Elsewhere(store, 2)
    log = QuestionLog(store, sleep=elsewhere.sleep)

    assert (log.question("q1"), elsewhere.waited_s) == (None, 0.0)
    assert log.awaited("q1") == asked()


def test_an_id_that_nobody_gave_out_is_refused_after_a_moment() -> None:
    elsewhere = _Elsewhere(MemoryEventStore(), 0)
    log = QuestionLog(MemoryEventStore(), sleep=elsewhere.sleep)

    with pytest.raises(QuestionUnknown):
        log.record_outcome(solved("made-up"), NOON)

    assert elsewhere.waited_s == pytest.approx(0.6)


def test_where_the_database_goes_while_a_question_is_waited_for_its_outcome_is_kept_all_the_same(
    tmp_path: Path,
) -> None:
    class Leaves(MemoryEventStore):
        away = False

        def question(self, question_id: str) -> RecordedQuestion | None:
            if self.away:
                raise StoreUnavailable("gone")
            return super().question(question_id)

        def record_outcome(self, outcome: Outcome, at: datetime) -> bool:
            if self.away:
                raise StoreUnavailable("gone")
            return super().record_outcome(outcome, at)

    store = Leaves()
    spool = Spool(tmp_path, iter(f"id-{n}" for n in range(9)).__next__)

    def sleep(_seconds: float) -> None:
        store.away = True

    log = QuestionLog(SpooledEvents(store, spool), sleep=sleep)

    assert log.record_outcome(solved(), NOON) is False
    assert spool.depth == 1
    spool.close()


def test_ids_that_are_made_up_take_eight_threads_at_most() -> None:
    waiting, go = threading.Semaphore(0), threading.Event()

    def sleep(_seconds: float) -> None:
        waiting.release()
        assert go.wait(_LONG_S)

    log = QuestionLog(MemoryEventStore(), sleep=sleep)
    threads = [threading.Thread(target=log.awaited, args=(f"made-up-{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert waiting.acquire(timeout=_LONG_S)

    with pytest.raises(StoreUnavailable, match=r"^Too many wait for questions that are not written yet\."):
        log.awaited("q1")
    go.set()
    for thread in threads:
        thread.join(_LONG_S)
    assert log.awaited("q1") is None
