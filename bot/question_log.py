"""Writes questions in groups, so that an answer waits for no database."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from bot.errors import QuestionUnknown, StoreUnavailable
from bot.events import AroundEvents, EventStore
from bot.models import Outcome, RecordedQuestion
from bot.patience import HURRIED_S, hurried

_log = logging.getLogger(__name__)

#: Between two groups, in seconds: what a server may lose of its questions when it is killed, beside the one it writes.
PAUSE_S = 0.2
#: As many may wait while the database is slow; what comes on top is refused, and answered all the same.
MOST_WAITING = 10_000
#: How often it is looked for a question that another server may have, in seconds, and for how long: until that one has
#: paused, and the database has taken the group or the spool has.
_LOOK_S = 0.05
_AWAITED_S = PAUSE_S + HURRIED_S + 2 * _LOOK_S
#: So many threads of a server may wait for such questions at once: whoever makes ids up takes no more of them.
_MOST_LOOKING = 8


class QuestionLog(AroundEvents):
    """An `EventStore` over another one, whose questions a thread of its own writes.

    One that comes alone is written at once; those that come while a group is written, or soon after, are the next
    group. Everything else is written before its call returns, and whoever asks for a question finds it: what waits is
    written first. `close` writes what is left. Another server has a log of its own, so what becomes of a question may
    be told here before the question is written there: then it is waited for. `sleep` waits so many seconds.
    """

    def __init__(
        self, store: EventStore, pause_s: float = PAUSE_S, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        super().__init__(store)
        self._pause_s, self._sleep = pause_s, sleep
        self._looking = threading.BoundedSemaphore(_MOST_LOOKING)
        self._changed = threading.Condition()
        self._one_writer = threading.Lock()
        self._waiting: dict[str, RecordedQuestion] = {}
        self._closed = threading.Event()
        self._writer: threading.Thread | None = None

    @property
    def waiting(self) -> int:
        """How many questions are not written yet."""
        return len(self._waiting)

    def record_questions(self, asked: Sequence[RecordedQuestion]) -> None:
        """Keeps them for the next group. Raises StoreUnavailable where too many wait."""
        with self._changed:
            if len(self._waiting) + len(asked) > MOST_WAITING:
                raise StoreUnavailable(f"{len(self._waiting):,} questions wait for the database, which is too slow.")
            for question in asked:
                self._waiting.setdefault(question.id, question)
            if self._writer is None:  # at the first one: a server may be forked before
                self._writer = threading.Thread(target=self._write_on, name="question-log", daemon=True)
                self._writer.start()
            self._changed.notify()
        if self._closed.is_set():  # a request that outlived the server's patience: nobody comes by any more
            self.flush()

    def _write_on(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed.is_set())
                if not self._waiting:
                    return
            self.flush()
            self._closed.wait(self._pause_s)

    def flush(self) -> None:
        """Writes what waits. A group that the store refuses is lost, and logged: its questions have been answered."""
        with self._one_writer:
            with self._changed:
                group = list(self._waiting.values())
            if not group:
                return
            try:
                self._store.record_questions(group)
            except StoreUnavailable as error:
                _log.error("%d questions were answered but not recorded: %s", len(group), error)
            except Exception:  # a fault in one group must not end the writing of the next
                _log.exception("%d questions were answered but not recorded", len(group))
            finally:
                with self._changed:  # until now whoever looks for one of them waits for this group
                    for question in group:
                        self._waiting.pop(question.id, None)

    def close(self) -> None:
        """Writes what waits and ends the thread."""
        self._closed.set()
        with self._changed:
            self._changed.notify()
        if self._writer:
            self._writer.join()
        self.flush()
        super().close()

    def _written(self, question_id: str) -> None:
        if question_id in self._waiting:
            self.flush()

    # --- what has to find questions that wait ------------------------------------------------------------------------

    def record_outcome(self, outcome: Outcome, at: datetime) -> bool:
        self._written(outcome.question_id)
        try:
            return self._store.record_outcome(outcome, at)
        except QuestionUnknown:
            self.awaited(outcome.question_id)
            return self._store.record_outcome(outcome, at)  # also where it is not there: it may be in a spool by now

    def question(self, question_id: str) -> RecordedQuestion | None:
        self._written(question_id)
        return self._store.question(question_id)

    def awaited(self, question_id: str) -> RecordedQuestion | None:
        """Raises StoreUnavailable too where many wait already: nobody knows then whether it was asked."""
        if found := self.question(question_id):
            return found
        if not self._looking.acquire(blocking=False):
            raise StoreUnavailable("Too many wait for questions that are not written yet. Try again in a moment.")
        try:
            for _ in range(round(_AWAITED_S / _LOOK_S)):
                self._sleep(_LOOK_S)
                with hurried():
                    found = self._store.question(question_id)
                if found:
                    return found
        except StoreUnavailable:
            return None  # it is gone since a moment ago; what is done next waits in the spool, or says so
        finally:
            self._looking.release()
        return None

    def questions(self, *, since: datetime | None = None, until: datetime | None = None) -> Sequence[RecordedQuestion]:
        self.flush()
        return self._store.questions(since=since, until=until)

    def asked_in(self, sessions: Collection[str], *, since: datetime, limit: int) -> Sequence[RecordedQuestion]:
        self.flush()
        return self._store.asked_in(sessions, since=since, limit=limit)
