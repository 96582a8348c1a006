"""Decides whether a ranking is good enough to be an answer, a suggestion, or neither."""

from __future__ import annotations

from dataclasses import dataclass

from kb.search import Hit, Ranking

#: Fitted with the confidence (kb/calibrate.py, `bench/fit_decision.py`). At 0.7 and above the first article was right
#: for 74 % of Thunderbird tickets, whose labels miss some right articles, and for 92 % to 93 % on OfficeDocs, CLINC150
#: and BANKING77; 0 to 3 % of questions no article answers got an answer.
ANSWER_AT = 0.7
#: Below this fewer than one in four first articles is right; a list of them would send people astray.
SUGGEST_AT = 0.25
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
    """Some articles may help; none is sure enough to be called the answer."""

    hits: tuple[Hit, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No article is likely to help."""

    reason: str


Decision = Answer | Suggest | Unanswered


@dataclass(frozen=True, slots=True)
class Policy:
    """The confidence from which an article is given as the answer, and from which it is suggested."""

    answer_at: float = ANSWER_AT
    suggest_at: float = SUGGEST_AT


def decide(ranking: Ranking, policy: Policy) -> Decision:
    """What to do with a ranking under a policy, with the reason in plain words."""
    if not ranking.hits:
        return Unanswered("No article shares a word or a meaning with the question.")
    percent = f"{min(ranking.confidence, 0.99):.0%}"  # nothing is certain
    if ranking.confidence < policy.suggest_at:
        return Unanswered(f"The nearest article is right with a probability of {percent}, too low to show it.")
    near = tuple(hit for hit in ranking.hits if hit.score >= ranking.hits[0].score - _FAR_BEHIND)
    if ranking.confidence < policy.answer_at:
        return Suggest(near[:SUGGESTIONS], f"The first article is right with a probability of {percent}.")
    return Answer(near[0], near[1 : 1 + SUGGESTIONS], f"The article is right with a probability of {percent}.")
