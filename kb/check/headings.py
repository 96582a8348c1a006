"""Headings: what a screen reader's list of them, and ours beside the text, is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kb.check.pages import Page, Pages
from kb.check.report import Finding, short, warning
from kb.corpus import folded

_LEARN_TAB = re.compile(r"^\s*#[^\n]*\(#tab/", re.IGNORECASE)


def headings(pages: Pages) -> Iterator[Finding]:
    for page in pages.living:
        yield from _jumps(page)
        yield from _titles(page)


def _jumps(page: Page) -> Iterator[Finding]:
    """The title counts as level 1, wherever it stands."""
    before = 1
    for heading in page.markup.headings:
        if heading.level > before + 1:
            level, called = heading.level, f"{short(heading.text, 50)!r} " if heading.text else ""
            after = "the title" if before == 1 else f"one of level {before}"
            message = f"The heading {called}of level {level} comes after {after}."
            yield warning(page.path, page.row or heading.line, "heading-jump", message, f"Make it level {before + 1}.")
        before = heading.level


def _titles(page: Page) -> Iterator[Finding]:
    """A page has one heading of level 1, its title; tabs of Microsoft Learn are written as such."""
    lines = page.text.split("\n")
    first = [heading for heading in page.markup.headings if heading.level == 1]
    opening = list(page.markup.headings[:1]) == first[:1] and _opens(page, first[0].line if first else 0, lines)
    extra = [
        heading
        for heading in first[1 if opening else 0 :]
        if page.row or not _LEARN_TAB.match(lines[min(heading.line, len(lines)) - 1])
    ]
    if not extra:
        return
    if not opening and page.article and folded(extra[0].text) == folded(page.article.title) and len(extra) == 1:
        message = f"The title, {short(extra[0].text, 50)!r}, stands in the text again, since other words are above it."
        fix = "Put this heading at the top of the text, or delete it."
        yield warning(page.path, page.row or extra[0].line, "second-title", message, fix)
        return
    shown = short(extra[0].text, 50) or "<h1>"
    more = "" if len(extra) == 1 else " So is one more." if len(extra) == 2 else f" So are {len(extra) - 1} more."
    message = f"{shown!r} is a heading of level 1, as only the title should be.{more}"
    yield warning(page.path, page.row or extra[0].line, "second-title", message, "Write ## for sections.")


def _opens(page: Page, line: int, lines: list[str]) -> bool:
    """Whether nothing but empty lines stands above the first heading: then it is the title."""
    if page.row or page.front is None:
        return True
    return not any(text.strip() for text in lines[page.front.body_line - 1 : line - 1])
