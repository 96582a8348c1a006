"""What is said of a gap: its name, its wordings, the nearest article, why that did not do, and whether one does now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot import decide
from bot.decide import Policy
from bot.gaps.models import Description, Failure, Standing, Version, Why, Wording
from bot.gaps.reading import read
from kb.analysis import fold
from kb.models import INTERNAL, PUBLIC, version_of
from kb.search import Query, Searcher

#: How many distinct wordings are kept, and how many of these the articles are asked for.
WORDINGS, _ASKED = 12, 8
#: A name of fewer words ("help", "printer") says little; a longer question that is nearly as central says more.
_NAME_WORDS = 3
LONGEST_NAME = 160
#: So many failures after an article closed a gap open it again: one or two may be somebody who did not read.
REOPENS_AFTER = 3


@dataclass(frozen=True, slots=True)
class First:
    """What a wording gets now: the id of the answer or of the first suggestion, "" where neither; and the nearest."""

    shown: str
    nearest: str


def wordings(searcher: Searcher, failures: Sequence[Failure], cache: Path | None) -> tuple[Wording, ...]:
    """The distinct wordings of some failures, the most central first: those nearest to the mean of all."""
    central: dict[str, float] = {}
    for part in read(searcher, failures, cache):
        nearness = part.vectors @ part.vectors.mean(0)
        central |= {
            failure.key: float(near) * len(part.failures) for failure, near in zip(part.failures, nearness, strict=True)
        }
    groups: dict[str, list[Failure]] = {}
    for failure in failures:
        groups.setdefault(" ".join(fold(failure.text).split()), []).append(failure)
    ordered = sorted(
        groups.values(), key=lambda same: (-max(central[each.key] for each in same), same[0].at, same[0].key)
    )
    return tuple(Wording(same[0].text, len(same), same[0].lang, same[0].channel) for same in ordered if same[0].text)


def describe(
    searcher: Searcher, policy: Policy, failures: Sequence[Failure], cache: Path | None
) -> tuple[Description, list[tuple[Wording, First]]]:
    """What is said of a gap with these failures, and what its wordings get of the articles now."""
    said = wordings(searcher, failures, cache)[:WORDINGS]
    firsts = [(wording, first(searcher, policy, wording)) for wording in said[:_ASKED]]
    named = next((each for each in said if len(each.text.split()) >= _NAME_WORDS), said[0] if said else None)
    nearest = Counter(found.nearest for _, found in firsts if found.nearest).most_common(1)
    name = " ".join(named.text.split()) if named else ""
    return (
        Description(
            name=name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1].rsplit(" ", 1)[0] + "…",
            lang=named.lang if named else "",
            why=why(failures),
            nearest=nearest[0][0] if nearest else "",
            wordings=said,
        ),
        firsts,
    )


def first(searcher: Searcher, policy: Policy, wording: Wording) -> First:
    """Agents are also shown what is internal; `nearest` is always public."""
    query = Query(wording.text, lang=wording.lang or None)
    ranking = searcher.rank(query, 5)
    nearest = searcher.entry(ranking.hits[0].article).article.id if ranking.hits else ""
    if wording.channel == "agent":
        internal = Query(wording.text, lang=wording.lang or None, audiences=frozenset({PUBLIC, INTERNAL}))
        ranking = searcher.rank(internal, 5)
    hit = decide.first(decide.decide(ranking, policy))
    return First(searcher.entry(hit.article).article.id if hit else "", nearest)


def why(failures: Sequence[Failure]) -> Why:
    """Why the articles did not do, for most of them.

    An agent solved the ticket with one that was not shown: the right one was not found. Else something was shown: it
    did not help. Else there is none.
    """
    counts: Counter[Why] = Counter()
    for failure in failures:
        missed = failure.solved_with and failure.solved_with not in failure.shown
        counts["not_found" if missed else "rejected" if failure.shown else "no_article"] += 1
    order: tuple[Why, ...] = ("not_found", "rejected", "no_article")
    return max(order, key=lambda reason: counts[reason])


def versions(searcher: Searcher, before: dict[str, Version], now: datetime) -> dict[str, Version]:
    """What each article says, over all its languages, and since when it does."""
    said: dict[str, list[str]] = {}
    for entry in searcher.snapshot.entries:
        said.setdefault(entry.article.id, []).append(f"{entry.article.lang}{version_of(entry.article)}")
    found = {}
    for article, parts in said.items():
        joined = ",".join(sorted(parts))
        known = before.get(article)
        found[article] = known if known and known.hash == joined else Version(joined, now)
    return found


def answered_by(
    standing: Standing,
    failures: Sequence[Failure],
    firsts: Sequence[tuple[Wording, First]],
    articles: dict[str, Version],
) -> str:
    """The id of the article that closes an open gap, "" where none does.

    It is the answer to, or the first suggestion for, more than half of what was asked, each wording counted as often as
    it was asked; and it was published or changed after at least half of the questions had failed, and after somebody
    last reopened the gap.
    """
    counts: Counter[str] = Counter()
    for wording, found in firsts:
        counts[found.shown] += wording.count
    total = sum(counts.values())
    article, count = max(counts.items(), key=lambda pair: (pair[1], pair[0]), default=("", 0))
    if not article or 2 * count <= total or article not in articles:
        return ""
    since = articles[article].since
    late = sum(failure.at < since for failure in failures)
    if 2 * late < len(failures) or (standing.decided and since <= standing.decided):
        return ""
    return article


def fails_again(standing: Standing, failures: Sequence[Failure]) -> bool:
    """Whether so much failed since a gap was closed that it is open again."""
    closed = standing.decided
    return closed is not None and sum(failure.at > closed for failure in failures) >= REOPENS_AFTER
