from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb import corpus
from kb.corpus import Corpus, Example, check_enough
from kb.errors import TrainingDataError

ENOUGH = [
    Example(f"question {number} of {article}", f"article {article}") for article in range(25) for number in range(4)
]


def test_a_hundred_questions_of_twenty_articles_are_enough() -> None:
    check_enough(ENOUGH)


def test_too_few_questions_says_how_many_are_missing() -> None:
    with pytest.raises(TrainingDataError) as caught:
        check_enough(ENOUGH[:90])
    assert str(caught.value) == (
        "Too little to train on: 90 different questions, 10 fewer than the 100 it takes. Add questions to the "
        "articles' front matter, or learn from solved tickets first. Nothing was changed."
    )


def test_a_question_said_twice_counts_once() -> None:
    with pytest.raises(TrainingDataError, match=r": 1 different questions, 99 fewer than the 100 it takes; 0 articles"):
        check_enough([Example("I forgot  my password ", "a"), Example("i forgot my password", "a")] * 100)


def test_questions_of_a_few_articles_alone_are_too_little() -> None:
    with pytest.raises(TrainingDataError, match=r": 2 articles with two questions or more, 18 fewer than the 20 it t"):
        check_enough([Example(f"question {number}", f"article {number % 2}") for number in range(200)])


def test_no_questions_at_all_is_too_little() -> None:
    with pytest.raises(
        TrainingDataError, match=r": 0 different questions, 100 fewer than the 100 it takes; 0 articles"
    ):
        check_enough([])


def test_a_question_of_two_articles_is_one_text_that_belongs_to_both() -> None:
    made = Corpus.of([Example("Both", "a"), Example("both", "b"), Example("Only a", "a")], [("b", "Title of b")], 0)
    assert made.texts == ("Both", "Only a", "Title of b")
    assert made.articles == (frozenset("ab"), frozenset("a"), frozenset("b"))


def test_one_question_in_seven_is_held_out_and_the_same_ones_again_with_the_same_seed() -> None:
    made = Corpus.of(ENOUGH, [], 0)
    assert len(made.held_out) == 15
    assert made == Corpus.of(ENOUGH, [], 0)
    assert made.held_out != Corpus.of(ENOUGH, [], 1).held_out


@given(
    examples=st.lists(st.builds(Example, st.sampled_from("uvwxyzUVW "), st.sampled_from("abc")), max_size=30),
    seed=st.integers(0, 9),
)
def test_what_is_held_out_is_never_trained_on_and_leaves_each_article_a_question(
    examples: list[Example], seed: int
) -> None:
    made = Corpus.of(examples, [("d", "a passage")], seed)
    assert set(made.held_out) & set(made.questions) == set()
    assert set(made.held_out) | set(made.questions) == set(range(len(made.texts) - 1))
    trained = [made.texts[row].casefold().split() for row in made.questions]
    assert [row for row in made.held_out if made.texts[row].casefold().split() in trained] == []
    assert [examples[position].text for position in made.held_out_examples] == [
        made.texts[row] for row in made.held_out
    ]
    asked = {example.article for example in examples}
    assert {article for row in made.questions for article in made.articles[row]} == asked


def test_of_too_many_passages_each_article_gives_its_first_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "_MOST_PASSAGES", 4)
    passages = [("a", "a1"), ("a", "a2"), ("a", "a3"), ("a", "a4"), ("b", "b1"), ("c", "c1")]
    assert Corpus.of([], passages, 0).texts == ("a1", "a2", "b1", "c1")
