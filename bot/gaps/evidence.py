"""The articles nearest to a gap, for somebody who may read them, and why each did not do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bot.decide import Policy, decide, first
from bot.gaps.models import Failure, Gap
from kb.models import Article
from kb.search import Query, Searcher

#: What an article has to do with a gap: it was shown and did not help; agents solved its tickets with it though it was
#: not shown; it answers most of it now; it is the nearest, and not near enough.
Role = Literal["rejected", "not_found", "answers", "far"]
#: How many wordings are looked up, and how many articles are listed.
_LOOKED_UP, _LISTED = 5, 6


@dataclass(frozen=True, slots=True)
class Near:
    """An article beside a gap. `count` is how often it was shown in vain or solved a ticket; for what is found now, of
    how many of the wordings that were looked up (`of`, else 0) it comes first.
    """

    article: Article
    role: Role
    count: int
    of: int = 0


def nearest(
    searcher: Searcher, policy: Policy, gap: Gap, failures: Sequence[Failure], audiences: frozenset[str]
) -> tuple[Near, ...]:
    """Those that solved its tickets or were shown in vain, the most often first, then what is found now."""
    shown = Counter(article for failure in failures for article in failure.shown)
    solved = Counter(f.solved_with for f in failures if f.solved_with and f.solved_with not in f.shown)
    now: Counter[str] = Counter()
    far: Counter[str] = Counter()
    for wording in gap.wordings[:_LOOKED_UP]:
        ranking = searcher.rank(Query(wording.text, lang=wording.lang or None, audiences=audiences), 5)
        if hit := first(decide(ranking, policy)):
            now[searcher.entry(hit.article).article.id] += 1
        elif ranking.hits:
            far[searcher.entry(ranking.hits[0].article).article.id] += 1
    looked_up = len(gap.wordings[:_LOOKED_UP])
    # What solved a ticket once says no more than what was shown once; sorting keeps the order of equal ones.
    before: list[tuple[Role, str, int]] = [("not_found", *pair) for pair in solved.most_common()]
    before += [("rejected", article_id, count) for article_id, count in shown.most_common()]
    before.sort(key=lambda one: -one[2])
    found_now: list[tuple[Role, str, int]] = [("answers", *pair) for pair in now.most_common()]
    ordered = [*found_now, *before] if gap.state == "closed" else [*before, *found_now]
    ordered += [("far", *pair) for pair in far.most_common()]
    found: dict[str, Near] = {}
    for role, article_id, count in ordered:
        article = readable(searcher, article_id, gap.lang, audiences)
        if article and article_id not in found:
            found[article_id] = Near(article, role, count, 0 if role in ("not_found", "rejected") else looked_up)
    return tuple(found.values())[:_LISTED]


def readable(searcher: Searcher, article_id: str, lang: str, audiences: frozenset[str]) -> Article | None:
    """An article in this language, else in another one, if these audiences may read it."""
    versions = [
        entry.article
        for entry in searcher.snapshot.entries
        if entry.article.id == article_id and entry.article.audience in audiences
    ]
    return next((each for each in versions if each.lang == lang), versions[0] if versions else None)
