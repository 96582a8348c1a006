from __future__ import annotations

import pytest

from bot.events import MemoryEventStore
from bot.gaps import Gap, GapKind, gaps
from bot.memory_inbox import MemoryInbox
from bot.models import Outcome, RecordedQuestion
from tests.bot.samples import after, asked, draft, not_solved, opened, solved, unanswered


def _store(*questions: RecordedQuestion) -> MemoryEventStore:
    events = MemoryEventStore()
    for question in questions:
        events.record_question(question)
    return events


def _texts(found: list[Gap]) -> list[str]:
    return [gap.text for gap in found]


# --- what is a gap -----------------------------------------------------------------------------------------------


def test_an_answered_question_that_nobody_complained_of_is_no_gap() -> None:
    assert gaps(_store(asked())) == []


def test_an_unanswered_question_is_a_gap() -> None:
    events = _store(unanswered(text="Where is the sauna?", at=after(hours=1)))

    assert gaps(events) == [
        Gap(
            text="Where is the sauna?",
            count=1,
            last=after(hours=1),
            kinds=frozenset({"unanswered"}),
            langs=("en",),
            shown=(),
            question_ids=("q1",),
        )
    ]


@pytest.mark.parametrize(
    ("said", "kinds"),
    [
        ([not_solved()], {"rejected"}),
        ([opened(), not_solved()], {"rejected"}),
        ([not_solved(), opened()], {"rejected"}),
        ([solved(), not_solved()], {"rejected"}),
        ([not_solved(), solved()], set()),
        ([not_solved(), solved(), opened()], set()),
        ([solved()], set()),
        ([opened()], set()),
    ],
)
def test_a_question_is_rejected_if_the_last_word_on_it_was_that_it_is_not_solved(
    said: list[Outcome], kinds: set[str]
) -> None:
    events = _store(asked())
    for minutes, outcome in enumerate(said):
        events.record_outcome(outcome, after(minutes=minutes))

    assert {kind for gap in gaps(events) for kind in gap.kinds} == kinds


@pytest.mark.parametrize("session", ["session-of-q1", ""])
def test_a_question_that_a_ticket_names_is_a_gap_with_or_without_a_session(session: str) -> None:
    inbox = MemoryInbox()
    events = MemoryEventStore(inbox.sent)
    events.record_question(asked("q1"))
    events.record_question(asked("q2", text="another"))
    inbox.submit(draft(question_id="q1", session=session), "key-0001", shown=(), at=after(hours=1))

    (gap,) = gaps(events)

    assert (gap.kinds, gap.question_ids) == (frozenset({"ticket"}), ("q1",))


def test_a_question_may_be_a_gap_for_several_reasons() -> None:
    inbox = MemoryInbox()
    events = MemoryEventStore(inbox.sent)
    events.record_question(unanswered())
    events.record_outcome(Outcome("q1", "not_solved"), after(minutes=1))
    inbox.submit(draft(question_id="q1"), "key-0001", shown=(), at=after(hours=1))

    (gap,) = gaps(events)

    assert gap.kinds == frozenset({"unanswered", "rejected", "ticket"})


# --- groups ------------------------------------------------------------------------------------------------------


def test_equal_words_up_to_case_accents_and_spaces_are_one_gap_in_the_newest_wording() -> None:
    events = _store(
        unanswered("q1", text="Hasło wygasło", at=after(hours=1), lang="pl"),
        unanswered("q3", text="  haslo   WYGASLO ", at=after(hours=3), lang=""),
        unanswered("q2", text="hasło wygasło", at=after(hours=2), lang="cs"),
    )

    assert gaps(events) == [
        Gap(
            text="  haslo   WYGASLO ",
            count=3,
            last=after(hours=3),
            kinds=frozenset({"unanswered"}),
            langs=("cs", "pl"),
            shown=(),
            question_ids=("q1", "q2", "q3"),
        )
    ]


def test_other_words_are_other_gaps() -> None:
    events = _store(unanswered("q1", text="printer offline"), unanswered("q2", text="printer is offline"))

    assert [gap.count for gap in gaps(events)] == [1, 1]


def test_a_gap_lists_each_article_that_did_not_do_once() -> None:
    events = _store(asked("q1", shown=("a", "b")), asked("q2", shown=("b", "c")))
    for question_id in ("q1", "q2"):
        events.record_outcome(not_solved(question_id), after(hours=1))

    (gap,) = gaps(events)

    assert gap.shown == ("a", "b", "c")


def test_the_most_asked_comes_first_then_the_newest_then_the_alphabet() -> None:
    events = _store(
        unanswered("q1", text="old", at=after(hours=1)),
        unanswered("q2", text="new b", at=after(hours=5)),
        unanswered("q3", text="new a", at=after(hours=5)),
        unanswered("q4", text="often", at=after(hours=0)),
        unanswered("q5", text="often", at=after(hours=0)),
    )

    assert _texts(gaps(events)) == ["often", "new a", "new b", "old"]


# --- filters -----------------------------------------------------------------------------------------------------


@pytest.fixture
def mixed() -> MemoryEventStore:
    inbox = MemoryInbox()
    events = MemoryEventStore(inbox.sent)
    events.record_question(unanswered("q1", text="Where is the sauna?", at=after(hours=1)))
    events.record_question(asked("q2", text="Drukarka nie drukuje", lang="pl", at=after(hours=2)))
    events.record_question(asked("q3", text="Zażółć drukarkę", lang="pl", at=after(hours=3)))
    events.record_outcome(not_solved("q2"), after(hours=4))
    inbox.submit(draft(question_id="q3"), "key-0001", shown=(), at=after(hours=5))
    return events


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        ("unanswered", ["Where is the sauna?"]),
        ("rejected", ["Drukarka nie drukuje"]),
        ("ticket", ["Zażółć drukarkę"]),
    ],
)
def test_gaps_of_one_kind(mixed: MemoryEventStore, kind: GapKind, texts: list[str]) -> None:
    assert _texts(gaps(mixed, kind=kind)) == texts


def test_gaps_of_one_language(mixed: MemoryEventStore) -> None:
    assert _texts(gaps(mixed, lang="en")) == ["Where is the sauna?"]
    assert _texts(gaps(mixed, lang="pl")) == ["Zażółć drukarkę", "Drukarka nie drukuje"]
    assert gaps(mixed, lang="nl") == []


def test_gaps_asked_since_a_time_that_is_included(mixed: MemoryEventStore) -> None:
    assert _texts(gaps(mixed, since=after(hours=2))) == ["Zażółć drukarkę", "Drukarka nie drukuje"]
    assert _texts(gaps(mixed, since=after(hours=2, seconds=1))) == ["Zażółć drukarkę"]


@pytest.mark.parametrize(
    ("containing", "texts"),
    [
        ("SAUNA", ["Where is the sauna?"]),
        ("drukark", ["Zażółć drukarkę", "Drukarka nie drukuje"]),
        ("zazolc", ["Zażółć drukarkę"]),
        ("nie  drukuje ", ["Drukarka nie drukuje"]),
        ("%", []),
    ],
)
def test_gaps_that_contain_a_text_whatever_its_case_accents_and_spaces(
    mixed: MemoryEventStore, containing: str, texts: list[str]
) -> None:
    assert _texts(gaps(mixed, containing=containing)) == texts


def test_filters_hold_together(mixed: MemoryEventStore) -> None:
    assert _texts(gaps(mixed, lang="pl", kind="ticket", containing="drukark", since=after(hours=3))) == [
        "Zażółć drukarkę"
    ]
    assert gaps(mixed, lang="en", kind="ticket") == []


def test_a_filter_counts_only_the_questions_it_lets_through() -> None:
    events = _store(unanswered("q1", text="wifi", lang="pl"), unanswered("q2", text="wifi", lang="en"))

    (gap,) = gaps(events, lang="pl")

    assert (gap.count, gap.question_ids) == (1, ("q1",))
