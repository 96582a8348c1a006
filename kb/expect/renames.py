"""Articles whose file got another name without an `id` that stayed: which one is the same as before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kb.corpus import folded
from kb.expect.outcomes import Contents, Run
from kb.models import ArticleKey

#: By id, and by language.
_Versions = dict[str, dict[str, Contents]]
#: Of the questions that the two have; git says of files that are as much alike that one was renamed.
_ALIKE = 0.5


def with_later_names(before: Run, after: Run) -> Run:
    """The earlier run, with the ids that its articles have in the later one.

    An article that is gone and one that is new are the same where they say the same in some language, or where they
    share at least half of their questions.
    """
    gone, came = _by_id(before, other=after), _by_id(after, other=before)
    alike = sorted(
        ((_alikeness(gone[old], came[new]), old, new) for old, new in _sharing(gone, came)),
        key=lambda found: (-found[0], found[1:]),
    )
    names: dict[str, str] = {}
    taken: set[str] = set()
    for share, old, new in alike:
        if share >= _ALIKE and old not in names and new not in taken:
            names[old] = new
            taken.add(new)
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


def _by_id(run: Run, other: Run) -> _Versions:
    """The languages of each article that the other run does not have."""
    known = {key.id for key in other.articles}
    found: _Versions = {}
    for key, contents in run.articles.items():
        if key.id not in known:
            found.setdefault(key.id, {})[key.lang] = contents
    return found


def _sharing(gone: _Versions, came: _Versions) -> set[tuple[str, str]]:
    """The pairs that have anything in common: to compare all with all takes minutes where a whole folder was moved."""
    marked: dict[object, list[str]] = {}
    for new, versions in came.items():
        for mark in _marks(versions):
            marked.setdefault(mark, []).append(new)
    return {(old, new) for old, versions in gone.items() for mark in _marks(versions) for new in marked.get(mark, ())}


def _marks(versions: dict[str, Contents]) -> Iterator[object]:
    yield from ((lang, contents.words) for lang, contents in versions.items())
    yield from _questions(versions)


def _alikeness(one: dict[str, Contents], other: dict[str, Contents]) -> float:
    if any(lang in other and other[lang].words == contents.words for lang, contents in one.items()):
        return 1.0
    mine, theirs = _questions(one), _questions(other)
    return len(mine & theirs) / max(len(mine), len(theirs), 1)


def _questions(versions: dict[str, Contents]) -> set[str]:
    return {folded(text) for contents in versions.values() for text in contents.questions}
