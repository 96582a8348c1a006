from __future__ import annotations

import math

from hypothesis import assume, given
from hypothesis import strategies as st

from bot.decide import SUGGESTIONS, Answer, Decision, Policy, Suggest, Unanswered, decide
from kb.search import Hit, Ranking

_PROBABILITIES = st.floats(0, 1)
_SCORES = st.lists(st.floats(-30, 30), max_size=12).map(lambda scores: sorted(scores, reverse=True))
#: Half of all rankings are led by two that are close.
_CLOSE_SCORES = st.tuples(_SCORES.filter(bool), st.floats(0, 1)).map(lambda pair: [pair[0][0] + pair[1], *pair[0]])
_HITS = (_SCORES | _CLOSE_SCORES).map(
    lambda scores: tuple(Hit(number, score, number) for number, score in enumerate(scores))
)
_COSTS = st.floats(0.001, 1_000)
_POLICIES = st.builds(Policy, _COSTS, _COSTS)
DEFAULT = Policy()

_HELPFULNESS = {Unanswered: 0, Suggest: 1, Answer: 2}


def _ranking(confidence: float, *scores: float) -> Ranking:
    return Ranking(tuple(Hit(number, score, number) for number, score in enumerate(scores)), confidence, "", "")


def _shown(decision: Decision) -> tuple[Hit, ...]:
    match decision:
        case Answer(hit, others):
            return (hit, *others)
        case Suggest(hits):
            return hits
        case Unanswered():
            return ()


def _between(decision: Decision) -> tuple[Hit, Hit] | None:
    return decision.between if isinstance(decision, Suggest) else None


# --- costs -----------------------------------------------------------------------------------------------------------


def test_seven_for_a_wrong_answer_and_three_for_a_missed_one_answer_from_seven_tenths() -> None:
    assert (DEFAULT.cost_wrong, DEFAULT.cost_missed) == (7.0, 3.0)
    assert DEFAULT.answer_at == 0.7
    assert DEFAULT.suggest_at == 0.25


@given(confidence=_PROBABILITIES, policy=_POLICIES)
def test_an_answer_is_given_where_it_is_expected_to_cost_less_than_none(confidence: float, policy: Policy) -> None:
    to_answer, not_to = (1 - confidence) * policy.cost_wrong, confidence * policy.cost_missed
    assume(not math.isclose(to_answer, not_to, rel_tol=1e-9))

    answered = isinstance(decide(_ranking(confidence, 9.0), policy), Answer)

    assert answered == (to_answer < not_to)


@given(confidence=_PROBABILITIES, policy=_POLICIES)
def test_a_list_that_does_not_help_costs_a_seventh_of_a_wrong_answer(confidence: float, policy: Policy) -> None:
    to_list, not_to = (1 - confidence) * policy.cost_wrong / 7, confidence * policy.cost_missed
    assume(not math.isclose(to_list, not_to, rel_tol=1e-9))

    shown = _shown(decide(_ranking(confidence, 9.0), policy))

    assert bool(shown) == (to_list < not_to)


@given(hits=_HITS, confidence=_PROBABILITIES, policy=_POLICIES, power=st.integers(-20, 20))
def test_only_the_ratio_of_the_costs_counts(
    hits: tuple[Hit, ...], confidence: float, policy: Policy, power: int
) -> None:
    unit = 2.0**power  # of two, so that nothing is rounded
    ranking = Ranking(hits, confidence, "", "")

    assert decide(ranking, Policy(policy.cost_wrong * unit, policy.cost_missed * unit)) == decide(ranking, policy)


@given(hits=_HITS, confidence=_PROBABILITIES, policy=_POLICIES, share=st.floats(0.001, 1))
def test_where_a_wrong_answer_costs_less_never_less_is_shown(
    hits: tuple[Hit, ...], confidence: float, policy: Policy, share: float
) -> None:
    ranking = Ranking(hits, confidence, "", "")
    cheaper = Policy(policy.cost_wrong * share, policy.cost_missed)

    assert _HELPFULNESS[type(decide(ranking, policy))] <= _HELPFULNESS[type(decide(ranking, cheaper))]


@given(hits=_HITS, confidence=_PROBABILITIES, policy=_POLICIES, share=st.floats(0.001, 1))
def test_where_a_missed_answer_costs_less_never_more_is_shown(
    hits: tuple[Hit, ...], confidence: float, policy: Policy, share: float
) -> None:
    ranking = Ranking(hits, confidence, "", "")
    cheaper = Policy(policy.cost_wrong, policy.cost_missed * share)

    assert _HELPFULNESS[type(decide(ranking, cheaper))] <= _HELPFULNESS[type(decide(ranking, policy))]


# --- answer, suggest, unanswered -------------------------------------------------------------------------------------


def test_a_confidence_at_the_threshold_is_an_answer_and_just_below_it_a_suggestion() -> None:
    assert type(decide(_ranking(0.7, 9.0), DEFAULT)) is Answer
    assert type(decide(_ranking(0.7 - 1e-9, 9.0), DEFAULT)) is Suggest


def test_a_confidence_at_the_lower_threshold_is_a_suggestion_and_just_below_it_nothing_is_shown() -> None:
    assert type(decide(_ranking(0.25, 9.0), DEFAULT)) is Suggest
    assert type(decide(_ranking(0.25 - 1e-9, 9.0), DEFAULT)) is Unanswered


def test_the_reason_names_the_probability() -> None:
    assert decide(_ranking(0.83, 9.0), DEFAULT).reason == "The article is right with a probability of 83%."
    assert decide(_ranking(0.5, 9.0), DEFAULT).reason == "The first article is right with a probability of 50%."
    assert decide(_ranking(0.4, 9.0, 9.0), DEFAULT).reason == (
        "One of the first two articles is right with a probability of 80%."
    )
    assert decide(_ranking(0.6, 9.0, 9.0), DEFAULT).reason == (
        "One of the first two articles is right with a probability of 99%."
    )
    assert decide(_ranking(0.02, 9.0), DEFAULT).reason == (
        "The nearest article is right with a probability of 2%, too low to show it."
    )


def test_without_a_candidate_nothing_is_answered_whatever_the_policy() -> None:
    decision = decide(Ranking((), 0.0, "", ""), Policy(cost_wrong=1e-9))

    assert decision == Unanswered("No article shares a word or a meaning with the question.")


def test_an_article_far_behind_the_first_is_left_out() -> None:
    ranking = _ranking(0.9, 9.0, 4.0, 3.99)

    assert decide(ranking, DEFAULT) == Answer(
        ranking.hits[0], (ranking.hits[1],), "The article is right with a probability of 90%."
    )


def test_three_articles_are_suggested_and_three_more_beside_an_answer() -> None:
    close = [9.0, 8.9, 8.8, 8.7, 8.6, 8.5]

    assert [hit.article for hit in _shown(decide(_ranking(0.5, *close), DEFAULT))] == [0, 1, 2]
    assert [hit.article for hit in _shown(decide(_ranking(0.9, *close), DEFAULT))] == [0, 1, 2, 3]


@given(
    hits=_HITS,
    confidences=st.tuples(_PROBABILITIES, _PROBABILITIES).map(sorted),
    policy=_POLICIES,
)
def test_more_confidence_never_shows_less(hits: tuple[Hit, ...], confidences: list[float], policy: Policy) -> None:
    less, more = (decide(Ranking(hits, confidence, "", ""), policy) for confidence in confidences)

    assert _HELPFULNESS[type(less)] <= _HELPFULNESS[type(more)]
    assert _shown(less) == _shown(more)[: len(_shown(less))]


@given(hits=_HITS, confidence=_PROBABILITIES, policy=_POLICIES)
def test_what_is_shown_is_the_start_of_the_ranking(hits: tuple[Hit, ...], confidence: float, policy: Policy) -> None:
    shown = _shown(decide(Ranking(hits, confidence, "", ""), policy))

    assert shown == hits[: len(shown)]
    assert len(shown) <= 1 + SUGGESTIONS


# --- which of the two ------------------------------------------------------------------------------------------------


def test_two_articles_that_are_only_sure_together_are_asked_about() -> None:
    ranking = _ranking(0.45, 9.0, 8.9, 5.0, 4.5)

    decision = decide(ranking, DEFAULT)

    assert decision == Suggest(
        ranking.hits[:3], "One of the first two articles is right with a probability of 86%.", ranking.hits[:2]
    )


def test_a_second_article_half_as_likely_as_the_first_is_a_choice_and_one_less_likely_is_none() -> None:
    half = math.log(2)

    assert _between(decide(_ranking(0.6, 9.0, 9.0 - half + 1e-9), DEFAULT)) is not None
    assert _between(decide(_ranking(0.6, 9.0, 9.0 - half - 1e-9), DEFAULT)) is None


def test_a_sure_answer_is_given_though_a_second_article_is_close() -> None:
    assert type(decide(_ranking(0.7, 9.0, 9.0), DEFAULT)) is Answer


def test_two_articles_that_are_not_sure_together_are_a_list() -> None:
    decision = decide(_ranking(0.34, 9.0, 9.0), DEFAULT)

    assert type(decision) is Suggest
    assert decision.between is None


def test_two_likely_articles_are_asked_about_though_a_list_led_by_the_first_would_not_pay() -> None:
    policy = Policy(20.0, 3.0)

    assert policy.suggest_at > 0.47
    assert _between(decide(_ranking(0.47, 9.0, 9.0), policy)) is not None


@given(hits=_HITS, confidence=_PROBABILITIES, policy=_POLICIES)
def test_a_person_is_asked_only_where_the_two_together_are_as_sure_as_an_answer(
    hits: tuple[Hit, ...], confidence: float, policy: Policy
) -> None:
    second = confidence * math.exp(hits[1].score - hits[0].score) if len(hits) > 1 else 0.0
    second = min(second, 1 - confidence)
    asked = confidence < policy.answer_at <= confidence + second and second >= confidence / 2

    between = _between(decide(Ranking(hits, confidence, "", ""), policy))

    assert between == (hits[:2] if asked else None)
