"""Ids, old ids, titles and questions: what two articles may not share."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kb.check.pages import Page, Pages
from kb.check.report import Finding, error, short, warning
from kb.corpus import folded
from kb.models import Article

_TITLE = re.compile(r"\A\s*#\s[^\n]*\n")
#: Shorter ones are not written yet ("To do"), or say that an article moved.
_LEAST_TEXT = 40


def duplicate_ids(pages: Pages) -> Iterator[Finding]:
    first: dict[tuple[str, str], Page] = {}
    alike: dict[tuple[str, str], Page] = {}
    for page, article in _living(pages):
        before = first.setdefault((article.lang, article.id), page)
        near = alike.setdefault((article.lang, article.id.casefold()), page)
        if before is not page:
            message = f"{article.id!r} in {article.lang} is already the id of {_place(before)}."
            fix = "Give one of the two another `id:` in its front matter."
            yield error(page.path, page.line("id"), "duplicate-id", message, fix)
        elif near is not page and near.article:
            message = f"{article.id!r} differs only in case from {near.article.id!r}, the id of {_place(near)}."
            fix = "Give one of the two another `id:`; addresses tell them apart, people do not."
            yield warning(page.path, page.line("id"), "duplicate-id", message, fix)
    for page in pages.pages:  # of a JSONL file
        if page.problem and page.problem.reason == "duplicate id":
            yield error(
                page.path, page.row, "duplicate-id", f"{page.problem.detail}.", "Give one of the two another id."
            )


def redirects(pages: Pages) -> Iterator[Finding]:
    claimed: dict[tuple[str, str], Page] = {}
    for page, article in _living(pages):
        for written in article.redirect_from:
            old = written.strip("/")
            line = _line_of(page, "redirect_from", written)
            living = pages.by_key.get((article.lang, old))
            if living:
                whose = "its own id" if living is page else f"the id of {_place(living)}"
                message = f"redirect_from: {written!r} is {whose}, so nothing leads from there to here."
                yield error(page.path, line, "redirect", message, "Delete it here, or give that article another id.")
            elif (before := claimed.setdefault((article.lang, old), page)) is not page:
                message = f"redirect_from: {_place(before)} claims {written!r} as well; its address leads only there."
                yield error(page.path, line, "redirect", message, "Delete it in one of the two.")


def duplicate_titles(pages: Pages) -> Iterator[Finding]:
    first: dict[tuple[str, str, str], Page] = {}
    for page, article in _living(pages):
        before = first.setdefault((article.lang, article.audience, folded(article.title)), page)
        if before is not page and before.article and before.article.id != article.id:
            message = (
                f"{_place(before)} has the same title, {short(article.title)!r}: in a list nobody can tell them apart."
            )
            fix = "Say in the title what is different, or make one article of the two."
            line = page.row or (
                page.line("title") if "title" in (page.front.values if page.front else {}) else article.body_line
            )
            yield warning(page.path, line, "duplicate-title", message, fix)


def same_texts(pages: Pages) -> Iterator[Finding]:
    """Copies: texts that are the same but for spaces, line ends and the title."""
    first: dict[tuple[str, str, str], Page] = {}
    for page, article in _living(pages):
        words = text_alone(article)
        if len(words) < _LEAST_TEXT:
            continue
        before = first.setdefault((article.lang, article.audience, words), page)
        if before is not page and before.article and before.article.id != article.id:
            message = f"It says the same as {_place(before)}, word for word."
            fix = "Delete one of the two; `redirect_from` keeps the other's address."
            yield warning(page.path, page.row or article.body_line, "near-duplicate", message, fix)


def text_alone(article: Article) -> str:
    """The text of an article without the heading it opens with, with single spaces."""
    return " ".join(_TITLE.sub("", article.body, count=1).split())


def duplicate_questions(pages: Pages) -> Iterator[Finding]:
    claimed: dict[tuple[str, str], Page] = {}
    for page, article in _living(pages):
        own: set[str] = set()
        for question in article.questions:
            line, words = _line_of(page, "questions", question), folded(question)
            if words in own:
                message = f"The question {short(question)!r} stands here twice."
                yield warning(page.path, line, "duplicate-question", message, "Delete one of the two.")
            own.add(words)
            before = claimed.setdefault((article.lang, words), page)
            if before is not page and before.article and before.article.id != article.id:
                message = f"{_place(before)} claims the question {short(question)!r} too; only one can come first."
                fix = "Leave it with the article that answers it, and put it under `not_for` in the other."
                yield error(page.path, line, "duplicate-question", message, fix)
        for question in article.not_for:
            if folded(question) in own:
                message = f"{short(question)!r} stands under questions and under not_for."
                line = _line_of(page, "not_for", question)
                yield error(page.path, line, "duplicate-question", message, "Delete one of the two.")


def _living(pages: Pages) -> Iterator[tuple[Page, Article]]:
    for page in pages.living:
        if page.article:
            yield page, page.article


def _place(page: Page) -> str:
    return f"{page.path}:{page.row}" if page.row else page.path


def _line_of(page: Page, key: str, written: str) -> int:
    """The line of an entry of a list, as far as it stands on one; else the line of its key."""
    if page.row or not page.front:
        return page.row
    start = page.line(key)
    lines = page.text.split("\n", page.front.body_line)
    needle = written[:40]
    last = page.front.body_line - 1
    return next((n for n in range(start, last) if n <= len(lines) and needle in lines[n - 1]), start)
