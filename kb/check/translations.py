"""Translations that fell behind their article, by the history in git, and those that lost it."""

from __future__ import annotations

import os
import posixpath
import shlex
from collections.abc import Iterator, Sequence
from itertools import pairwise

from rapidfuzz import process
from rapidfuzz.distance import OSA

from kb import frontmatter, languages
from kb.check.lives import Step, lives
from kb.check.pages import Page, Pages, digits
from kb.check.report import Finding, warning
from kb.errors import RepositoryError
from kb.frontmatter import FrontMatter, FrontMatterProblem
from kb.repository import Repository

#: Keys that readers see as text. Questions and keywords are each language's own: how people ask there.
_TRANSLATED = ("title", "summary", "description")
#: So many of the last commits of a translation are looked at for one that changed its text.
_MOST_STEPS = 20


def stale_translations(pages: Pages) -> Iterator[Finding]:
    """Where the text of the article in the default language changed after the last change of its translation's text.

    Told only where git knows when both were changed; files may have been moved since.
    """
    pairs = [(page, source) for page in pages.living if (source := _source_of(pages, page))]
    if not pairs:
        return
    known = lives(pages.source, {one.path for pair in pairs for one in pair})
    later = [
        (page, source, known[page.path], known[source.path])
        for page, source in pairs
        if known.get(page.path) and known.get(source.path) and _changed(known[source.path]) < known[page.path][-1].place
    ]
    if not later:
        return
    repository = Repository.at(pages.source)
    versions = _texts(repository, [(step.id, step.path) for _, _, own, _ in later for step in own[:_MOST_STEPS]])
    since = []
    for _, _, own, _ in later:
        steps = own[:_MOST_STEPS]
        texts, versions = versions[: len(steps)], versions[len(steps) :]
        since.append(_last_change(steps, texts))
    called = [_called(life, step) for (_, _, _, life), step in zip(later, since, strict=True)]
    wanted = [(step.id, path) for step, path in zip(since, called, strict=True)]
    for (page, source, _, life), step, path, then in zip(later, since, called, _texts(repository, wanted), strict=True):
        now = next((one for one in life if not one.moved), life[-1])
        if then is None or now.place >= step.place or _same(then, source.text):
            continue
        message = f"{source.path} changed on {now.date}; this translation is of {step.date}."
        paths = " ".join(shlex.quote(f":/{repository.prefix}{one}") for one in dict.fromkeys((path, source.path)))
        fix = f"Bring it up to date: git diff {step.id[:12]} -- {paths}"
        yield warning(page.path, page.line("title"), "stale-translation", message, fix)


def _changed(life: Sequence[Step]) -> int:
    """The place of the last change that was more than another name."""
    return next((step.place for step in life if not step.moved), life[-1].place)


def _last_change(steps: Sequence[Step], texts: Sequence[str | None]) -> Step:
    """The newest step after which readers saw another text than before it."""
    for step, (after, before) in zip(steps, pairwise(texts), strict=False):
        if after is None or before is None or not _same(before, after.replace("\r\n", "\n")):
            return step
    return steps[-1]


def _called(life: Sequence[Step], at: Step) -> str:
    """The name a file had at a commit."""
    return next((step.path for step in life if step.place >= at.place), life[-1].path)


def _source_of(pages: Pages, page: Page) -> Page | None:
    """The article in the default language that a page is a translation of."""
    if page.article is None or page.row or page.lang == pages.default_lang:
        return None
    return pages.by_key.get((pages.default_lang, page.article.id))


def _same(then: str, now: str) -> bool:
    """Whether two versions of a file leave nothing to translate: text, title and summary are the same."""
    try:
        before, after = frontmatter.split(then.replace("\r\n", "\n")), frontmatter.split(now)
    except FrontMatterProblem:
        return False
    return before.body.split() == after.body.split() and _told(before) == _told(after)


def _told(front: FrontMatter) -> dict[str, object]:
    return {key: front.values.get(key) for key in _TRANSLATED}


def _texts(repository: Repository, wanted: Sequence[tuple[str, str]]) -> list[str | None]:
    """Files as they were at a commit: one process of git for all. None where there was none."""
    asked = "".join(f"{commit}:{repository.prefix}{path}\n" for commit, path in wanted)
    try:
        answer = os.fsencode(repository.git("cat-file", "--batch", given=os.fsencode(asked)))
    except RepositoryError:
        return [None] * len(wanted)
    texts: list[str | None] = []
    place = 0
    for _ in wanted:
        head, _, _ = answer[place:].partition(b"\n")
        place += len(head) + 1
        if head.endswith(b" missing") or not head:
            texts.append(None)
            continue
        size = int(head.rpartition(b" ")[2])
        texts.append(answer[place : place + size].decode(errors="replace"))
        place += size + 1
    return texts


def lone_translations(pages: Pages) -> Iterator[Finding]:
    """A translation without the article in the default language may be meant. It is a mistake where that article is
    there under another id: at the same path, or with this id among its old ones.
    """
    default = pages.default_lang
    by_place = {_place(page): page for page in pages.living if page.lang == default and page.article and not page.row}
    for page in pages.living:
        if page.article is None or page.row or page.lang == default:
            continue
        if (default, page.article.id) in pages.by_key:
            continue
        source = by_place.get(_place(page)) or pages.moved.get((default, page.article.id)) or _misspelled(pages, page)
        if source and source.article and (page.lang, source.article.id) not in pages.by_key:
            message = f"It has the id {page.article.id!r}, but {source.path} has {source.article.id!r}."
            fix = f"Write `id: {source.article.id}`, so that readers can change the language."
            yield warning(page.path, page.line("id"), "lone-translation", message, fix)


def _misspelled(pages: Pages, page: Page) -> Page | None:
    """The article whose id differs by a letter or two from the one that was written."""
    written = page.article.id if page.article and page.front and "id" in page.front.values else ""
    if len(written) < 8:
        return None
    known = [known for lang, known in pages.by_key if lang == pages.default_lang and digits(known) == digits(written)]
    near = process.extractOne(written, known, scorer=OSA.distance, score_cutoff=2)
    return pages.by_key[pages.default_lang, near[0]] if near else None


def _place(page: Page) -> str:
    """The path without what names the language: `pl/accounts/reset.md`, `accounts/reset.pl.md` -> "accounts/reset"."""
    stem = posixpath.splitext(page.path)[0]
    plain, _, suffix = stem.rpartition(".")
    stem = plain if plain and languages.normalise(suffix) else stem
    return "/".join(part for part in stem.split("/") if languages.normalise(part) is None)
