"""Questions and tickets for tests: each function takes what a test is about and fills in the rest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.learned import Lesson, Source, Trace
from bot.models import Outcome, RecordedQuestion, TicketDraft

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def after(**span: float) -> datetime:
    return NOON + timedelta(**span)


def asked(question_id: str = "q1", **given: Any) -> RecordedQuestion:
    """A question as it is kept: answered with one article, at noon, in a session of its own."""
    values: dict[str, Any] = {
        "at": NOON,
        "text": "the printer is offline",
        "body": "",
        "lang": "en",
        "channel": "web",
        "session": f"session-of-{question_id}",
        "decision": "answer",
        "confidence": 0.8,
        "reason": "The article is right with a probability of 80%.",
        "snapshot": "0123456789abcdef",
        "shown": ("printer-not-printing",),
    }
    return RecordedQuestion(question_id, **{**values, **given})


def unanswered(question_id: str = "q1", **given: Any) -> RecordedQuestion:
    values: dict[str, Any] = {"decision": "unanswered", "confidence": 0.01, "shown": ()}
    return asked(question_id, **{**values, **given})


def solved(question_id: str = "q1") -> Outcome:
    return Outcome(question_id, "solved", "printer-not-printing")


def not_solved(question_id: str = "q1") -> Outcome:
    return Outcome(question_id, "not_solved", "printer-not-printing", "still offline")


def opened(question_id: str = "q1") -> Outcome:
    return Outcome(question_id, "opened", "printer-not-printing")


def draft(**given: Any) -> TicketDraft:
    values: dict[str, Any] = {
        "subject": "The printer is offline",
        "body": "It is the one on the third floor.",
        "email": "anna@example.com",
    }
    return TicketDraft(**{**values, **given})


def lesson(text: str = "the printer is offline", source: Source = "agent", **given: Any) -> Lesson:
    """That an article answered a question: said by an agent, in a file or by an end user, at noon."""
    trace: dict[str, Any] = {"origin": {"agent": "ticket-1", "imported": "row-1", "end_user": "q1"}[source], "at": NOON}
    trace["file"] = "tickets.jsonl" if source == "imported" else ""
    trace |= {name: given.pop(name) for name in ("origin", "at", "file", "session", "solved") if name in given}
    return Lesson(
        article=given.pop("article", "printer-not-printing"),
        text=text,
        body=given.pop("body", ""),
        lang=given.pop("lang", "en"),
        trace=Trace(source, **trace),
        **given,
    )


def heard(text: str, session: str, *, solved: bool = True, **given: Any) -> Lesson:
    """What an end user said in a session."""
    return lesson(text, "end_user", session=session, solved=solved, **given)
