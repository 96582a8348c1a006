"""What stands beside a ticket: articles with the passage that may solve it, and solved tickets like it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, Self

from bot import compose
from bot.alike import Alike, Similar, SolvedTickets
from bot.decide import Answer, Decision, Policy, Suggest, decide
from bot.errors import StoreUnavailable
from bot.flags import Flag, FlagStore, changed_since
from bot.library import Library
from bot.models import MAX_BODY, MAX_QUESTION, DecisionName, Suggestion, Ticket
from bot.models import Answer as Passage
from kb.marks import Wanted
from kb.models import PUBLIC, Article, ArticleKey
from kb.search import Hit, Query, Ranking, Searcher
from kb.stored import Entry

_log = logging.getLogger(__name__)

#: "https" and "com" are no words that two texts share.
_ADDRESS = re.compile(r"\S{0,200}(?:://|@)\S{0,2000}")
#: How many articles are listed, likely or not: an agent looks through a list that a reader would be sent astray by.
MOST_ARTICLES = 5
#: Of the words that article and ticket share, how many are named.
_MOST_WORDS = 5
#: An article this much behind the first is left out, as in `bot.decide`.
_FAR_BEHIND = 5.0

Seen = Literal["", "shown", "declined"]


@dataclass(frozen=True, slots=True)
class Case:
    """A ticket as far as it matters here. `body` holds what its requester wrote later as well.

    `audiences` are the agent's. `shown` and `declined` are ids of articles that the requester saw, and said did not
    help. `origins` are what the ticket is called where it is learned from: it is not alike to itself.
    """

    subject: str
    body: str = ""
    lang: str | None = None
    audiences: frozenset[str] = frozenset({PUBLIC})
    shown: tuple[str, ...] = ()
    declined: tuple[str, ...] = ()
    origins: frozenset[str] = frozenset()

    @classmethod
    def of(cls, ticket: Ticket, audiences: frozenset[str]) -> Self:
        """A ticket of this desk."""
        later = (message.text for message in ticket.messages if message.author == "requester")
        return cls(
            subject=ticket.subject,
            body="\n\n".join((ticket.body, *later))[:MAX_BODY],
            lang=ticket.lang or None,
            audiences=audiences,
            shown=ticket.shown,
            declined=ticket.declined,
            origins=frozenset({ticket.id}),
        )


@dataclass(frozen=True, slots=True)
class Flagged:
    """An open flag, and whether the article says something else by now."""

    flag: Flag
    changed: bool


@dataclass(frozen=True, slots=True)
class Placed:
    """An article beside a ticket.

    `passage` is the part that answers. `confidence` is the calibrated probability, 0 to 1, that the article does; only
    the likeliest one has it. `asked_before` counts the solved tickets like this one that it solved, `words` are some
    that it shares with the ticket. `link` is the version to send its requester: in their language where it exists, else
    the one listed; None for an article that not everybody may read.
    """

    article: Article
    passage: Passage
    suggestion: Suggestion
    confidence: float | None
    seen: Seen
    asked_before: int
    words: tuple[str, ...]
    link: Article | None
    flags: tuple[Flagged, ...] = ()

    @property
    def internal(self) -> bool:
        return self.article.audience != PUBLIC


@dataclass(frozen=True, slots=True)
class Beside:
    """All of it. `decision` and `confidence` are those of the ranking, as `HelpDesk.ask` would have them.

    `titles` names the articles that `similar` were solved with, in the language of the ticket.
    """

    decision: DecisionName
    confidence: float
    articles: tuple[Placed, ...]
    similar: Similar
    titles: dict[str, Article]
    suggested: tuple[ArticleKey, ...] = ()

    @property
    def alike(self) -> tuple[Alike, ...]:
        return self.similar.found


@dataclass(frozen=True, slots=True)
class Adviser:
    """Says what stands beside a ticket."""

    library: Library
    policy: Policy
    solved: SolvedTickets
    flags: FlagStore

    def beside(self, case: Case) -> Beside:
        """Nothing is kept of the ticket. Where the database does not answer, flags and new solved tickets are missing.

        Without any words there is nothing beside it.
        """
        searcher = self.library.searcher
        text, body = case.subject[:MAX_QUESTION], case.body
        similar = self.solved.like(
            text,
            body,
            case.lang,
            readable=lambda article: _entry(searcher, article, "", case.audiences) is not None,
            leave_out=case.origins,
        )
        ranking = searcher.rank(Query(text, body, case.lang, case.audiences), MOST_ARTICLES)
        decision = decide(ranking, self.policy)
        articles = self._articles(searcher, ranking, case, similar)
        named = dict.fromkeys(article for found in similar.found for article in found.articles)
        lang = ranking.lang or case.lang or ""
        entries = ((article, _entry(searcher, article, lang, case.audiences)) for article in named)
        return Beside(
            decision=compose.name_of(decision),
            confidence=round(ranking.confidence, 4),
            articles=articles,
            similar=similar,
            titles={article: entry.article for article, entry in entries if entry},
            suggested=_suggested(decision, searcher),
        )

    def find(self, case: Case, words: str, limit: int = MOST_ARTICLES) -> tuple[Placed, ...]:
        """Articles that an agent looks for by hand, likely or not, as for a case with these words."""
        searcher = self.library.searcher
        ranking = searcher.rank(Query(words[:MAX_QUESTION], "", case.lang, case.audiences), limit)
        return tuple(replace(placed, confidence=None) for placed in self._articles(searcher, ranking, case, Similar()))

    def _articles(self, searcher: Searcher, ranking: Ranking, case: Case, similar: Similar) -> tuple[Placed, ...]:
        near = [hit for hit in ranking.hits if hit.score >= ranking.hits[0].score - _FAR_BEHIND]
        wanted = Wanted(_ADDRESS.sub(" ", f"{ranking.corrected}\n{case.body[:2_000]}"))
        placed = [self._placed(searcher, hit, case, wanted, similar) for hit in near]
        if placed and placed[0].seen != "declined":  # that it did not help is not in the calibration
            placed[0] = replace(placed[0], confidence=round(ranking.confidence, 4))
        flags = self._flags([each.article.id for each in placed])
        entries = ((each, flags.get(each.article.id, ())) for each in placed)
        flagged = [
            replace(each, flags=tuple(Flagged(flag, flag_changed(searcher, flag)) for flag in found))
            for each, found in entries
        ]
        return tuple(sorted(flagged, key=lambda each: each.seen == "declined"))

    def _placed(self, searcher: Searcher, hit: Hit, case: Case, wanted: Wanted, similar: Similar) -> Placed:
        article, passage = searcher.entry(hit.article).article, compose.answer(hit, searcher)
        public = article.audience == PUBLIC
        theirs = _entry(searcher, article.id, case.lang or article.lang, frozenset({PUBLIC}))
        return Placed(
            article=article,
            passage=passage,
            suggestion=compose.suggestion(hit, searcher, wanted),
            confidence=None,
            seen="declined" if article.id in case.declined else "shown" if article.id in case.shown else "",
            asked_before=similar.solved_with.get(article.id, 0),
            words=_shared(f"{article.title}\n{passage.text}", article.lang, wanted),
            link=None if not public else theirs.article if theirs and theirs.article.lang == case.lang else article,
        )

    def _flags(self, articles: Iterable[str]) -> dict[str, list[Flag]]:
        found: dict[str, list[Flag]] = {}
        try:
            for flag in self.flags.find(articles=list(articles), state="open"):
                found.setdefault(flag.article_id, []).append(flag)
        except StoreUnavailable as error:
            _log.error("articles are shown without their flags: %s", error)
        return found


def flag_changed(searcher: Searcher, flag: Flag) -> bool:
    """Whether the flagged article says something else by now, in the language it was flagged in."""
    entry = searcher.snapshot.entry(ArticleKey(flag.article_id, flag.lang))
    return bool(entry and changed_since(flag, entry.article))


def _suggested(decision: Decision, searcher: Searcher) -> tuple[ArticleKey, ...]:
    """The articles that a reader would be shown, the answer first."""
    hits = (decision.hit, *decision.others) if isinstance(decision, Answer) else ()
    hits = decision.hits if isinstance(decision, Suggest) else hits
    return tuple(searcher.entry(hit.article).article.key for hit in hits)


def _shared(text: str, lang: str, wanted: Wanted) -> tuple[str, ...]:
    """Words of a text that the ticket has too, as the text writes them first, each once."""
    words = (text[start:end] for start, end in wanted.marks(text, lang))
    return tuple({word.casefold(): word for word in reversed(list(words)) if len(word) > 1}.values())[::-1][
        :_MOST_WORDS
    ]


def _entry(searcher: Searcher, article: str, lang: str, audiences: frozenset[str]) -> Entry | None:
    """The article in a language, else in the one most articles are written in that it has, if it may be read."""
    for code in dict.fromkeys((lang, *searcher.snapshot.languages)):
        entry = searcher.snapshot.entry(ArticleKey(article, code))
        if entry and entry.article.audience in audiences:
            return entry
    return None
