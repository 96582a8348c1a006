"""What every LearningStore does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.errors import LearnedRemoved, LearnedUnknown
from bot.learned import Counts, Lesson, Trace
from bot.learning import LearningStore, MemoryLearningStore, SqlLearningStore
from kb.learned import LearnedQuestion
from tests.bot.samples import NOON, after, heard, lesson
from tests.databases import STORES, engine_of

PRINTER = "printer-not-printing"
OFFLINE = "the printer is offline"
#: The same question in other words, as people type it.
WORDINGS = ("The printer is offline", "printer offline", "is the printer offline?")


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> LearningStore:
    if request.param == "memory":
        return MemoryLearningStore()
    return SqlLearningStore(engine_of(request))


def hear(store: LearningStore, *lessons: Lesson) -> None:
    for said in lessons:
        store.hear(said)


def weights(store: LearningStore) -> dict[str, float]:
    return {question.text: question.weight for question in store.active()}


def only_id(store: LearningStore) -> str:
    (row,) = store.find().rows
    return row.id


# --- what counts ---------------------------------------------------------------------------------------------------


def test_nothing_is_learned_to_begin_with(store: LearningStore) -> None:
    assert (store.revision(), store.active()) == (0, ())
    assert (store.find().total, store.find().rows) == (0, ())


def test_what_an_agent_chose_counts_at_once_and_in_full(store: LearningStore) -> None:
    counts = store.learn([lesson("Printer", body="It prints nothing.", lang="en")])

    assert counts == Counts(new=1, known=0, removed=0)
    learned_id = only_id(store)
    assert store.active() == (LearnedQuestion(learned_id, PRINTER, "Printer", "It prints nothing.", 1.0),)
    row = store.get(learned_id)
    assert (row.source, row.status, row.at, row.lang) == ("agent", "active", NOON, "en")
    assert row.traces == (Trace("agent", "ticket-1", NOON),)


def test_an_imported_ticket_counts_a_little_less(store: LearningStore) -> None:
    store.learn([lesson(source="imported")])

    assert weights(store) == {OFFLINE: 0.8}
    assert store.find().rows[0].traces == (Trace("imported", "row-1", NOON, "tickets.jsonl"),)


def test_a_hundred_clicks_of_one_session_move_nothing(store: LearningStore) -> None:
    for number in range(100):
        store.hear(heard(WORDINGS[number % 3], "visit", origin=f"q{number}"))

    assert (store.revision(), store.active()) == (0, ())
    (row,) = store.find().rows
    assert (row.status, row.confirmed, len(row.traces)) == ("pending", 1, 1)


def test_a_hundred_clicks_without_a_session_move_nothing(store: LearningStore) -> None:
    for number in range(100):
        store.hear(heard(OFFLINE, "", origin=f"q{number}"))

    assert (store.revision(), store.active()) == (0, ())
    (row,) = store.find().rows
    assert (row.status, row.confirmed, len(row.traces)) == ("pending", 0, 1)


def test_three_sessions_with_near_the_same_words_count_with_half_the_trust(store: LearningStore) -> None:
    hear(store, heard(WORDINGS[0], "one"), heard(WORDINGS[1], "two"), heard(OFFLINE, ""))
    assert store.active() == ()

    store.hear(heard(WORDINGS[2], "three"))

    assert weights(store) == {"The printer is offline": 0.5}
    assert store.revision() == 1
    assert store.find().rows[0].confirmed == 3


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("the toner is empty", {}),
        ("printer", {}),
        ("the printer is offline since we moved to the new floor and badges stopped", {}),
        (OFFLINE, {"article": "paper-jam"}),
        (OFFLINE, {"body": "It is the one on the third floor, next to the kitchen, and it shows error 49."}),
    ],
)
def test_another_question_or_article_is_not_the_same(store: LearningStore, text: str, given: dict[str, str]) -> None:
    hear(store, heard(OFFLINE, "one"), heard(OFFLINE, "two"), heard(text, "three", **given))

    assert store.active() == ()
    assert store.find().total == 2


def test_a_question_of_no_words_is_the_same_only_as_itself(store: LearningStore) -> None:
    hear(store, heard("🙂", "one"), heard("🙂", "two"), heard("❓", "three"))
    assert store.active() == ()

    store.hear(heard("🙂", "four"))
    assert weights(store) == {"🙂": 0.5}


def test_no_help_said_in_several_sessions_takes_end_users_word_back(store: LearningStore) -> None:
    hear(store, *(heard(OFFLINE, f"yes-{n}") for n in range(3)))
    hear(store, *(heard(OFFLINE, f"no-{n}", solved=False) for n in range(2)), heard(OFFLINE, "", solved=False))
    assert weights(store) == {OFFLINE: 0.5}

    store.hear(heard(OFFLINE, "no-2", solved=False))
    assert store.active() == ()
    assert store.find().rows[0].status == "pending"

    store.hear(heard(OFFLINE, "yes-3"))
    assert weights(store) == {OFFLINE: 0.5}


def test_a_session_may_change_its_mind_and_its_last_word_counts(store: LearningStore) -> None:
    hear(store, *(heard(OFFLINE, f"visit-{n}") for n in range(3)))
    store.hear(heard(OFFLINE, "visit-1", solved=False))
    assert store.active() == ()

    store.hear(heard(OFFLINE, "visit-1"))
    assert weights(store) == {OFFLINE: 0.5}
    assert len(store.find().rows[0].traces) == 3


@pytest.mark.parametrize("source", ["agent", "imported"])
def test_end_users_never_take_back_what_others_said(store: LearningStore, source: str) -> None:
    store.learn([lesson(source=source)])  # type: ignore[arg-type]
    before = store.active()

    hear(store, *(heard(OFFLINE, f"no-{n}", solved=False) for n in range(60)))

    assert (store.active(), store.revision()) == (before, 1)
    assert store.find().rows[0].source == source


def test_that_an_article_did_not_help_teaches_nothing_by_itself(store: LearningStore) -> None:
    hear(store, *(heard(OFFLINE, f"no-{n}", solved=False) for n in range(5)))

    assert store.find().total == 0


def test_of_many_sessions_the_last_fifty_are_kept(store: LearningStore) -> None:
    hear(store, *(heard(OFFLINE, f"visit-{n}") for n in range(60)))

    row = store.get(only_id(store))
    assert [trace.session for trace in row.traces] == [f"visit-{n}" for n in range(10, 60)]
    assert row.status == "active"


def test_one_an_author_accepts_counts_and_no_end_user_takes_it_back(store: LearningStore) -> None:
    store.hear(heard(OFFLINE, ""))

    assert store.accept(only_id(store)).status == "active"
    hear(store, *(heard(OFFLINE, f"no-{n}", solved=False) for n in range(5)))

    assert weights(store) == {OFFLINE: 0.5}
    assert store.get(only_id(store)).accepted


# --- the same twice ------------------------------------------------------------------------------------------------


def test_the_same_lessons_twice_change_nothing(store: LearningStore) -> None:
    rows = [lesson(f"question {n}", "imported", origin=f"row-{n}") for n in range(1_200)]
    assert store.learn(rows) == Counts(new=1_200, known=0, removed=0)
    before = store.find(limit=2_000), store.active(), store.revision()

    assert store.learn(rows) == Counts(new=0, known=1_200, removed=0)

    assert (store.find(limit=2_000), store.active(), store.revision()) == before


def test_the_same_words_up_to_case_accents_and_spaces_are_one_question(store: LearningStore) -> None:
    counts = store.learn([lesson("Zmień  hasło", "imported"), lesson("zmien HASLO ", "imported", origin="row-2")])

    assert counts == Counts(new=1, known=1, removed=0)
    assert weights(store) == {"Zmień  hasło": 0.8}
    assert [trace.origin for trace in store.find().rows[0].traces] == ["row-1", "row-2"]


def test_one_question_may_lead_to_two_articles(store: LearningStore) -> None:
    store.learn([lesson(), lesson(article="paper-jam")])

    assert sorted(question.article for question in store.active()) == ["paper-jam", PRINTER]


def test_the_most_trusted_source_of_a_question_counts(store: LearningStore) -> None:
    store.hear(heard(OFFLINE, "one"))
    assert store.learn([lesson(source="imported")]) == Counts(new=1, known=0, removed=0)
    assert weights(store) == {OFFLINE: 0.8}

    assert store.learn([lesson()]) == Counts(new=0, known=1, removed=0)
    assert weights(store) == {OFFLINE: 1.0}
    assert [trace.source for trace in store.find().rows[0].traces] == ["end_user", "imported", "agent"]


# --- removing ------------------------------------------------------------------------------------------------------


def test_a_removed_one_has_no_effect_and_stays_removed_whoever_says_it_again(store: LearningStore) -> None:
    store.learn([lesson(source="imported")])
    learned_id = only_id(store)

    assert store.remove(learned_id).status == "removed"
    assert (store.active(), store.revision()) == ((), 2)

    assert store.learn([lesson(source="imported"), lesson()]) == Counts(new=0, known=0, removed=2)
    hear(store, *(heard(wording, f"{n}") for n, wording in enumerate(WORDINGS)))
    assert (store.active(), store.revision(), store.find().total) == ((), 2, 1)


def test_a_restored_one_counts_as_before(store: LearningStore) -> None:
    store.learn([lesson(source="imported")])
    before = store.active()
    store.remove(only_id(store))

    assert store.restore(only_id(store)).status == "active"

    assert (store.active(), store.revision()) == (before, 3)


def test_removing_or_restoring_twice_is_once(store: LearningStore) -> None:
    store.learn([lesson()])
    learned_id = only_id(store)

    for change, revision in ((store.remove, 2), (store.remove, 2), (store.restore, 3), (store.restore, 3)):
        change(learned_id)
        assert store.revision() == revision


def test_a_removed_one_has_to_be_restored_before_it_is_accepted(store: LearningStore) -> None:
    store.hear(heard(OFFLINE, "one"))
    learned_id = only_id(store)
    store.remove(learned_id)

    with pytest.raises(
        LearnedRemoved, match=rf"^The learned question '{learned_id}' was removed\. Restore it first\.$"
    ):
        store.accept(learned_id)

    assert store.restore(learned_id).status == "pending"
    assert store.accept(learned_id).status == "active"


def test_what_agents_said_of_a_ticket_can_be_taken_back_and_nothing_else_goes_with_it(store: LearningStore) -> None:
    store.learn([lesson(origin="ticket-1"), lesson(origin="ticket-2"), lesson("toner is empty", origin="ticket-1")])
    store.learn([lesson("paper is empty", "imported", origin="ticket-1")])
    revision = store.revision()

    store.retract("ticket-1")

    assert weights(store) == {OFFLINE: 1.0, "paper is empty": 0.8}
    assert store.revision() > revision
    store.retract("ticket-2")
    assert weights(store) == {"paper is empty": 0.8}
    assert store.learn([lesson(origin="ticket-1")]) == Counts(new=1, known=0, removed=0)


def test_a_removed_one_is_not_forgotten_when_its_ticket_is_taken_back(store: LearningStore) -> None:
    store.learn([lesson()])
    store.remove(only_id(store))
    store.retract("ticket-1")
    assert store.learn([lesson()]) == Counts(new=0, known=0, removed=1)


def test_an_unknown_id_is_told(store: LearningStore) -> None:
    for method in (store.get, store.remove, store.restore, store.accept):
        with pytest.raises(LearnedUnknown, match=r"^There is no learned question with the id 'nothing'\.$"):
            method("nothing")
    assert store.revision() == 0


# --- finding and keeping -------------------------------------------------------------------------------------------


def test_the_list_is_filtered_and_the_newest_come_first(store: LearningStore) -> None:
    store.learn([lesson("first"), lesson("second", at=after(hours=1)), lesson("third", at=after(hours=2))])
    store.learn([lesson("elsewhere", "imported", article="paper-jam", at=after(hours=3))])
    store.hear(heard("waiting", "one", at=after(hours=4)))
    store.remove(store.find(article="paper-jam").rows[0].id)

    def texts(**given: str | int) -> list[str]:
        return [row.text for row in store.find(**given).rows]  # type: ignore[arg-type]

    assert texts() == ["waiting", "elsewhere", "third", "second", "first"]
    assert texts(source="agent", limit=1, offset=1) == ["second"]
    assert texts(status="pending") == ["waiting"]
    assert texts(status="removed", source="imported") == ["elsewhere"]
    assert texts(article="paper-jam", status="active") == []
    assert (store.find(source="agent", limit=1).total, store.find(limit=0).total) == (3, 5)


def test_personal_data_is_masked_before_it_is_kept(store: LearningStore) -> None:
    store.learn([lesson("I am anna@example.com\x00", body="call +48 600 123 456", origin="a")])
    store.learn([lesson("I am ben@example.org", body="call +48 600 123 457", origin="b")])

    (row,) = store.find().rows
    assert (row.text, row.body) == ("I am [email]", "call [phone]")
    assert len(row.traces) == 2


def test_what_no_search_would_read_is_not_kept(store: LearningStore) -> None:
    store.learn([lesson("x" * 5_000, body=("word " * 50_000) + "anna@example.com")])

    (row,) = store.find().rows
    assert (len(row.text), len(row.body)) == (2_000, 8_000)


def test_text_comes_back_as_it_was(store: LearningStore) -> None:
    evil = "'); DROP TABLE learned; -- <script>alert(1)</script> żółć 😀"
    store.learn([lesson(evil, body=f"{evil}\n\t{evil}", article=evil, lang="")])

    (row,) = store.find(article=evil).rows
    assert (row.text, row.body, row.article, row.lang) == (evil, f"{evil}\n\t{evil}", evil, "")


def test_many_at_once_lose_nothing(store: LearningStore) -> None:
    def say(number: int) -> None:
        store.hear(heard(OFFLINE, f"visit-{number % 20}"))
        store.learn([lesson(f"question {number % 10}", origin=f"ticket-{number}")])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(say, range(40)))

    assert len(store.active()) == 11
    assert store.revision() == 11
    assert sorted(len(row.traces) for row in store.find().rows) == [4] * 10 + [20]
