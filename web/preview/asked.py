"""What a question gets now, beside what it got before."""

from __future__ import annotations

from dataclasses import dataclass

from bot.decide import Policy, decide, name_of
from bot.models import DecisionName
from kb.links import article_path
from kb.search import Query, Searcher


@dataclass(frozen=True, slots=True)
class Told:
    """The first article of a ranking, and what is made of it; `article` is "" where there is none."""

    decision: DecisionName
    confidence: float
    article: str = ""
    title: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with what it got before and what it gets now."""

    question: str
    before: Told
    now: Told

    @property
    def changed(self) -> bool:
        """Whether somebody who asks would see something else."""
        return (self.before.decision, self.before.article) != (self.now.decision, self.now.article)


class Asking:
    """Asks one searcher; what was asked before is not asked again."""

    def __init__(self, searcher: Searcher, policy: Policy) -> None:
        self._searcher, self._policy = searcher, policy
        self._told: dict[Query, Told] = {}

    def ask(self, query: Query) -> Told:
        if query not in self._told:
            self._told[query] = self._ask(query)
        return self._told[query]

    def asked(self, query: Query) -> bool:
        """Whether the answer is known already."""
        return query in self._told

    def _ask(self, query: Query) -> Told:
        ranking = self._searcher.rank(query)
        decision = decide(ranking, self._policy)
        name = name_of(decision)
        if not ranking.hits:
            return Told(name, ranking.confidence)
        article = self._searcher.entry(ranking.hits[0].article).article
        return Told(name, ranking.confidence, article.id, article.title, article_path(article.key))
