from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from bot import question_log
from bot.errors import QuestionUnknown, StoreUnavailable
from bot.events import MemoryEventStore, SqlEventStore
from bot.models import RecordedQuestion
from bot.question_log import QuestionLog
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


def test_a_question_that_another_process_has_yet_to_write_is_found_once_that_has_written_it() -> None:
    store = MemoryEventStore()
    other = QuestionLog(store, pause_s=3600)
    log = QuestionLog(store, elsewhere=other.write)
    other._writer = threading.current_thread()  # of its own accord it writes nothing
    for question_id in ("q1", "q2"):
        other.record_question(asked(question_id))
        assert store.question(question_id) is None
        if question_id == "q1":
            assert log.record_outcome(solved("q1"), NOON) is True
        else:
            assert log.question("q2") == asked("q2")
    with pytest.raises(QuestionUnknown):
        log.record_outcome(solved("q3"), NOON)
    assert log.question("q3") is None
