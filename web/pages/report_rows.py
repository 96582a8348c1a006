"""The articles of a report, as somebody may see them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, cast, get_args

from fastapi import Request

from bot.reports.articles import NOTHING, NUMBERS, ArticleCounts
from bot.reports.reports import Reports
from kb.analysis import fold
from kb.links import article_path
from web.pages.catalogue import NO_TOPIC, Catalogue

#: What a list of articles may be narrowed to.
Only = Literal["", "never_found", "rejected"]
ONLY: tuple[Only, ...] = get_args(Only)
#: What it may be ordered by; numbers and days fall, words rise.
ORDERS = (*NUMBERS, "title", "changed")


@dataclass(frozen=True, slots=True)
class ArticleRow:
    """An article in the first language of the reader it exists in. `topic` is the slug of its topic."""

    id: str
    title: str
    path: str
    topic: str
    changed: date | None
    counts: ArticleCounts

    @property
    def helped(self) -> float | None:
        """Of what people said of it under a question, the share that it solved."""
        said = self.counts.solved + self.counts.rejected
        return self.counts.solved / said if said else None


def reports_of(request: Request) -> Reports:
    return cast(Reports, request.app.state.reports)


def rows(known: Catalogue, lang: str, counted: Mapping[str, ArticleCounts], only: str = "") -> list[ArticleRow]:
    """All articles somebody may read, or `only` one of them; also those nothing happened to."""
    order = (lang, *known.languages)
    found = []
    for article_id, written in [(only, known.by_id[only])] if only else known.by_id.items():
        article = next(written[code] for code in order if code in written)
        changed = max((day for each in written.values() if (day := _day(each.changed))), default=None)
        counts = counted.get(article_id, NOTHING)
        topic = article.topic or NO_TOPIC
        found.append(ArticleRow(article_id, article.title, article_path(article.key), topic, changed, counts))
    return found


def chosen(
    found: Sequence[ArticleRow], *, text: str = "", topic: str = "", only: Only = "", order: str = "shown"
) -> list[ArticleRow]:
    """Those that fit, in an order."""
    words = fold(text)
    kept = [
        row
        for row in found
        if words in fold(f"{row.title} {row.id}")
        and topic in ("", row.topic)
        and (only != "never_found" or not row.counts.found)
        and (only != "rejected" or row.counts.rejected)
    ]
    if order == "title":
        return sorted(kept, key=lambda row: (fold(row.title), row.id))
    if order == "changed":  # the oldest first: those are what one looks for
        return sorted(kept, key=lambda row: (row.changed or date.min, row.id))
    return sorted(kept, key=lambda row: (-getattr(row.counts, order), -row.counts.shown, fold(row.title), row.id))


def most_rejected(found: Sequence[ArticleRow], most: int) -> list[ArticleRow]:
    return chosen(found, only="rejected", order="rejected")[:most]


def topic_of(known: Catalogue) -> Callable[[str], str | None]:
    """The slug of an article's topic; None for one that somebody may not read, or that is gone."""

    def _topic_of(article_id: str) -> str | None:
        written = known.by_id.get(article_id)
        return (next(iter(written.values())).topic or NO_TOPIC) if written else None

    return _topic_of


def _day(changed: str) -> date | None:
    try:
        return datetime.fromisoformat(changed).date() if changed else None
    except ValueError:
        return None
