"""Articles whose file got another name without an `id` that stayed: which one is the same as before."""

from __future__ import annotations

from dataclasses import replace

from kb.corpus import folded
from kb.expect.outcomes import Contents, Run
from kb.models import ArticleKey

#: Of the questions that the two have; git says of files that are as much alike that one was renamed.
_ALIKE = 0.5


def with_later_names(before: Run, after: Run) -> Run:
    """The earlier run, with the ids that its articles have in the later one.

    An article that is gone and one that is new are the same where they say the same in some language, or where they
    share at least half of their questions.
    """
    gone, came = _by_id(before, other=after), _by_id(after, other=before)
    alike = sorted(
        ((_alikeness(gone[old], came[new]), old, new) for old in gone for new in came),
        key=lambda found: (-found[0], found[1:]),
    )
    names: dict[str, str] = {}
    for share, old, new in alike:
        if share >= _ALIKE and old not in names and new not in names.values():
            names[old] = new
    if not names:
        return before

    def renamed(key: ArticleKey) -> ArticleKey:
        return ArticleKey(names.get(key.id, key.id), key.lang)

    return replace(
        before,
        outcomes=tuple(
            replace(one, key=renamed(one.key), above=tuple(names.get(article, article) for article in one.above))
            for one in before.outcomes
        ),
        articles={renamed(key): contents for key, contents in before.articles.items()},
    )


def _by_id(run: Run, other: Run) -> dict[str, dict[str, Contents]]:
    """The languages of each article that the other run does not have."""
    known = {key.id for key in other.articles}
    found: dict[str, dict[str, Contents]] = {}
    for key, contents in run.articles.items():
        if key.id not in known:
            found.setdefault(key.id, {})[key.lang] = contents
    return found


def _alikeness(one: dict[str, Contents], other: dict[str, Contents]) -> float:
    if any(lang in other and other[lang].words == contents.words for lang, contents in one.items()):
        return 1.0
    mine, theirs = _questions(one), _questions(other)
    return len(mine & theirs) / max(len(mine), len(theirs), 1)


def _questions(versions: dict[str, Contents]) -> set[str]:
    return {folded(text) for contents in versions.values() for text in contents.questions}
