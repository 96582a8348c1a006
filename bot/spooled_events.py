"""An event store whose questions and outcomes wait on the disk while the database takes nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from bot.errors import QuestionUnknown, StoreUnavailable
from bot.events import AroundEvents, EventStore
from bot.models import Outcome, RecordedQuestion
from bot.patience import hurried
from bot.spool import Entry, Spool

_log = logging.getLogger(__name__)


class SpooledEvents(AroundEvents):
    """An `EventStore` over another one: questions and outcomes it does not take wait in a spool.

    `refresh` is to be called every few seconds. Nothing is waited for longer than a person who asks can bear.
    """

    def __init__(self, store: EventStore, spool: Spool) -> None:
        super().__init__(store)
        self.spool = spool
        #: What is done with an outcome once it is stored late: learning from it.
        self.told: Callable[[Outcome, datetime], None] = lambda _outcome, _at: None
        self._fails = False

    def refresh(self) -> None:
        """Has the store take what waits, if it answers."""
        with suppress(StoreUnavailable):
            self.deliver()

    def deliver(self) -> int:
        """Has the store take what waits; how much it took. Raises StoreUnavailable."""

        def outcome(told: Outcome, at: datetime) -> None:
            self._store.record_outcome(told, at)
            try:
                self.told(told, at)
            except StoreUnavailable:
                raise  # it comes again, and is stored and learned from once
            except Exception:  # it would come again without end, and keep what waits behind it
                _log.exception("nothing was learned from an outcome that had waited")

        done = self.spool.deliver(self._store.record_questions, outcome)
        if done:
            _log.warning("%d events that had waited for the database are stored", done)
        self._fails = False
        return done

    def record_questions(self, asked: Sequence[RecordedQuestion]) -> None:
        try:
            with hurried():
                self._store.record_questions(asked)
        except StoreUnavailable as error:
            self._wait(asked, error)

    def record_outcome(self, outcome: Outcome, at: datetime) -> bool:
        """Whether it is stored; else it waits, even where nobody can say whether its question was asked."""
        outcome = replace(outcome, key=self.spool.new_id())  # stored or not, it may come again from the spool
        if self.spool.question(outcome.question_id):  # it comes after its question
            self.spool.put([(outcome, at)])
            return False
        try:
            with hurried():
                return self._store.record_outcome(outcome, at)
        except StoreUnavailable as error:
            self._wait([(outcome, at)], error)
            return False
        except QuestionUnknown:
            if not self.spool.waiting:
                raise
            self.spool.put([(outcome, at)])  # its question may be among what waits, here or on another server
            return False

    def _wait(self, entries: Sequence[Entry], error: StoreUnavailable) -> None:
        if not self._fails:
            _log.error("events wait in the spool: %s", error)
        self._fails = True
        self.spool.put(entries)

    def question(self, question_id: str) -> RecordedQuestion | None:
        return self.spool.question(question_id) or self._store.question(question_id)

    def awaited(self, question_id: str) -> RecordedQuestion | None:
        return self.spool.question(question_id) or self._store.awaited(question_id)

    def close(self) -> None:
        try:
            self.deliver()
        except StoreUnavailable as error:
            _log.warning("%d events wait for the next start: %s", self.spool.depth, error)
        self.spool.close()
        super().close()
