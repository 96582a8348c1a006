"""Follow-up questions: whether "and on a Mac?" belongs to what was asked before, or is a question of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.decide import Policy
from bot.models import MAX_QUESTION, Question, RecordedQuestion
from kb import analysis
from kb.function_words import ANY_FUNCTION_WORD, FUNCTION_WORDS
from kb.marks import WORD
from kb.models import ArticleKey
from kb.search import Query, Ranking, Searcher

#: Words that open a question which leans on what was said before.
_LEANING = frozenset(
    "and or but a albo lub oraz en of maar e ed o ma а и или но und oder aber et ou mais y pero".split()
)
#: So few words of its own, after an opening like that, are never a whole question: "a z dysku S?".
_FEW_WORDS = 2
#: The share of the new words that the earlier question's article has to hold. On bench/follow_ups.jsonl all follow-ups
#: have half or more, all changes of subject but one a quarter or less.
_LEAST_SHARE = 0.5
#: How much surer words that do not lean on anything have to become. Of the questions in `bench/follow_ups.jsonl` the
#: follow-ups gain .27 or more, the one change of subject that got so far .04.
_LEAST_GAIN = 0.1
#: A chain longer than this is no conversation any more.
_LONGEST_CHAIN = 20
#: How many articles are looked at for the passage that answers the new words.
_DEPTH = 200


@dataclass(frozen=True, slots=True)
class Understood:
    """A question as it was understood. `ranking` answers it; `context` is the earlier question where that counts.

    `text` is the question with its context. `corrected` is the question alone with typing errors mended.
    """

    question: Question
    ranking: Ranking
    corrected: str
    text: str
    context: str = ""


def first_of(earlier: RecordedQuestion | None, known: Callable[[str], RecordedQuestion | None]) -> str:
    """The text of the question that a chain of follow-ups began with, "" where there is none."""
    for _ in range(_LONGEST_CHAIN):
        if earlier is None or not earlier.after or (before := known(earlier.after)) is None:
            break
        earlier = before
    return earlier.text if earlier else ""


def joined(context: str, text: str) -> str:
    """A follow-up with the question it belongs to, as one text."""
    return f"{context.rstrip(' ?.!')} {text}" if context else text


def understand(searcher: Searcher, question: Question, context: str, policy: Policy, limit: int = 10) -> Understood:
    """The ranking for a question that came after `context`, "" for none.

    The context counts where the new words do not stand on their own (no article answers them surely, or they are few
    and lean on something) and an article surely answers both together and holds the new words. It never counts for a
    question that is clear, nor for one about something else, which what was asked before makes hardly surer.
    """
    alone = searcher.rank(_query(question), _DEPTH if context else limit)
    on_its_own = Understood(question, replace(alone, hits=alone.hits[:limit]), alone.corrected, question.text)
    words = _own_words(question.text, question.lang or alone.lang)
    whole = joined(context, question.text)
    if not context or question.body or len(whole) > MAX_QUESTION:
        return on_its_own
    leans = _leans(question, words)
    if alone.confidence >= policy.answer_at and not leans:
        return on_its_own
    together = searcher.rank(replace(_query(question), text=whole), limit)
    if not together.hits or together.confidence < policy.answer_at:
        return on_its_own
    if together.confidence < alone.confidence + _LEAST_GAIN and not leans:
        return on_its_own
    if _share(searcher, together.hits[0].article, words) < _LEAST_SHARE:
        return on_its_own
    # The context says which article, the new words say which part of it.
    rows = {hit.article: hit.row for hit in alone.hits}
    hits = tuple(replace(hit, row=rows.get(hit.article, hit.row)) for hit in together.hits)
    return Understood(question, replace(together, hits=hits), alone.corrected, whole, context)


def _query(question: Question) -> Query:
    return Query(question.text, question.body, question.lang, question.audiences, question.topic, question.exact)


def _own_words(text: str, lang: str) -> list[str]:
    """The words of a follow-up that say something, as they were typed."""
    empty = FUNCTION_WORDS.get(lang, ANY_FUNCTION_WORD)
    return [word for match in WORD.finditer(text) if analysis.fold(word := match[0]) not in empty]


def _leans(question: Question, words: list[str]) -> bool:
    first = WORD.search(question.text)
    return first is not None and first[0].casefold() in _LEANING and len(words) <= _FEW_WORDS


def _share(searcher: Searcher, article: int, words: list[str]) -> float:
    """How many of the words an article holds in any of its languages, 0 to 1; 1 for no words at all."""
    snapshot = searcher.snapshot
    article_id = snapshot.entries[article].article.id
    numbers = {n for lang in snapshot.languages if (n := snapshot.by_key.get(ArticleKey(article_id, lang))) is not None}
    held = [numbers & snapshot.words.documents_with(analysis.terms(word, snapshot.languages)) for word in words]
    return sum(map(bool, held)) / len(held) if held else 1.0
