"""Writes questions in groups, so that an answer waits for no database."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from bot.errors import QuestionUnknown, StoreUnavailable
from bot.events import EventStore
from bot.models import Outcome, RecordedQuestion, SentTicket

_log = logging.getLogger(__name__)

#: Between two groups, in seconds: what a server may lose of its questions when it is killed, beside the one it writes.
PAUSE_S = 0.2
#: As many may wait while the database is slow; what comes on top is refused, and answered all the same.
MOST_WAITING = 10_000


class QuestionLog:
    """An `EventStore` over another one, whose questions a thread of its own writes.

    One that comes alone is written at once; those that come while a group is written, or soon after, are the next
    group. Everything else is written before its call returns, and whoever asks for a question finds it: what waits is
    written first. `close` writes what is left.

    `elsewhere` is asked for a question that neither waits nor is stored: it says whether somebody else has just
    written it.
    """

    def __init__(
        self, store: EventStore, pause_s: float = PAUSE_S, elsewhere: Callable[[str], bool] = lambda _id: False
    ) -> None:
        self._store, self._pause_s, self._elsewhere = store, pause_s, elsewhere
        self._changed = threading.Condition()
        self._one_writer = threading.Lock()
        self._waiting: dict[str, RecordedQuestion] = {}
        self._closed = threading.Event()
        self._writer: threading.Thread | None = None

    @property
    def waiting(self) -> int:
        """How many questions are not written yet."""
        return len(self._waiting)

    def record_question(self, question: RecordedQuestion) -> None:
        """Keeps it for the next group. Raises StoreUnavailable where too many wait."""
        self.record_questions([question])

    def record_questions(self, asked: Sequence[RecordedQuestion]) -> None:
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
        self._store.close()

    def write(self, question_id: str) -> bool:
        """Writes a question that waits, with all that do, and says whether it did wait."""
        waits = question_id in self._waiting
        if waits:
            self.flush()
        return waits

    # --- what has to find questions that wait ------------------------------------------------------------------------

    def record_outcome(self, outcome: Outcome, at: datetime) -> bool:
        self.write(outcome.question_id)
        try:
            return self._store.record_outcome(outcome, at)
        except QuestionUnknown:
            if not self._elsewhere(outcome.question_id):
                raise
            return self._store.record_outcome(outcome, at)

    def question(self, question_id: str) -> RecordedQuestion | None:
        self.write(question_id)
        found = self._store.question(question_id)
        return self._store.question(question_id) if found is None and self._elsewhere(question_id) else found

    def questions(self, *, since: datetime | None = None, until: datetime | None = None) -> Sequence[RecordedQuestion]:
        self.flush()
        return self._store.questions(since=since, until=until)

    def asked_in(self, sessions: Collection[str], *, since: datetime, limit: int) -> Sequence[RecordedQuestion]:
        self.flush()
        return self._store.asked_in(sessions, since=since, limit=limit)

    # --- what has nothing to do with them ----------------------------------------------------------------------------

    def record_resolution(self, ticket_id: str, article_id: str, text: str, at: datetime) -> None:
        self._store.record_resolution(ticket_id, article_id, text, at)

    def withdraw_resolution(self, ticket_id: str) -> bool:
        return self._store.withdraw_resolution(ticket_id)

    def resolved_with(self, ticket_id: str) -> str:
        return self._store.resolved_with(ticket_id)

    def resolved_in_words(self, ticket_id: str) -> str:
        return self._store.resolved_in_words(ticket_id)

    def outcomes(self, question_ids: Sequence[str]) -> dict[str, list[tuple[datetime, Outcome]]]:
        return self._store.outcomes(question_ids)

    def sent_tickets(self) -> Sequence[SentTicket]:
        return self._store.sent_tickets()
