"""What is said of a gap: its name, its wordings, the nearest article, why that did not do, and whether one does now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from bot import decide
from bot.alike import vectors_of
from bot.decide import Policy
from bot.gaps.models import Description, Failure, Standing, Version, Why, Wording
from bot.gaps.reading import read
from kb.analysis import fold
from kb.embedding import Embedder
from kb.models import INTERNAL, PUBLIC, version_of
from kb.search import Query, Searcher
from kb.vector_cache import open_if_possible

#: How many distinct wordings are kept, and how many of these the articles are asked for.
WORDINGS, _ASKED = 12, 8
#: How many wordings say what a gap means: with one fewer of those in another language are found, more add nothing.
_MEANT = 3
#: A name of fewer words ("help", "printer") says little, and one of more is read by nobody in a list; one of the most
#: central questions that is neither says more.
_NAME_WORDS, _NAME_WORDS_MOST, _NAMING = 3, 14, 5
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
    named = _name(said)
    reason = why(failures, firsts)
    if reason == "no_article" and named and named.lang and named.lang not in searcher.snapshot.languages:
        reason = "language"
    name = " ".join(named.text.split()) if named else ""
    return (
        Description(
            name=name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1].rsplit(" ", 1)[0] + "…",
            lang=named.lang if named else "",
            why=reason,
            nearest=_nearest(searcher, reason, failures, firsts),
            wordings=said,
            **_meaning(searcher, said, failures, cache),
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


def why(failures: Sequence[Failure], firsts: Sequence[tuple[Wording, First]] = ()) -> Why:
    """Why the articles did not do, for most of them.

    An agent solved the ticket with one that was not shown: the right one was not found. Else something was shown: it
    did not help. Else there is none; but who wrote a ticket at once asked for none, and where most wordings (`firsts`)
    get one now, it was not shown.
    """
    found = sum(wording.count for wording, first in firsts if first.shown)
    gets_one = 2 * found > sum(wording.count for wording, _ in firsts)
    counts: Counter[Why] = Counter()
    for failure in failures:
        if failure.solved_with and failure.solved_with not in failure.shown:
            counts["not_found"] += 1
        elif failure.shown:
            counts["rejected"] += 1
        else:
            counts["not_shown" if gets_one and not failure.asked else "no_article"] += 1
    order: tuple[Why, ...] = ("not_found", "rejected", "not_shown", "no_article")
    return max(order, key=lambda reason: counts[reason])


def _name(said: Sequence[Wording]) -> Wording | None:
    central = said[:_NAMING]
    short = (each for each in central if _NAME_WORDS <= len(each.text.split()) <= _NAME_WORDS_MOST)
    return (
        next(short, None)
        or next((each for each in said if len(each.text.split()) >= _NAME_WORDS), None)
        or next(iter(said), None)
    )


def _nearest(
    searcher: Searcher, reason: Why, failures: Sequence[Failure], firsts: Sequence[tuple[Wording, First]]
) -> str:
    """The public article that the reason is about: the one that solved such tickets, was shown, or is found now."""
    public = {entry.article.id for entry in searcher.snapshot.entries if entry.article.audience == PUBLIC}
    counts: Counter[str] = Counter()
    if reason == "not_found":
        counts.update(each.solved_with for each in failures if each.solved_with not in ("", *each.shown))
    elif reason == "rejected":
        # What stands first was seen by all, what stands third by few.
        for failure in failures:
            counts.update({article: 6 // place for place, article in enumerate(failure.shown[:3], 1)})
    elif reason == "not_shown":
        counts.update({first.shown: wording.count for wording, first in firsts})
    near = Counter(first.nearest for _, first in firsts)
    # Of several that were shown as often, the one that is nearest to most wordings.
    known = [article for article in counts if article in public] or [article for article in near if article in public]
    return max(known, key=lambda article: (counts[article], near[article]), default="")


def _meaning(
    searcher: Searcher, said: Sequence[Wording], failures: Sequence[Failure], cache: Path | None
) -> Mapping[str, Any]:
    """What the most central questions mean, by the encoder that reads the most languages: one that several share."""
    embedder = shared_reader(searcher)
    asked = {failure.text: failure.full for failure in failures}
    texts = [asked[each.text] for each in said[:_MEANT]]
    if not texts:
        return {}
    with open_if_possible(cache) as vectors:
        total = np.sum(vectors_of(embedder, texts, vectors), axis=0, dtype=np.float32)
    length = np.linalg.norm(total)
    return {"meaning": total / length, "meaning_by": embedder.fingerprint} if length else {}


def shared_reader(searcher: Searcher) -> Embedder:
    """The encoder of a snapshot that reads all languages, or the most."""
    embedders = [encoded.embedder for encoded in searcher.snapshot.encoders]
    return next((each for each in embedders if not each.languages), max(embedders, key=lambda one: len(one.languages)))


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
