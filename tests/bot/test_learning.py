"""What teaches the desk: agents, readers and authors, and what of it comes to the searcher."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.errors import StoreUnavailable
from bot.learned import Learned, Trace
from bot.learning import SqlLearningStore
from bot.library import Library
from bot.models import Outcome, OutcomeName, Question
from bot.service import HelpDesk
from kb.learned import LearnedQuestion
from kb.search import Searcher
from tests.bot.conftest import make_desk
from tests.bot.samples import NOON, draft

FORGOT = "I forgot my password"


@pytest.fixture
def heard_by_searchers(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The texts of each set of learned questions that a searcher was given."""
    given: list[list[str]] = []

    def with_learned(searcher: Searcher, questions: Sequence[LearnedQuestion], cache: Path) -> Searcher:
        given.append([question.text for question in questions])
        return searcher

    monkeypatch.setattr(Searcher, "with_learned", with_learned)
    return given


def rows(desk: HelpDesk) -> list[Learned]:
    return list(desk.learning.find().rows)


def tell(desk: HelpDesk, outcome: OutcomeName, session: str | None, text: str = FORGOT, article: str = "") -> str:
    """Asks in a session, and says what became of it; the question's id."""
    reply = desk.ask(Question(text, session=session))
    desk.record_outcome(Outcome(reply.id, outcome, article))
    return reply.id


# --- agents --------------------------------------------------------------------------------------------------------


def test_what_an_agent_solves_with_an_article_reaches_the_searcher_at_once(
    sql_desk: HelpDesk, heard_by_searchers: list[list[str]]
) -> None:
    ticket = sql_desk.open_ticket(
        draft(subject="Locked out", body="Call me on +48 600 123 456.", lang="en"), "key-0001"
    )

    sql_desk.resolve(ticket.id, "reset-password", "Sent the steps.")

    (row,) = rows(sql_desk)
    assert (row.article, row.text, row.body, row.lang) == ("reset-password", "Locked out", "Call me on [phone].", "en")
    assert row.traces == (Trace("agent", ticket.id, NOON),)
    assert heard_by_searchers == [["Locked out"]]


def test_a_ticket_solved_by_words_alone_or_by_an_article_that_is_not_there_teaches_nothing(desk: HelpDesk) -> None:
    ticket = desk.open_ticket(draft(), "key-0001")

    desk.resolve(ticket.id, "", "Switched it on.")
    desk.resolve(ticket.id, "no-such-article", "")

    assert rows(desk) == []


def test_an_article_for_agents_alone_may_be_learned(desk: HelpDesk) -> None:
    ticket = desk.open_ticket(draft(), "key-0001")

    desk.resolve(ticket.id, "unlock-runbook", "")

    assert [row.article for row in rows(desk)] == ["unlock-runbook"]


def test_told_twice_an_agent_s_choice_is_one(desk: HelpDesk) -> None:
    ticket = desk.open_ticket(draft(), "key-0001")

    for _ in range(2):
        desk.resolve(ticket.id, "paper-jam", "")

    assert [len(row.traces) for row in rows(desk)] == [1]


# --- readers -------------------------------------------------------------------------------------------------------


def test_a_reader_s_word_is_kept_as_pending_with_the_question_it_comes_from(sql_desk: HelpDesk) -> None:
    asked = tell(sql_desk, "solved", "visit")

    (row,) = rows(sql_desk)
    assert (row.article, row.text, row.status) == ("reset-password", FORGOT, "pending")
    assert row.traces == (Trace("end_user", asked, NOON, session="visit"),)


def test_a_thousand_clicks_in_one_session_move_nothing_and_three_sessions_do(
    desk: HelpDesk, heard_by_searchers: list[list[str]]
) -> None:
    for _ in range(1_000):
        tell(desk, "solved", "visit")
    desk.library.refresh()
    assert (desk.learning.active(), heard_by_searchers) == ((), [])

    tell(desk, "solved", "another visit", text="forgot my password")
    tell(desk, "solved", "a third visit", text="i FORGOT my passwort")
    desk.library.refresh()
    assert [(question.text, question.weight) for question in desk.learning.active()] == [(FORGOT, 0.5)]
    assert heard_by_searchers == [[FORGOT]]


def test_clicks_without_a_session_move_nothing(desk: HelpDesk) -> None:
    for _ in range(10):
        tell(desk, "solved", None)

    assert [row.status for row in rows(desk)] == ["pending"]


def test_nobody_vouches_for_an_article_that_was_not_shown(desk: HelpDesk) -> None:
    for session in ("one", "two", "three"):
        tell(desk, "solved", session, article="slow-wifi")
        tell(desk, "solved", session, text="🙂🙂🙂")

    assert rows(desk) == []


def test_an_opening_teaches_nothing(desk: HelpDesk) -> None:
    for session in ("one", "two", "three"):
        tell(desk, "opened", session)

    assert rows(desk) == []


def test_readers_take_back_what_readers_said_and_never_what_an_agent_chose(desk: HelpDesk) -> None:
    for session in ("one", "two", "three"):
        tell(desk, "solved", session)
    for session in ("four", "five", "six"):
        tell(desk, "not_solved", session)
    assert desk.learning.active() == ()

    ticket = desk.open_ticket(draft(subject=FORGOT, body="Please help me with it."), "key-0001")
    desk.resolve(ticket.id, "reset-password", "")
    for number in range(10):
        tell(desk, "not_solved", f"visit {number}")
    assert [question.weight for question in desk.learning.active()] == [1.0]


# --- authors -------------------------------------------------------------------------------------------------------


def test_what_an_author_does_takes_effect_at_once(desk: HelpDesk, heard_by_searchers: list[list[str]]) -> None:
    tell(desk, "solved", "visit")
    (row,) = rows(desk)

    desk.accept_learned(row.id)
    desk.remove_learned(row.id)
    desk.restore_learned(row.id)

    assert heard_by_searchers == [[FORGOT], [], [FORGOT]]


def test_another_process_hears_of_it_at_its_next_look(
    small_data: Path, engine: sa.Engine, heard_by_searchers: list[list[str]]
) -> None:
    desk = make_desk(small_data, learning=SqlLearningStore(engine))
    other = Library(small_data, SqlLearningStore(engine))
    ticket = desk.open_ticket(draft(subject="Jam", body="Paper."), "key-0001")
    desk.resolve(ticket.id, "paper-jam", "")
    heard_by_searchers.clear()

    assert other.refresh() is True

    assert heard_by_searchers == [["Jam"]]


# --- a database that fails -----------------------------------------------------------------------------------------


def test_where_nothing_can_be_learned_a_resolution_is_not_kept_and_can_be_told_again(desk: HelpDesk) -> None:
    ticket = desk.open_ticket(draft(), "key-0001")
    failures = count()

    class Failing(type(desk.learning)):  # type: ignore[misc]
        def learn(self, lessons: object) -> object:
            if next(failures) == 0:
                raise StoreUnavailable("What was learned could not be stored: disk full.")
            return super().learn(lessons)

    object.__setattr__(desk, "learning", Failing())
    with pytest.raises(StoreUnavailable):
        desk.resolve(ticket.id, "paper-jam", "")
    assert desk.events.resolutions == []  # type: ignore[attr-defined]

    desk.resolve(ticket.id, "paper-jam", "")
    assert len(desk.events.resolutions) == len(rows(desk)) == 1  # type: ignore[attr-defined]
