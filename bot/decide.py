"""Decides whether a ranking is good enough to be an answer, a suggestion, or neither."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bot.models import DecisionName
from kb.search import Hit, Ranking

#: What a wrong answer and a missed one cost. Only their ratio counts. With 7 to 3 an article is the answer from a
#: confidence of 0.7: there and above the first article was right for 74 % of Thunderbird tickets, whose labels miss
#: some right articles, and for 92 % to 93 % on OfficeDocs, CLINC150 and BANKING77; 0 to 3 % of questions no article
#: answers got an answer. The confidence is fitted in kb/calibrate.py (`bench/fit_decision.py`).
COST_WRONG = 7.0
COST_MISSED = 3.0
#: A list that does not help costs this share of a wrong answer: nobody called any of it right, it only took a look.
#: With the default costs articles are suggested from a confidence of 0.25; below it fewer than one in four first
#: articles is right, and a list of them would send people astray.
_USELESS_LIST = 1 / 7
#: The second of two articles to choose from is at least this share as likely as the first. Below it the first is the
#: better guess by far, and the choice would ask a person what the list already says.
_CLOSE = 0.5
#: How many articles are suggested, beside an answer too.
SUGGESTIONS = 3
#: An article this much behind the first is left out: e^-5 of its weight among the candidates.
_FAR_BEHIND = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One article answers; `others` may help too."""

    hit: Hit
    others: tuple[Hit, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Suggest:
    """Some articles may help; none is sure enough to be called the answer.

    `between` are the first two of `hits` where one of them is sure to be the answer, but not which.
    """

    hits: tuple[Hit, ...]
    reason: str
    between: tuple[Hit, Hit] | None = None


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No article is likely to help."""

    reason: str


Decision = Answer | Suggest | Unanswered


@dataclass(frozen=True, slots=True)
class Policy:
    """What mistakes cost, in a unit of one's own; both above 0.

    `cost_wrong`: an answer was shown, and it was wrong. `cost_missed`: an article would have answered, unseen.
    """

    cost_wrong: float = COST_WRONG
    cost_missed: float = COST_MISSED

    @property
    def answer_at(self) -> float:
        """The probability from which to answer costs no more than not to: (1 - p) * wrong <= p * missed."""
        return self.cost_wrong / (self.cost_wrong + self.cost_missed)

    @property
    def suggest_at(self) -> float:
        """The same for a list of articles, which costs less where it does not help."""
        useless = self.cost_wrong * _USELESS_LIST
        return useless / (useless + self.cost_missed)


def first(decision: Decision) -> Hit | None:
    """The article that is shown first: the answer, or the first suggestion."""
    if isinstance(decision, Answer):
        return decision.hit
    return decision.hits[0] if isinstance(decision, Suggest) else None


def name_of(decision: Decision) -> DecisionName:
    """What a decision is called where it is kept."""
    return "answer" if isinstance(decision, Answer) else "suggest" if isinstance(decision, Suggest) else "unanswered"


def decide(ranking: Ranking, policy: Policy) -> Decision:
    """What to do with a ranking under a policy, with the reason in plain words."""
    if not ranking.hits:
        return Unanswered("No article shares a word or a meaning with the question.")
    near = tuple(hit for hit in ranking.hits if hit.score >= ranking.hits[0].score - _FAR_BEHIND)
    if ranking.confidence >= policy.answer_at:
        reason = f"The article is right with a probability of {_percent(ranking.confidence)}."
        return Answer(near[0], near[1 : 1 + SUGGESTIONS], reason)
    either = _either(ranking)
    if either >= policy.answer_at:
        reason = f"One of the first two articles is right with a probability of {_percent(either)}."
        return Suggest(near[:SUGGESTIONS], reason, (near[0], near[1]))
    if ranking.confidence >= policy.suggest_at:
        reason = f"The first article is right with a probability of {_percent(ranking.confidence)}."
        return Suggest(near[:SUGGESTIONS], reason)
    return Unanswered(
        f"The nearest article is right with a probability of {_percent(ranking.confidence)}, too low to show it."
    )


def _either(ranking: Ranking) -> float:
    """The probability that the first or the second article is right; 0 where it is not between the two."""
    if len(ranking.hits) < 2:
        return 0.0
    first, second = ranking.hits[:2]
    # Scores are logits: candidates share the probability as exp(score). All of them together have no more than 1.
    probability = min(ranking.confidence * math.exp(second.score - first.score), 1 - ranking.confidence)
    return ranking.confidence + probability if probability >= _CLOSE * ranking.confidence else 0.0


def _percent(probability: float) -> str:
    return f"{min(probability, 0.99):.0%}"  # nothing is certain
