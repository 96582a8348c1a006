from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.decide import ANSWER_AT, SUGGEST_AT, SUGGESTIONS, Answer, Decision, Policy, Suggest, Unanswered, decide
from kb.search import Hit, Ranking

_PROBABILITIES = st.floats(0, 1)
_SCORES = st.lists(st.floats(-30, 30), max_size=12).map(lambda scores: sorted(scores, reverse=True))
_HITS = _SCORES.map(lambda scores: tuple(Hit(number, score, number) for number, score in enumerate(scores)))
_POLICIES = st.tuples(_PROBABILITIES, _PROBABILITIES).map(lambda pair: Policy(max(pair), min(pair)))

_HELPFULNESS = {Unanswered: 0, Suggest: 1, Answer: 2}


def _ranking(confidence: float, *scores: float) -> Ranking:
    return Ranking(tuple(Hit(number, score, number) for number, score in enumerate(scores)), confidence, "")


def _shown(decision: Decision) -> tuple[Hit, ...]:
    match decision:
        case Answer(hit, others):
            return (hit, *others)
        case Suggest(hits):
            return hits
        case Unanswered():
            return ()


def test_a_confidence_at_the_threshold_is_an_answer_and_just_below_it_a_suggestion() -> None:
    assert type(decide(_ranking(ANSWER_AT, 9.0), Policy())) is Answer
    assert type(decide(_ranking(ANSWER_AT - 1e-9, 9.0), Policy())) is Suggest


def test_a_confidence_at_the_lower_threshold_is_a_suggestion_and_just_below_it_nothing_is_shown() -> None:
    assert type(decide(_ranking(SUGGEST_AT, 9.0), Policy())) is Suggest
    assert type(decide(_ranking(SUGGEST_AT - 1e-9, 9.0), Policy())) is Unanswered


def test_the_reason_names_the_probability() -> None:
    assert decide(_ranking(0.83, 9.0), Policy()).reason == "The article is right with a probability of 83%."
    assert decide(_ranking(0.5, 9.0), Policy()).reason == "The first article is right with a probability of 50%."
    assert decide(_ranking(0.02, 9.0), Policy()).reason == (
        "The nearest article is right with a probability of 2%, too low to show it."
    )


def test_without_a_candidate_nothing_is_answered_whatever_the_policy() -> None:
    decision = decide(Ranking((), 0.0, ""), Policy(answer_at=0.0, suggest_at=0.0))

    assert decision == Unanswered("No article shares a word or a meaning with the question.")


def test_an_article_far_behind_the_first_is_left_out() -> None:
    ranking = _ranking(0.9, 9.0, 4.0, 3.99)

    assert decide(ranking, Policy()) == Answer(
        ranking.hits[0], (ranking.hits[1],), "The article is right with a probability of 90%."
    )


def test_three_articles_are_suggested_and_three_more_beside_an_answer() -> None:
    close = [9.0, 8.9, 8.8, 8.7, 8.6, 8.5]

    assert [hit.article for hit in _shown(decide(_ranking(0.5, *close), Policy()))] == [0, 1, 2]
    assert [hit.article for hit in _shown(decide(_ranking(0.9, *close), Policy()))] == [0, 1, 2, 3]


@given(hits=_HITS, confidence=_PROBABILITIES, policy=_POLICIES)
def test_an_answer_is_at_least_as_likely_as_the_policy_asks(
    hits: tuple[Hit, ...], confidence: float, policy: Policy
) -> None:
    decision = decide(Ranking(hits, confidence, ""), policy)

    expected: type[Decision] = Answer if confidence >= policy.answer_at else Suggest
    if confidence < policy.suggest_at or not hits:
        expected = Unanswered
    assert type(decision) is expected


@given(
    hits=_HITS,
    confidences=st.tuples(_PROBABILITIES, _PROBABILITIES).map(sorted),
    policy=_POLICIES,
)
def test_more_confidence_never_shows_less(hits: tuple[Hit, ...], confidences: list[float], policy: Policy) -> None:
    less, more = (decide(Ranking(hits, confidence, ""), policy) for confidence in confidences)

    assert _HELPFULNESS[type(less)] <= _HELPFULNESS[type(more)]
    assert _shown(less) == _shown(more)[: len(_shown(less))]


@given(
    hits=_HITS,
    confidence=_PROBABILITIES,
    policy=_POLICIES,
    stricter=st.tuples(st.floats(0, 0.5), st.floats(0, 0.5)),
)
def test_a_stricter_policy_never_shows_more(
    hits: tuple[Hit, ...], confidence: float, policy: Policy, stricter: tuple[float, float]
) -> None:
    ranking = Ranking(hits, confidence, "")
    strict = Policy(policy.answer_at + sum(stricter), policy.suggest_at + stricter[0])

    assert _HELPFULNESS[type(decide(ranking, strict))] <= _HELPFULNESS[type(decide(ranking, policy))]


@given(hits=_HITS, confidence=_PROBABILITIES, policy=_POLICIES)
def test_what_is_shown_is_the_start_of_the_ranking(hits: tuple[Hit, ...], confidence: float, policy: Policy) -> None:
    shown = _shown(decide(Ranking(hits, confidence, ""), policy))

    assert shown == hits[: len(shown)]
    assert len(shown) <= 1 + SUGGESTIONS
