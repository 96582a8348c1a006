"""Whether an article can be found by browsing, and is due to be read again."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from datetime import date

from kb.check.links import target_of
from kb.check.pages import Pages
from kb.check.report import Finding, warning


def review_due(pages: Pages, today: date) -> Iterator[Finding]:
    for page in pages.living:
        written = page.article.review_by if page.article else ""
        try:
            due = date.fromisoformat(written[:10])
        except ValueError:  # told by the rule front-matter
            continue
        if due < today:
            days = (today - due).days
            message = f"It was to be read again by {due}, {days} {'day' if days == 1 else 'days'} ago."
            fix = "Read it, mend what is no longer true, and write a new date."
            yield warning(page.path, page.line("review_by"), "review-due", message, fix)


def orphans(pages: Pages) -> Iterator[Finding]:
    """Every article is found by search, and below its topic. What has no topic stands under "Other articles"; where the
    others have topics, and no article leads to it either, nobody who browses comes by.
    """
    without = [page for page in pages.published if page.article and not page.article.topic and not page.row]
    if not without or len(without) * 2 > len(pages.published):
        return
    linked = _linked(pages)
    for page in without:
        stem = posixpath.splitext(posixpath.basename(page.path))[0]
        if page.path not in linked and stem.partition(".")[0] not in ("index", "_index"):
            message = "It has no topic, and no article leads to it."
            fix = "Move it into the folder of a topic, write `topic:`, or link to it from an article people read."
            yield warning(page.path, 1, "orphan", message, fix)


def _linked(pages: Pages) -> set[str]:
    """The paths of all articles that another one leads to."""
    found: set[str] = set()
    for page in pages.living:
        for link in page.markup.links:
            target = target_of(pages, page, link.href)
            if target and target is not page:
                found.add(target.path)
    return found
