"""What the database does not take waits in files, survives its server, and is stored once."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import threading
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.aside import Aside
from bot.errors import QuestionUnknown, StoreUnavailable
from bot.events import EventStore, MemoryEventStore, SqlEventStore
from bot.models import Outcome, RecordedQuestion
from bot.spool import LIMIT, Spool
from bot.spooled_events import SpooledEvents
from tests.bot.samples import NOON, after, asked, solved
from tests.databases import DATABASES, engine_of


class Failing(MemoryEventStore):
    """A store that can be out of reach: before it does what it is told, or after it, when only its answer is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.gone = self.deaf = False

    def record_questions(self, asked: Sequence[RecordedQuestion]) -> None:
        self._do(lambda: MemoryEventStore.record_questions(self, asked))

    def record_outcome(self, outcome: Outcome, at: datetime) -> bool:
        self._do(lambda: MemoryEventStore.record_outcome(self, outcome, at))
        return True

    def _do(self, deed: Callable[[], object]) -> None:
        if self.gone:
            raise StoreUnavailable("The database is gone.")
        deed()
        if self.deaf:
            raise StoreUnavailable("No answer.")


def _spool(folder: Path, name: str = "a", **given: object) -> Spool:
    keys = count(1)
    return Spool(folder / "spool", lambda: f"{name}{next(keys)}", **given)  # type: ignore[arg-type]


@pytest.fixture
def store() -> Failing:
    return Failing()


@pytest.fixture
def events(store: Failing, tmp_path: Path) -> SpooledEvents:
    return SpooledEvents(store, _spool(tmp_path))


def _files(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "spool").glob("*"))


def test_while_the_store_answers_nothing_touches_the_disk(
    events: SpooledEvents, store: Failing, tmp_path: Path
) -> None:
    events.record_question(asked())

    assert events.record_outcome(solved(), NOON) is True
    assert store.outcomes(["q1"]) == {"q1": [(NOON, solved())]}
    assert not (tmp_path / "spool").exists()


def test_events_wait_in_order_and_arrive_once_the_store_answers(
    events: SpooledEvents, store: Failing, tmp_path: Path
) -> None:
    heard: list[tuple[Outcome, datetime]] = []
    events.told = lambda outcome, at: heard.append((outcome, at))
    question = asked(text="Żółć 😀\nline", shown=("a/b", "ć"))
    store.gone = True
    events.record_question(question)
    assert events.record_outcome(replace(solved(), voice="a network"), after(minutes=1)) is False
    assert (events.spool.depth, events.question("q1")) == (2, question)
    events.refresh()
    assert events.spool.depth == 2

    store.gone = False
    events.refresh()

    assert (events.spool.depth, _files(tmp_path)) == (0, [])
    assert store.question("q1") == question
    assert store.outcomes(["q1"]) == {"q1": [(after(minutes=1), solved())]}
    assert heard == [(solved(), after(minutes=1))]
    assert heard[0][0].voice == "a network"  # else each session would count, only because the database was away


@pytest.mark.parametrize("kind", ["memory", "sqlite", "postgresql"])
def test_what_was_stored_without_an_answer_is_not_stored_twice(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    inner: EventStore = MemoryEventStore() if kind == "memory" else SqlEventStore(engine_of(request, kind))

    lost = Failing()
    lost.deaf = True
    lost.__dict__["record_questions"] = lambda asked: lost._do(lambda: inner.record_questions(asked))
    lost.__dict__["record_outcome"] = lambda outcome, at: lost._do(lambda: inner.record_outcome(outcome, at))
    events = SpooledEvents(lost, _spool(tmp_path))
    events.record_question(asked())
    assert events.record_outcome(solved(), NOON) is False

    lost.deaf = False
    assert events.deliver() == 2

    assert [question.id for question in inner.questions()] == ["q1"]
    assert inner.outcomes(["q1"]) == {"q1": [(NOON, solved())]}


def test_what_a_killed_server_left_is_delivered_by_the_next_and_a_line_cut_off_is_passed_over(
    store: Failing, tmp_path: Path
) -> None:
    dead, store.gone = _spool(tmp_path, "dead"), True
    killed = SpooledEvents(store, dead)
    killed.record_question(asked())
    killed.record_outcome(solved(), NOON)
    dead.close()  # as the system does with the locks of a process that is killed
    (left,) = (tmp_path / "spool").iterdir()
    with left.open("ab") as file:
        file.write(b'12345678 {"kind": "outcome", "question_id": "q1", "outc')

    store.gone = False
    events = SpooledEvents(store, _spool(tmp_path, "next"))

    assert events.deliver() == 2
    assert store.outcomes(["q1"]) == {"q1": [(NOON, solved())]}
    assert _files(tmp_path) == []


def test_the_file_of_a_server_that_lives_is_left_alone(store: Failing, tmp_path: Path) -> None:
    store.gone = True
    living = SpooledEvents(store, _spool(tmp_path, "living"))
    living.record_question(asked())
    store.gone = False

    assert SpooledEvents(store, _spool(tmp_path, "other")).deliver() == 0
    assert living.deliver() == 1


def test_an_outcome_waits_for_its_question_which_another_server_may_have(
    events: SpooledEvents, store: Failing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.gone = True
    events.record_outcome(solved(), NOON)
    events.record_outcome(solved("q9"), NOON)
    store.gone = False
    assert (events.deliver(), events.spool.depth) == (0, 2)

    store.record_question(asked())

    assert (events.deliver(), events.spool.depth) == (1, 1)
    assert store.outcomes(["q1"]) == {"q1": [(NOON, solved())]}
    monkeypatch.setattr("bot.spool._LOOKED_FOR_S", -1.0)  # as after an hour
    assert (events.deliver(), events.spool.depth, _files(tmp_path)) == (0, 0, [".aside", "given-up.jsonl"])
    assert b'"question_id": "q9"' in (tmp_path / "spool" / "given-up.jsonl").read_bytes()


def test_an_outcome_is_taken_whose_question_may_wait_on_another_server(store: Failing, tmp_path: Path) -> None:
    store.gone = True
    other = SpooledEvents(store, _spool(tmp_path, "other"))
    other.record_question(asked())
    store.gone = False
    events = SpooledEvents(store, _spool(tmp_path, "this"))

    assert events.record_outcome(solved(), NOON) is False
    other.refresh()
    events.refresh()

    assert store.outcomes(["q1"]) == {"q1": [(NOON, solved())]}
    with pytest.raises(QuestionUnknown):
        events.record_outcome(solved("q9"), NOON)


def test_an_outcome_of_a_question_nobody_asked_is_refused_while_the_store_answers(events: SpooledEvents) -> None:
    with pytest.raises(QuestionUnknown):
        events.record_outcome(solved("q9"), NOON)


def test_whose_word_it_is_is_known_too_where_it_is_stored_late(events: SpooledEvents, store: Failing) -> None:
    heard: list[str] = []
    events.told = lambda outcome, _at: heard.append(outcome.voice)
    store.record_question(asked())
    store.gone = True
    events.record_outcome(replace(solved(), voice="one network"), NOON)
    store.gone = False
    events.deliver()
    assert heard == ["one network"]


def test_a_fault_in_learning_from_one_outcome_does_not_keep_back_what_waits_behind_it(
    events: SpooledEvents, store: Failing
) -> None:
    def fails(_outcome: Outcome, _at: datetime) -> None:
        raise KeyError("a fault")

    events.told = fails
    store.gone = True
    events.record_question(asked())
    events.record_outcome(solved(), NOON)
    events.record_question(asked("q2"))
    store.gone = False
    assert (events.deliver(), events.spool.depth) == (3, 0)


def test_outcomes_of_questions_nobody_asked_do_not_let_in_others_like_them(
    events: SpooledEvents, store: Failing
) -> None:
    store.gone = True
    events.record_outcome(solved("q9"), NOON)
    store.gone = False
    events.refresh()
    with pytest.raises(QuestionUnknown):
        events.record_outcome(solved("q10"), NOON)
    assert events.spool.depth == 1
    events.close()


def test_a_new_file_is_locked_before_another_server_can_see_it(
    events: SpooledEvents, store: Failing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = SpooledEvents(store, _spool(tmp_path, "other"))
    lock = fcntl.flock

    def _first_the_other(file: object, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", lock)
        other.deliver()
        lock(file, how)  # type: ignore[arg-type]

    store.gone = True
    monkeypatch.setattr(fcntl, "flock", _first_the_other)
    events.record_question(asked())
    store.gone = False
    events.deliver()

    assert [question.id for question in store.questions()] == ["q1"]


def test_a_full_spool_has_room_for_outcomes_longer_than_for_questions(store: Failing, tmp_path: Path) -> None:
    events, store.gone = SpooledEvents(store, _spool(tmp_path, limit=2_000)), True
    refused = ""
    taken = -1
    while not refused:
        taken += 1
        try:
            events.record_question(asked(f"q{taken}"))
        except StoreUnavailable as error:
            refused = str(error)
    assert re.search(r"spool holds [\d,]+ bytes that wait for the database; it is full\.$", refused)
    size = sum(path.stat().st_size for path in (tmp_path / "spool").iterdir())
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "spool").iterdir()] == [0o600]
    assert 1_000 < size <= 1_500
    assert events.record_outcome(solved("q0"), NOON) is False
    store.gone = False

    assert events.deliver() == taken + 1
    assert LIMIT == 256_000_000


def test_a_disk_that_takes_half_a_line_keeps_none_of_it(events: SpooledEvents, store: Failing, tmp_path: Path) -> None:
    def full(handle: int) -> None:
        os.write(handle, b"half a line")
        raise OSError(errno.ENOSPC, "No space left on device")

    spool = _spool(tmp_path, sync=full)
    events, store.gone = SpooledEvents(store, spool), True
    events.record_question(asked())
    with pytest.raises(StoreUnavailable, match=r"cannot be written: No space left on device\.$"):
        events.record_outcome(solved(), NOON)
    assert (spool.depth, spool.refused) == (1, 1)

    store.gone = False
    assert events.deliver() == 1
    assert store.outcomes(["q1"]) == {}


def test_a_folder_that_cannot_be_made_is_said(store: Failing, tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file")
    events, store.gone = SpooledEvents(store, _spool(tmp_path)), True

    with pytest.raises(StoreUnavailable, match=r"spool cannot be written: File exists\.$"):
        events.record_question(asked())


def test_a_server_that_ends_delivers_what_it_can_and_leaves_the_rest(store: Failing, tmp_path: Path) -> None:
    for n, gone in enumerate((True, False)):
        events = SpooledEvents(store, _spool(tmp_path, f"s{n}"))
        store.gone = True
        events.record_question(asked(f"q{n}"))
        store.gone = gone
        events.close()

    assert [question.id for question in store.questions()] == ["q0", "q1"]
    assert _files(tmp_path) == []


# --- what nobody can store ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", DATABASES)
def test_what_the_database_refuses_for_what_it_holds_is_set_aside_and_the_rest_goes_on(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engine = engine_of(request, kind)
    gone = Failing()
    gone.gone = True
    broken = replace(asked("broken", text="their own words"), lang=None)  # type: ignore[arg-type]
    before = SpooledEvents(gone, _spool(tmp_path, "before"))
    before.record_questions([asked("q1"), broken, asked("q2")])
    before.record_outcome(replace(solved("q1"), article_id=None), NOON)  # type: ignore[arg-type]
    before.record_outcome(solved("q2"), NOON)
    before.spool.close()

    events = SpooledEvents(SqlEventStore(engine), _spool(tmp_path, "next"))
    assert events.deliver() == 3

    assert [question.id for question in events.questions()] == ["q1", "q2"]
    assert events.outcomes(["q1", "q2"]) == {"q2": [(NOON, solved("q2"))]}
    assert (events.spool.depth, events.spool.aside.counts()) == (0, {"given-up": 0, "refused": 2})
    assert events.spool.aside.kept["refused"] == 2
    assert (tmp_path / "spool" / "refused.jsonl").stat().st_mode & 0o777 == 0o600
    kept = (tmp_path / "spool" / "refused.jsonl").read_text()
    assert (kept.count("their own words"), kept.count("\n")) == (1, 2)
    assert "2 events cannot be stored, and are kept in" in caplog.text
    assert "their own words" not in caplog.text
    assert events.deliver() == 0  # nobody delivers that file


def test_a_question_that_is_refused_costs_none_of_those_it_came_with(engine: sa.Engine, tmp_path: Path) -> None:
    events = SpooledEvents(SqlEventStore(engine), _spool(tmp_path))
    broken = replace(asked("broken"), lang=None)  # type: ignore[arg-type]
    events.record_questions([asked(f"q{n}") for n in range(5)] + [broken])
    events.refresh()

    assert [question.id for question in events.questions()] == [f"q{n}" for n in range(5)]
    assert events.spool.aside.counts()["refused"] == 1


def test_where_the_disk_takes_nothing_that_is_to_be_set_aside_it_waits_on(
    engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_aside: Aside, _why: str, _lines: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    events = SpooledEvents(SqlEventStore(engine), _spool(tmp_path))
    events.record_questions([replace(asked("broken"), lang=None)])  # type: ignore[arg-type]
    with monkeypatch.context() as within:
        within.setattr(Aside, "keep", full)
        with pytest.raises(StoreUnavailable, match=r"refused\.jsonl cannot be written: No space left on device\.$"):
            events.deliver()
    assert events.spool.depth == 1
    events.refresh()
    assert (events.spool.depth, events.spool.aside.counts()["refused"]) == (0, 1)


def test_a_file_that_is_delivered_again_sets_nothing_aside_twice(
    engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leaves(*_given: object) -> bool:
        raise StoreUnavailable("The database is gone.")

    monkeypatch.setattr(SqlEventStore, "record_outcome", leaves)
    spool = _spool(tmp_path)
    broken = replace(asked("broken"), lang=None)  # type: ignore[arg-type]
    spool.put([broken, (solved("q1"), NOON)])
    for _ in range(3):
        SpooledEvents(SqlEventStore(engine), spool).refresh()

    assert spool.aside.counts()["refused"] == 1
    spool.close()


def test_an_entry_of_another_version_is_set_aside(store: Failing, tmp_path: Path) -> None:
    dead = _spool(tmp_path, "dead")
    dead.put([asked("q1"), asked("q2")])
    dead.close()
    (file,) = (tmp_path / "spool").iterdir()
    text = file.read_bytes().splitlines()[0].partition(b" ")[2].replace(b'"lang":', b'"tongue":')
    file.write_bytes(b"%08x %b\n" % (zlib.crc32(text), text) + file.read_bytes().splitlines(keepends=True)[1])

    assert SpooledEvents(store, _spool(tmp_path)).deliver() == 1

    assert [question.id for question in store.questions()] == ["q2"]
    assert b'"tongue": "en"' in (tmp_path / "spool" / "refused.jsonl").read_bytes()


def test_what_was_set_aside_is_delivered_under_another_name(store: Failing, tmp_path: Path) -> None:
    spool = _spool(tmp_path, "before")
    spool.put([asked("q1")])
    (file,) = (tmp_path / "spool").iterdir()
    spool.aside.keep("refused", file.read_bytes().splitlines(keepends=True))
    spool.close()
    file.unlink()
    events = SpooledEvents(store, _spool(tmp_path))
    assert events.deliver() == 0

    (tmp_path / "spool" / "refused.jsonl").rename(tmp_path / "spool" / "again.jsonl")

    assert events.deliver() == 1
    assert store.question("q1") == asked()


def test_a_line_that_was_cut_off_when_a_server_was_killed_spoils_no_other(tmp_path: Path) -> None:
    aside = Aside(tmp_path)
    aside.file("refused").write_bytes(b"one\ntw")
    aside.keep("refused", [b"one\n", b"three\n"])
    assert aside.file("refused").read_bytes() == b"one\ntw\nthree\n"
    assert aside.kept["refused"] == 1


def test_of_what_was_set_aside_a_person_is_erased_while_a_server_adds_to_it(tmp_path: Path) -> None:
    aside = Aside(tmp_path)
    aside.keep("given-up", [b"q1 said\n", b"q2 said\n"])
    aside.keep("refused", [b'x {"session": "anna"}\n', b'x {"session": "anna 2"}\n'])
    began, go = threading.Event(), threading.Event()

    def slow(handle: int) -> None:
        began.set()
        assert go.wait(30)
        os.fsync(handle)

    adding = threading.Thread(target=Aside(tmp_path, slow).keep, args=("given-up", [b"q3 said\n"]))
    adding.start()
    assert began.wait(30)
    erasing = threading.Thread(target=aside.forget, args=(["q1"], ["anna"]))
    erasing.start()
    go.set()
    adding.join(30)
    erasing.join(30)

    assert (tmp_path / "given-up.jsonl").read_bytes() == b"q2 said\nq3 said\n"
    assert (tmp_path / "refused.jsonl").read_bytes() == b'x {"session": "anna 2"}\n'
    assert aside.forget(["q1"], ["anna"]) == 0
