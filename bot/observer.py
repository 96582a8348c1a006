"""Who is told of what the help desk does, so that it can be counted. Nothing here may fail or wait."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from bot.models import Outcome, Question, RecordedQuestion, Reply
from kb.stages import Stage


class Observer(Protocol):
    """Hears of questions and of what became of them."""

    def asked(self, question: Question, reply: Reply, lang: str, seconds: Mapping[Stage, float]) -> None:
        """A question got its reply. `lang` is that of its words, "" for one no article is written in."""

    def judged(self, asked: RecordedQuestion, outcome: Outcome) -> None:
        """A person said what became of a reply, and it was kept."""


class Nobody:
    """Hears nothing."""

    def asked(self, question: Question, reply: Reply, lang: str, seconds: Mapping[Stage, float]) -> None:
        pass

    def judged(self, asked: RecordedQuestion, outcome: Outcome) -> None:
        pass
