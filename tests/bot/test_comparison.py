"""What changed from one run to another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.comparison import Change, compare
from bot.metrics import Asked
from bot.predictions import Prediction
from kb.search import Query

ARTICLES = tuple("abcdefghijkl")


def asked(*keys: str, relevant: str = "a") -> list[Asked]:
    return [Asked(key, Query(f"question {key}"), frozenset(relevant)) for key in keys]


def ranked(place: int | None, *, decision: str = "suggest") -> Prediction:
    """The article "a" at this place."""
    others = [article for article in ARTICLES if article != "a"]
    articles = others if place is None else [*others[: place - 1], "a", *others[place - 1 :]]
    return Prediction("", decision, 0.5, tuple(articles))


def runs(**places: tuple[int | None, int | None]) -> tuple[dict[str, Prediction], dict[str, Prediction]]:
    before = {key: ranked(old) for key, (old, _) in places.items()}
    return before, {key: ranked(new) for key, (_, new) in places.items()}


def test_questions_that_entered_or_left_the_first_place_come_first_then_those_that_moved_most() -> None:
    before, after = runs(p=(10, 2), q=(2, 1), r=(None, 1), s=(3, 3), t=(1, 2), u=(2, None), v=(1, None))
    found = compare(asked(*"pqrstuv"), before, after)
    assert [(c.id, c.before, c.after) for c in found.rose] == [("r", None, 1), ("q", 2, 1), ("p", 10, 2)]
    assert [(c.id, c.before, c.after) for c in found.fell] == [("v", 1, None), ("t", 1, 2), ("u", 2, None)]
    assert found.rose[0] == Change("r", "question r", None, 1)
    assert (found.compared, found.before, found.after, found.difference) == (7, 0.2857, 0.2857, 0.0)


def test_an_article_beyond_the_tenth_place_was_not_found() -> None:
    before, after = runs(q=(11, 10))
    assert [(c.before, c.after) for c in compare(asked("q"), before, after).rose] == [(None, 10)]


def test_ids_that_one_run_alone_has_are_named_and_not_compared() -> None:
    before, after = runs(p=(1, 1), q=(1, None), r=(None, 1))
    del after["q"], before["r"]
    found = compare(asked(*"pqr"), before, after)
    assert (found.compared, found.only_before, found.only_after) == (1, ("q",), ("r",))
    assert (found.rose, found.fell) == ((), ())


def test_a_question_that_no_article_answers_changes_by_being_answered() -> None:
    questions = asked("new", "gone", "same", relevant="")
    before = {"new": ranked(1), "gone": ranked(1, decision="answer"), "same": ranked(1, decision="answer")}
    after = {"new": ranked(1, decision="answer"), "gone": ranked(1), "same": ranked(1, decision="answer")}
    found = compare(questions, before, after)
    assert [q.id for q in found.newly_answered] == ["new"]
    assert [q.id for q in found.no_longer_answered] == ["gone"]
    assert (found.compared, found.difference, found.interval) == (0, None, None)


def test_the_interval_is_paired_so_that_equal_runs_differ_by_nothing_at_all() -> None:
    before, after = runs(**{f"q{n}": (1, 1) if n % 2 else (4, 4) for n in range(50)})
    found = compare(asked(*before), before, after)
    assert (found.before, found.after, found.difference, found.interval) == (0.5, 0.5, 0.0, [0.0, 0.0])


def test_the_comparison_as_json_has_every_changed_question() -> None:
    before, after = runs(q=(2, 1))
    assert compare(asked("q"), before, after).as_json() == {
        "compared": 1,
        "hit@1": {"before": 0.0, "after": 1.0, "difference": 1.0, "interval": [1.0, 1.0]},
        "rose": [{"id": "q", "query": "question q", "before": 2, "after": 1}],
        "fell": [],
        "newly_answered": [],
        "no_longer_answered": [],
        "only_before": [],
        "only_after": [],
    }


PLACES = st.none() | st.integers(1, 12)
DECISIONS = st.sampled_from(["answer", "suggest", "unanswered"])
RUN = st.dictionaries(st.sampled_from("pqrstuv"), st.builds(ranked, PLACES, decision=DECISIONS))


@given(RUN, RUN)
def test_comparing_the_other_way_round_says_the_opposite(
    one: dict[str, Prediction], other: dict[str, Prediction]
) -> None:
    questions = [*asked(*"pqrs"), *asked(*"tuv", relevant="")]
    there, back = compare(questions, one, other), compare(questions, other, one)
    assert [(c.id, c.before, c.after) for c in there.rose] == [(c.id, c.after, c.before) for c in back.fell]
    assert [(c.id, c.before, c.after) for c in there.fell] == [(c.id, c.after, c.before) for c in back.rose]
    assert there.newly_answered == back.no_longer_answered
    assert (there.only_before, there.before) == (back.only_after, back.after)
    if there.compared:
        assert there.difference == -(back.difference or 0.0)
        assert there.interval == pytest.approx([-edge for edge in reversed(back.interval or [])])
